#pragma once

// For tests: a deployment's stores in memory, people and receivers, a clock that stands still, and the other side of the wire.

#include <deque>
#include <functional>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"
#include "http/message.h"
#include "jose/jwt.h"
#include "registry/read.h"
#include "registry/snapshot.h"

namespace writ::signals::test {

constexpr std::int64_t kNow = 1'795'001'000;
constexpr const char* kIdp = "https://id.larkspur.example/idp";
constexpr const char* kRas = "https://as.quillnotes.example";
constexpr const char* kOtherRas = "https://as.other.example";
constexpr const char* kToken = "0123456789abcdefghijkl";
constexpr const char* kOtherToken = "abcdefghijkl0123456789";

struct StandingClock final : Clock {
  Instant time = from_unix_seconds(kNow);
  Instant now() const override { return time; }
};

inline const jose::SigningKey& key() {
  static const jose::SigningKey kKey{"k-1", crypto::Algorithm::rs256, crypto::PrivateKey::generate(crypto::Algorithm::rs256)};
  return kKey;
}
inline const jose::SigningKey& foreign_key() {
  static const jose::SigningKey kKey{"k-1", crypto::Algorithm::rs256, crypto::PrivateKey::generate(crypto::Algorithm::rs256)};
  return kKey;
}

// Answers what a test says; keeps what was asked.
struct Wire final : http::Outgoing {
  using Answer = Result<http::OutgoingResponse, http::OutgoingFailure>;
  std::vector<http::OutgoingRequest> requests;
  std::function<Answer(const http::OutgoingRequest&)> answer = [](const http::OutgoingRequest&) { return Answer(unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::connect, "refused"})); };
  Task<Answer> fetch(http::OutgoingRequest request) override {
    requests.push_back(request);
    co_return answer(request);
  }
  static Answer status(int status, std::string body = "") {
    http::OutgoingResponse response;
    response.status = status, response.body = std::move(body);
    return response;
  }
};

inline registry::User person(std::string id, std::string email = "") {
  registry::User user;
  user.id = id, user.name = std::move(id), user.email = std::move(email);
  return user;
}

inline registry::Objects objects() {
  registry::Objects all;
  all.users = {person("usr_alice", "alice@larkspur.example"), person("usr_bob", "bob@larkspur.example")};
  for (const auto& [issuer, id, value] : {std::tuple{kRas, "quill", kToken}, std::tuple{kOtherRas, "other", kOtherToken}}) {
    registry::ResourceAs ras;
    ras.issuer = issuer;
    all.resource_authorization_servers.push_back(ras);
    registry::ApiToken token;
    token.id = id, token.role = "signals", token.audience = issuer, token.sha256_hex = registry::sha256_hex(Secret(value));
    all.api_tokens.push_back(token);
  }
  return all;
}

inline http::Request request(std::string method, std::string path, std::string body = "", std::string token = kToken) {
  http::Request made;
  made.method = std::move(method);
  const auto mark = path.find('?');
  made.path = path.substr(0, mark);
  if (mark != std::string::npos) made.query = path.substr(mark + 1);
  made.body = std::move(body);
  made.peer.address = "192.0.2.7";
  if (!token.empty()) made.headers.add("Authorization", "Bearer " + token);
  if (!made.body.empty()) made.headers.add("Content-Type", "application/json");
  return made;
}

}  // namespace writ::signals::test
