#pragma once

// Objects for questions, and a decision point whose answers a test writes. For tests only.

#include <gtest/gtest.h>

#include "adapters/memory/decisions_log.h"
#include "authzen/endpoint.h"
#include "authzen/external_decision_points.h"
#include "policy/cedar_policy.h"
#include "registry/read.h"

namespace writ::authzen {

inline const Instant kNow = from_unix_seconds(1'795'000'000);

class HandClock final : public Clock {
 public:
  Instant now() const override { return time; }
  Instant time = kNow;
};

inline registry::Objects good_objects() {
  registry::Objects objects;
  registry::User alice, bob;
  alice.id = "usr_alice", alice.name = "alice", alice.email = "alice@acme.example", alice.groups = {"eng"};
  bob.id = "usr_bob", bob.name = "bob";
  objects.users = {alice, bob};
  registry::Group eng;
  eng.id = "eng";
  objects.groups = {eng};
  registry::Agent cursor, off;
  cursor.id = "cursor", cursor.vendor = "Anysphere";
  off.id = "off", off.active = false;
  objects.agents = {cursor, off};
  registry::Server github;
  github.id = "github", github.resource = "https://mcp.acme.example/mcp/github", github.environment = "production";
  github.scopes = {{"repo", "", true, true, {}, {"delete_*"}}};
  objects.servers = {github};
  registry::DecisionPoint point;
  point.id = "pdp", point.url = "https://pdp.example/v", point.all_servers = true, point.timeout_ms = 250;
  point.header_name = "X-Key", point.header_secret_file = "/etc/pdp.key";
  objects.decision_points = {point};
  registry::AuthenticationLevel mfa;
  mfa.id = "mfa", mfa.strength = 1, mfa.acr = "urn:mfa", mfa.expected_amr = {"mfa"}, mfa.max_age_seconds = 600;
  objects.authentication_levels = {mfa};
  registry::ApiToken evaluator, admin;
  evaluator.id = "pep", evaluator.role = "evaluator", evaluator.sha256_hex = registry::sha256_hex(Secret("evaluator-token-0123456789"));
  admin.id = "ci", admin.role = "admin", admin.sha256_hex = registry::sha256_hex(Secret("admin-token-0123456789abcd"));
  objects.api_tokens = {evaluator, admin};
  return objects;
}

inline policy::Question call_question(const json::Value& arguments) {
  policy::Question question;
  question.action = policy::Action::call;
  question.principal.id = "usr_alice", question.principal.groups = {"eng"}, question.principal.issuer = "https://idp.example", question.principal.email = "alice@acme.example";
  question.agent = {"cursor", {}, "Anysphere", "private_key_jwt"};
  question.server = {"github", {}, "production"};
  question.tool.emplace().name = "delete_repo";
  question.tool->scopes = {"repo"};
  question.arguments = &arguments;
  question.authentication = {"urn:mfa", {"pwd", "mfa"}, Seconds{12}};
  question.ip = "192.0.2.7";
  question.issuer = "https://idp.example";
  question.now = kNow;
  return question;
}

class HandPdp final : public http::Outgoing {
 public:
  using Answer = Result<http::OutgoingResponse, http::OutgoingFailure>;
  Task<Answer> fetch(http::OutgoingRequest request) override {
    requests.push_back(std::move(request));
    Answer answer = respond(requests.back());
    co_return answer;
  }
  std::vector<http::OutgoingRequest> requests;
  std::function<Answer(const http::OutgoingRequest&)> respond;
  static Answer json(std::string body, int status = 200) { return http::OutgoingResponse{status, {}, std::move(body)}; }
};

}  // namespace writ::authzen
