#pragma once

// An IdP in memory with a few people, agents and servers, a clock that stands still, and a policy that tests write as a function.
// For tests only.

#include <gtest/gtest.h>

#include <set>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"
#include "crypto/hash.h"
#include "oauth/identifiers.h"
#include "registry/stored_revocations.h"
#include "token_service/idp/browser.h"
#include "token_service/idp/idp.h"
#include "token_service/idp/refresh_rotation.h"
#include "token_service/idp/second_factors.h"
#include "token_service/idp/tokens.h"

namespace writ::token_service::idp {

inline constexpr const char* kIssuer = "https://id.acme.example/idp";
inline constexpr const char* kOwnRas = "https://as.acme.example/ras";
inline constexpr const char* kOtherRas = "https://as.quill.example";
inline constexpr const char* kNotes = "https://mcp.acme.example/mcp/notes";
inline constexpr const char* kWiki = "https://mcp.acme.example/mcp/wiki";
inline constexpr const char* kCrm = "https://mcp.quill.example/mcp";
inline constexpr const char* kVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";        // RFC 7636, Appendix B
inline constexpr const char* kChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
inline constexpr const char* kCallback = "http://127.0.0.1:49800/callback";
inline const Instant kNow = from_unix_seconds(1'795'000'000);

class StandingClock final : public Clock {
 public:
  Instant now() const override { return time; }
  Instant time = kNow;
};

class OneKey final : public SigningKeys {
 public:
  OneKey() {
    jose::SigningKey key{"k1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
    const jose::Jwk published = key.public_jwk();
    ring_ = std::make_shared<KeyRing>(KeyRing{std::move(key), jose::KeySet({published})});
  }
  std::shared_ptr<const KeyRing> current() const override { return ring_; }

 private:
  std::shared_ptr<const KeyRing> ring_;
};

// "plain:" + password stands for a hash here; Argon2 has its own tests.
class PlainPasswords final : public PasswordVerifier {
 public:
  Task<bool> verify(Secret password, std::string phc) override {
    checked.push_back(phc);
    co_return phc == "plain:" + std::string(password.reveal());
  }
  std::vector<std::string> checked;
};

class WrittenPolicy final : public policy::Policy {
 public:
  using Rule = std::function<bool(const policy::Question&)>;
  explicit WrittenPolicy(Rule rule) : rule_(std::move(rule)) {}
  policy::Decision decide(const policy::Question& question) const override {
    policy::Decision decision;
    decision.allowed = rule_(question);
    decision.kind = decision.allowed ? policy::Kind::allowed : policy::Kind::no_permit;
    decision.policies = {"rule-1"};
    decision.version = version_;
    return decision;
  }
  bool could_allow(const policy::Question& question) const override { return rule_(question); }
  const std::string& version() const override { return version_; }

 private:
  Rule rule_;
  std::string version_ = "v1";
};

inline registry::Scope scope(const char* name, bool is_default = false) {
  registry::Scope scope;
  scope.name = name;
  scope.is_default = is_default;
  return scope;
}

inline registry::Server server(const char* id, const char* resource, const char* ras, std::vector<registry::Scope> scopes) {
  registry::Server server;
  server.id = id, server.display_name = id, server.resource = resource, server.resource_as = ras, server.scopes = std::move(scopes);
  return server;
}

inline registry::Agent agent(const char* id, registry::ClientAuthentication method, std::vector<std::pair<std::string, std::string>> at_ras) {
  registry::Agent agent;
  agent.id = id, agent.display_name = std::string(id) + " app";
  registry::Registration registration;
  registration.client_id = std::string(id) + "-idp";
  registration.authentication = method;
  if (method == registry::ClientAuthentication::client_secret) {
    std::string hex;
    for (const auto byte : crypto::sha256(std::string(id) + "-secret")) {
      hex += "0123456789abcdef"[byte >> 4];
      hex += "0123456789abcdef"[byte & 15];
    }
    registration.secrets = {{hex, std::nullopt}};
  }
  registration.redirect_uris = {"http://127.0.0.1/callback", "https://app.example/cb?tenant=1"};
  agent.idp = std::move(registration);
  for (auto& [issuer, client_id] : at_ras) {
    registry::ResourceAsRegistration known;
    known.issuer = issuer, known.registration.client_id = client_id;
    agent.resource_as.push_back(std::move(known));
  }
  return agent;
}

inline registry::Objects good_objects() {
  using enum registry::ClientAuthentication;
  registry::Objects objects;
  registry::User alice;
  alice.id = "usr_alice", alice.name = "alice", alice.display_name = "Alice A.", alice.email = "alice@acme.example";
  alice.email_verified = true, alice.department = "research", alice.groups = {"eng"}, alice.password_hash = "plain:wonderland";
  alice.tags = {{"employee", {"e-17"}}, {"badges", {"a", "b"}}};
  alice.links = {{"https://login.upstream.example", "", "up-alice"}};
  registry::User bob;
  bob.id = "usr_bob", bob.name = "bob", bob.password_hash = "plain:builder";
  registry::User gone;
  gone.id = "usr_gone", gone.name = "gone", gone.active = false, gone.password_hash = "plain:away";
  registry::User robot;
  robot.id = "usr_robot", robot.name = "robot", robot.kind = registry::User::Kind::service, robot.owner = "usr_alice";
  robot.password_hash = "plain:beep";
  objects.users = {alice, bob, gone, robot};
  registry::Group eng;
  eng.id = "eng";
  objects.groups = {eng};
  objects.agents = {agent("cursor", client_secret, {{kOwnRas, "cursor-at-acme"}, {kOtherRas, "cursor-at-quill"}}),
                    agent("unmapped", client_secret, {}),
                    agent("public", none, {{kOwnRas, "public-at-acme"}}),
                    agent("writ-cli", none, {{kOwnRas, "writ-cli-at-acme"}}),
                    agent("off", client_secret, {{kOwnRas, "off-at-acme"}})};
  objects.agents[3].idp->device_keys = true;
  objects.agents[4].active = false;
  objects.servers = {server("notes", kNotes, kOwnRas, {scope("notes:read", true), scope("notes:write"), scope("notes:admin")}),
                     server("wiki", kWiki, kOwnRas, {scope("wiki:read")}),
                     server("crm", kCrm, kOtherRas, {scope("crm:read", true)}),
                     server("old", "https://mcp.acme.example/mcp/old", kOwnRas, {scope("old:read", true)})};
  objects.servers[3].active = false;
  registry::ResourceAs own;
  own.issuer = kOwnRas;
  registry::ResourceAs other;
  other.issuer = kOtherRas, other.subject = "email", other.release_email = true, other.aud_sub = "attribute:employee";
  registry::ResourceAs off;
  off.issuer = "https://as.off.example", off.active = false;
  objects.resource_authorization_servers = {own, other, off};
  return objects;
}

inline Settings good_settings(const char* issuer = kIssuer) {
  Settings settings;
  settings.issuer = issuer;
  settings.own_resource_as = kOwnRas;
  settings.organisation = "Acme";
  settings.pairwise_secret = Secret("0123456789abcdef0123456789abcdef");
  return settings;
}

class World {
 public:
  explicit World(Settings settings = good_settings()) : idp_settings(std::move(settings)) { allow_everything(), idp.second_factors = second_factors.get(); }

  // ---- what is there
  Settings idp_settings;
  StandingClock clock;
  OneKey keys;
  PlainPasswords passwords;
  memory::MemoryDocuments documents;
  memory::MemoryDecisionsLog log;
  registry::Current registry{std::make_shared<registry::Snapshot>(good_objects(), 1)};
  policy::Current policy;
  std::unique_ptr<SessionStore> sessions = std::move(*SessionStore::open(documents, idp_settings.session_absolute_seconds));
  std::unique_ptr<AuthorizationCodes> codes = std::move(*AuthorizationCodes::open(documents));
  std::unique_ptr<RefreshTokens> refresh_tokens = std::move(*RefreshTokens::open(documents));
  std::unique_ptr<StoredDeviceKeys> device_keys = std::move(*StoredDeviceKeys::open(documents));
  std::unique_ptr<registry::StoredRevocations> revocations = std::move(*registry::StoredRevocations::open(documents));
  std::unique_ptr<SecondFactors> second_factors =
      std::move(*SecondFactors::open(documents, crypto::SealingKey(Secret("0123456789abcdef0123456789abcdef"))));
  SignInThrottle sign_in_throttle;
  FailureThrottle throttle;
  ClientAuthenticator clients{client_rules(), log, device_keys.get(), {}};
  dpop::Verifier proofs{Secret("nonce key of thirty-two bytes...."), Instant{}};
  ProofOfPossession possession{proofs, idp_settings.endpoint("token")};
  Idp idp{idp_settings,    clock,        registry,     policy,    keys,
          log,             *sessions,    *codes,       *refresh_tokens, *device_keys,
          *revocations,    passwords,    sign_in_throttle, Secret("form key of thirty-two bytes....."),
          EndpointParts{clients, log, registry, throttle, clock, 0, &possession}, {}};

  ClientAuthenticationRules client_rules() const {
    ClientAuthenticationRules rules;
    rules.issuer = idp_settings.issuer;
    rules.token_endpoint = idp_settings.endpoint("token");
    rules.find = [](const registry::Snapshot& snapshot, std::string_view client_id) {
      const registry::Agent* found = snapshot.agent_at_idp(client_id);
      return registry::Snapshot::AtResourceAs{found, found && found->idp ? &*found->idp : nullptr};
    };
    return rules;
  }

  // ---- changing it
  void allow(WrittenPolicy::Rule rule) { policy.set(std::make_shared<WrittenPolicy>(std::move(rule))); }
  void allow_everything() {
    allow([](const policy::Question&) { return true; });
  }
  void change(const std::function<void(registry::Objects&)>& edit) {
    registry::Objects objects = registry.get()->objects();
    edit(objects);
    registry.set(std::make_shared<registry::Snapshot>(std::move(objects), registry.get()->sequence() + 1));
  }
  void advance(std::int64_t seconds) { clock.time += Seconds{seconds}; }

  // ---- using it
  Session begin_session(const char* user_id = "usr_alice") {
    Session session;
    session.id = "ses_" + std::to_string(++count_);
    session.user_id = user_id;
    session.cookie_digest = digest_of("cookie-" + session.id);
    session.created = session.last_seen = session.auth_time = clock.time;
    session.acr = "urn:writ:acr:password";
    session.amr = {"pwd"};
    EXPECT_TRUE(run(sessions->add(session)));
    return session;
  }
  Client client(const char* agent_id, std::string device_id = {}, std::string device_user_id = {}) {
    Client client;
    client.snapshot = registry.get();
    client.agent = client.snapshot->agent(agent_id);
    client.registration = &*client.agent->idp;
    client.method = device_id.empty() ? client.registration->authentication : registry::ClientAuthentication::private_key_jwt;
    client.device_id = std::move(device_id), client.device_user_id = std::move(device_user_id);
    return client;
  }
  // The claims of an ID token of ours for this session and client.
  json::Value id_claims(const Session& session, const char* client_id, const char* grant_id = "grt_1") {
    const auto snapshot = registry.get();
    const LiveSession live{session, snapshot->user(session.user_id)};
    return id_token_claims({live, *snapshot, client_id, grant_id, *oauth::ScopeSet::parse("openid"), "n"}, idp_settings, clock.time);
  }
  std::string sign(const json::Value& claims, std::string_view type = oauth::kTypIdToken) {
    return *jose::sign(keys.current()->active, type, claims);
  }
  std::string id_token(const Session& session, const char* client_id) { return sign(id_claims(session, client_id)); }
  // A refresh token with its family in the store.
  NewFamily begin_refresh(const Session& session, const char* agent_id = "cursor", std::string device_id = {}) {
    RefreshFamily family;
    family.id = "grt_" + std::to_string(++count_);
    family.client_id = std::string(agent_id) + "-idp", family.agent_id = agent_id, family.user_id = session.user_id;
    family.sid = session.id, family.scope = "openid offline_access", family.device_id = std::move(device_id);
    family.expires = absolute_end(session, idp_settings);
    auto begun = begin_family(std::move(family), clock.time);
    EXPECT_TRUE(*run(refresh_tokens->add(begun.family)));
    return begun;
  }

 private:
  int count_ = 0;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline TokenRequest token_request(const World& world, Pairs pairs) {
  TokenRequest request;
  request.parameters = form::Parameters(std::move(pairs));
  request.now = world.clock.time;
  request.peer = "192.0.2.7";
  return request;
}

inline Outcome decide(Grant& grant, const TokenRequest& request, const Client& client) { return run(grant.decide(request, client)); }

// The reason of a refusal; "granted" or "unavailable" otherwise.
inline std::string reason_of(const Outcome& outcome) {
  if (const auto* refused = std::get_if<Refused>(&outcome)) return refused->record.reason;
  return std::holds_alternative<Granted>(outcome) ? "granted" : "unavailable";
}
inline std::string error_of(const Outcome& outcome) {
  const auto* refused = std::get_if<Refused>(&outcome);
  return refused ? std::string(oauth::to_string(refused->error.code)) : std::string();
}
// Carries out what the endpoint does after the commit.
inline void carry_out(const Outcome& outcome) {
  const auto& granted = std::get<Granted>(outcome);
  if (granted.after_commit) {
    EXPECT_TRUE(run(granted.after_commit()));
  }
}
inline std::string text_member(const json::Object& body, std::string_view name) {
  for (const auto& member : body) {
    if (member.name == name && member.value.is_string()) return *member.value.as_string();
  }
  return {};
}
// The claims of a token, unverified: for looking at what was issued.
inline json::Value claims_in(std::string_view token) {
  const auto jwt = jose::UnverifiedJwt::parse(token);
  EXPECT_TRUE(jwt) << token;
  return jwt ? jwt->claimed() : json::Value();
}

}  // namespace writ::token_service::idp
