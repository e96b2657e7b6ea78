#pragma once

// A gateway's lowest layers in memory: a server that remembers what it was sent, and its authorization server by hand. For tests only.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"
#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "jose/jwt.h"
#include "registry/stored_revocations.h"
#include "upstreams/credentials/account_link.h"
#include "upstreams/credentials/credentials.h"
#include "upstreams/credentials/scripted_outgoing_fixture.h"

namespace writ::upstreams {

inline constexpr const char* kAs = "https://as.crm.example";
inline constexpr const char* kAsMetadata = "https://as.crm.example/.well-known/oauth-authorization-server";
inline constexpr const char* kAsToken = "https://as.crm.example/token";
inline constexpr const char* kAsRevoke = "https://as.crm.example/revoke";
inline constexpr const char* kCrm = "https://crm.example/mcp";
inline const Instant kNow = from_unix_seconds(1'795'000'000);

class CredentialClock final : public Clock {
 public:
  Instant now() const override { return time; }
  Instant time = kNow;
};

class EmptyBody final : public http::BodyStream {
 public:
  Task<Result<std::string, http::StreamEnd>> next() override { co_return unexpected(http::StreamEnd::complete); }
  void cancel() override {}
};

// Answers 401 to every token in `refuses`, else 200.
class RecordingServer final : public Upstream {
 public:
  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override {
    const auto* authorization = request.http.headers.find("Authorization");
    tokens.push_back(authorization ? *authorization : "");
    requests.push_back(request.http);
    http::UpstreamResponse response;
    response.status = refuses_all || refuses.contains(tokens.back()) ? 401 : 200;
    response.body = std::make_unique<EmptyBody>();
    co_return response;
  }
  std::vector<http::UpstreamRequest> requests;
  std::vector<std::string> tokens;
  std::set<std::string> refuses;
  bool refuses_all = false;
};

// Gives an ID-JAG that says for whom, or says no.
class ScriptedIdp final : public IdJagSource {
 public:
  Task<Result<IssuedIdJag, Failure>> issue(IdJagWanted wanted) override {
    asked.push_back(wanted);
    if (denies) co_return unexpected(credential_failure("denied"));
    IssuedIdJag issued{Secret("id-jag-" + std::to_string(asked.size()) + "-for-" + wanted.user + "-by-" + wanted.agent), "crm:read", client_id};
    co_return issued;
  }
  std::string decided_on() const override { return version; }
  std::vector<IdJagWanted> asked;
  std::string client_id = "writ-at-crm", version = "v1";
  bool denies = false;
};

class CredentialsTest : public testing::Test {
 public:
  CredentialsTest() {
    registry::User alice, bob;
    alice.id = "usr_alice", alice.name = "alice", bob.id = "usr_bob", bob.name = "bob";
    registry::Agent cursor;
    cursor.id = "cursor";
    registry::Server crm;
    crm.id = "crm", crm.resource = "https://writ.example/mcp/crm";
    crm.upstream.emplace().url = kCrm;
    crm.upstream->oauth.emplace();
    crm.upstream->oauth->issuer = kAs, crm.upstream->oauth->client_id = "writ-at-crm", crm.upstream->oauth->client_secret_file = "secret";
    crm.upstream->oauth->scopes = {"crm:read", "crm:write"};
    current.users = {alice, bob}, current.agents = {cursor}, current.servers = {crm};
    publish();
    as.at[kAsMetadata] = [this](const auto&) { return ScriptedOutgoing::json(metadata); };
    as.at[kAsToken] = [this](const http::OutgoingRequest& request) { return token_answer(request); };
    as.at[kAsRevoke] = [this](const http::OutgoingRequest&) { return ScriptedOutgoing::json(json::Object{}, revoke_status); };
    core->id_jags = &idp;
    reopen();
  }
  registry::UpstreamOAuth& oauth() { return *current.servers[0].upstream->oauth; }
  void publish() { snapshot = std::make_shared<registry::Snapshot>(current, ++sequence); }
  void use(registry::UpstreamOAuth::Grant grant) {
    oauth().grant = grant;
    if (grant == registry::UpstreamOAuth::Grant::authorization_code) oauth().account_email_domains = {"acme.example"};
    publish();
  }
  // What a restart does.
  void reopen() {
    auto opened = LinkedAccounts::open(documents, crypto::SealingKey(Secret("0123456789abcdef0123456789abcdef")));
    ASSERT_TRUE(opened) << opened.error().what;
    store = std::move(*opened);
    accounts = std::make_shared<Accounts>(Accounts::Parts{core, *store, log, keys, crypto::SealingKey(Secret("fedcba9876543210fedcba9876543210")), "https://writ.example/accounts",
                                                          [this](const std::string& sentence) { warnings.push_back(sentence); }});
    layer.reset();
    core->servers = std::make_shared<AuthorizationServers>(as, read_secret());   // those of the earlier layer are closed
    layer = std::make_unique<Credentials>(server, core, read_secret(), accounts);
  }
  ReadSecret read_secret() {
    return [this](const std::string& file) -> Result<Secret, std::string> {
      const auto found = files.find(file);
      if (found == files.end()) return unexpected("cannot open `" + file + "`");
      return Secret(found->second);
    };
  }
  Request request(const char* user = "usr_alice", const char* session = "ses_1") {
    Request request;
    request.snapshot = snapshot;
    request.server = snapshot->server("crm");
    request.user = snapshot->user(user);
    request.agent = snapshot->agent("cursor");
    request.principal = std::make_shared<const Principal>(Principal{std::string("key of ") + user, "https://writ.example/ras", session, "jti-1", "jag-1"});
    request.http.method = "POST", request.http.body = "{}";
    return request;
  }
  // The status, or what failed.
  std::string send(Request request) {
    last.reset();
    auto sent = run(executor, layer->send(std::move(request)));
    if (sent) return std::to_string(sent->status);
    last = sent.error();
    switch (last->kind) {
      case Failure::Kind::credential: return "credential: " + last->detail;
      case Failure::Kind::needs_account: return "needs account at " + last->url;
      default: return "another failure";
    }
  }
  std::string send() { return send(request()); }
  // Each answer another token.
  http::OutgoingResponse token_answer(const http::OutgoingRequest& request) {
    if (refuse_with.first != 0) return ScriptedOutgoing::json(json::Value{{"error", refuse_with.second}}, refuse_with.first);
    json::Value answer{{"access_token", "token-" + std::to_string(++tokens_given)}, {"token_type", "Bearer"}, {"expires_in", expires_in}};
    const std::string grant = sent(request, "grant_type");
    if (grant == "authorization_code" || (grant == "refresh_token" && rotates)) answer.set("refresh_token", "refresh-" + std::to_string(tokens_given));
    if (grant == "authorization_code" && gives_id_token) answer.set("id_token", jose::sign(as_key, "JWT", id_claims));
    if (change_answer) change_answer(answer);
    return ScriptedOutgoing::json(answer);
  }
  std::vector<std::string> reasons() const {
    std::vector<std::string> all;
    for (const auto& record : log.records()) all.push_back(record.reason);
    return all;
  }
  void settle() {
    bool done = false;
    executor.post([&] { done = true; });
    executor.run_until([&] { return done; });
  }

  QueueExecutor executor;
  Executor::Scope scope{executor};
  CredentialClock clock;
  memory::MemoryDocuments documents;
  memory::MemoryDecisionsLog log;
  ScriptedOutgoing as;
  json::Value metadata{{"issuer", kAs}, {"token_endpoint", kAsToken}, {"authorization_endpoint", "https://as.crm.example/authorize"}, {"revocation_endpoint", kAsRevoke},
                       {"jwks_uri", "https://as.crm.example/jwks"}, {"userinfo_endpoint", "https://as.crm.example/userinfo"}, {"code_challenge_methods_supported", json::Array{"S256"}},
                       {"grant_types_supported", json::Array{"authorization_code", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"}},
                       {"authorization_response_iss_parameter_supported", true}};
  jose::SigningKey as_key{"as1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  jose::RemoteKeySets keys{as};
  json::Value id_claims = json::Object{};
  std::map<std::string, std::string> files{{"secret", "s3cr et"}, {"header-secret", "fixed"}};
  std::pair<int, std::string> refuse_with{0, ""};
  std::function<void(json::Value&)> change_answer;
  int tokens_given = 0, expires_in = 3'600, revoke_status = 200;
  bool rotates = true, gives_id_token = true;
  std::unique_ptr<registry::StoredRevocations> revocations = std::move(*registry::StoredRevocations::open(documents));
  ScriptedIdp idp;
  std::shared_ptr<Core> core = std::make_shared<Core>(std::make_shared<AuthorizationServers>(as, read_secret()), clock, *revocations);
  RecordingServer server;
  std::unique_ptr<LinkedAccounts> store;
  std::shared_ptr<Accounts> accounts;
  std::unique_ptr<Credentials> layer;
  registry::Objects current;
  std::shared_ptr<const registry::Snapshot> snapshot;
  std::uint64_t sequence = 0;
  std::vector<std::string> warnings;
  std::optional<Failure> last;
};

}  // namespace writ::upstreams
