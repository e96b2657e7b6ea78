#pragma once

// For tests only: a small deployment around one resource authorization server. alice and bob, an agent with a secret, one with a key, an
// own IdP and a foreign one, two servers; a fixed clock and stores in memory. `redeem` sends a real token request.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/form.h"
#include "jose/jwt.h"
#include "linked_accounts/accounts.h"
#include "oauth/identifiers.h"
#include "policy/grants_table_fixture.h"
#include "registry/stored_revocations.h"
#include "token_service/resource_as/resource_authorization_server.h"

namespace writ::token_service::resource_as::test {

inline constexpr std::string_view kRas = "https://ras.larkspur.example";
inline constexpr std::string_view kIdp = "https://id.larkspur.example";         // of the same deployment: `sub` is a user id
inline constexpr std::string_view kForeignIdp = "https://login.partner.example";   // users by link
inline constexpr std::string_view kNotes = "https://mcp.larkspur.example/notes";
inline constexpr std::string_view kTickets = "https://mcp.larkspur.example/tickets";
inline constexpr std::string_view kSecret = "correct horse %+ battery";         // characters that Basic must form-decode
inline constexpr std::int64_t kNow = 1'795'000'000;

inline const jose::SigningKey& key_named(const std::string& kid, crypto::Algorithm algorithm = crypto::Algorithm::es256) {
  static std::map<std::string, jose::SigningKey> keys;
  const auto found = keys.find(kid);
  if (found != keys.end()) return found->second;
  return keys.emplace(kid, jose::SigningKey{kid, algorithm, crypto::PrivateKey::generate(algorithm)}).first->second;
}

class FixedClock final : public Clock {
 public:
  Instant now() const override { return from_unix_seconds(seconds); }
  std::int64_t seconds = kNow;
};

class FixedSigningKeys final : public SigningKeys {
 public:
  explicit FixedSigningKeys(const jose::SigningKey& key)
      : ring_(std::make_shared<const KeyRing>(KeyRing{key, jose::KeySet({key.public_jwk()})})) {}
  std::shared_ptr<const KeyRing> current() const override { return ring_; }

 private:
  std::shared_ptr<const KeyRing> ring_;
};

// Key sets by issuer, and how often each was asked for: a stranger's token must not make us call anywhere (C2, J6).
class KnownIssuerKeys final : public IssuerKeys {
 public:
  Task<Result<std::shared_ptr<const jose::KeySet>, Unavailable>> of(registry::TrustedIssuer issuer, std::optional<std::string>) override {
    ++asked;
    if (unavailable) co_return unexpected(Unavailable{"issuer keys"});
    co_return sets.at(issuer.issuer);
  }
  std::map<std::string, std::shared_ptr<const jose::KeySet>> sets;
  bool unavailable = false;
  std::atomic<int> asked = 0;   // requests come from several threads
};

class KnownDeviceKeys final : public DeviceKeys {
 public:
  std::optional<DeviceKey> find(std::string_view thumbprint) const override {
    for (const DeviceKey& key : keys)
      if (key.thumbprint == thumbprint) return key;
    return std::nullopt;
  }
  Task<Result<void, Unavailable>> add(DeviceKey key) override { keys.push_back(std::move(key)); co_return Result<void, Unavailable>(); }
  Task<Result<void, Unavailable>> deactivate(std::string) override { co_return Result<void, Unavailable>(); }
  std::vector<DeviceKey> of_user(std::string_view) const override { return keys; }
  std::vector<DeviceKey> keys;
};

inline std::string hex_digest(std::string_view secret) {
  std::string text;
  for (const std::uint8_t byte : crypto::sha256(secret)) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

inline registry::Objects sample_objects() {
  using registry::ClientAuthentication;
  registry::Objects objects;
  objects.groups = {{"eng", "Engineering", {}}};
  registry::User alice{.id = "usr_alice", .name = "alice", .email = "alice@larkspur.example", .groups = {"eng"}};
  alice.links = {{std::string(kForeignIdp), "", "00u1"}};
  registry::User bob{.id = "usr_bob", .name = "bob"};
  objects.users = {alice, bob};

  const auto at_ras = [](registry::Registration registration) {
    return std::vector<registry::ResourceAsRegistration>{{std::string(kRas), std::move(registration)}};
  };
  registry::Agent cursor{.id = "cursor"};
  cursor.resource_as = at_ras({.client_id = "cursor-at-ras",
                               .authentication = ClientAuthentication::client_secret,
                               .secrets = {{hex_digest(kSecret), std::nullopt}, {hex_digest("an older one"), from_unix_seconds(kNow)}}});
  registry::Agent thief{.id = "thief"};
  thief.resource_as = at_ras({.client_id = "thief-at-ras",
                              .authentication = ClientAuthentication::client_secret,
                              .secrets = {{hex_digest(kSecret), std::nullopt}}});
  registry::Agent robot{.id = "robot"};
  const jose::KeySet robot_keys({key_named("robot").public_jwk()});
  robot.resource_as = at_ras({.client_id = "robot-at-ras",
                              .authentication = ClientAuthentication::private_key_jwt,
                              .jwks = json::write(jose::to_json(robot_keys))});
  registry::Agent cli{.id = "writ-cli"};
  cli.resource_as = at_ras({.client_id = "writ-cli", .authentication = ClientAuthentication::none, .device_keys = true});
  registry::Agent open{.id = "open"};
  open.resource_as = at_ras({.client_id = "open-at-ras", .authentication = ClientAuthentication::none});
  objects.agents = {cursor, thief, robot, cli, open};

  registry::Server notes{.id = "notes", .resource = std::string(kNotes), .resource_as = std::string(kRas)};
  notes.scopes = {{.name = "notes:read", .is_default = true}, {.name = "notes:write"}, {.name = "notes:admin", .high_impact = true}};
  registry::Server tickets{.id = "tickets", .resource = std::string(kTickets), .resource_as = std::string(kRas)};
  tickets.scopes = {{.name = "tickets:read", .is_default = true}};
  registry::Server elsewhere{.id = "elsewhere", .resource = "https://mcp.other.example/", .resource_as = "https://ras.other.example"};
  objects.servers = {notes, tickets, elsewhere};

  registry::TrustedIssuer own{.issuer = std::string(kIdp), .algorithms = {crypto::Algorithm::es256}};
  own.subject = registry::TrustedIssuer::Subject::user_id;
  own.all_clients = own.all_scopes = true;
  registry::TrustedIssuer foreign{.issuer = std::string(kForeignIdp), .algorithms = {crypto::Algorithm::es256}};
  foreign.clients = {"cursor"};
  foreign.scope_ceiling = {"notes:read", "notes:write"};
  objects.trusted_issuers = {own, foreign};
  return objects;
}

struct Answer {
  http::Response response;
  json::Value body;
  std::string error() const {
    const std::string* code = body.find_string("error");
    return code == nullptr ? std::string() : *code;
  }
  std::string text(std::string_view name) const {
    const std::string* value = body.find_string(name);
    return value == nullptr ? std::string() : *value;
  }
};

using Form = std::vector<std::pair<std::string, std::string>>;

// Changes the objects of a World, and says no when told to.
class KnownAccounts final : public linked_accounts::AccountChanges {
 public:
  using Outcome = Result<void, linked_accounts::ChangeFailure>;
  explicit KnownAccounts(std::function<void(const std::function<void(registry::Objects&)>&)> change) : change_(std::move(change)) {}
  Task<Outcome> create(registry::User user, std::string actor, std::string) override {
    changes.push_back("create by " + actor);
    if (failure) co_return unexpected(*failure);
    user.id = "usr_new" + std::to_string(++made_);
    if (joins) user.groups = {*joins};
    change_([&](registry::Objects& objects) { objects.users.push_back(user); });
    co_return Outcome{};
  }
  Task<Outcome> add_link(std::string user_id, registry::LinkedSubject subject, std::string actor, std::string) override {
    changes.push_back("link by " + actor);
    if (failure) co_return unexpected(*failure);
    change_([&](registry::Objects& objects) {
      objects.users.edit_each([&](auto& user) {
        if (user.id == user_id) user.links.push_back({subject.issuer, subject.tenant, subject.subject});
      });
    });
    co_return Outcome{};
  }
  Task<Outcome> remove_link(std::string user_id, registry::LinkedSubject subject, std::string actor, std::string) override {
    changes.push_back("unlink by " + actor);
    if (failure) co_return unexpected(*failure);
    change_([&](registry::Objects& objects) {
      objects.users.edit_each([&](auto& user) {
        if (user.id == user_id) std::erase_if(user.links, [&](const auto& link) { return link.issuer == subject.issuer && link.tenant == subject.tenant && link.subject == subject.subject; });
      });
    });
    co_return Outcome{};
  }
  std::vector<std::string> changes;
  std::optional<linked_accounts::ChangeFailure> failure;
  std::optional<std::string> joins;       // a group that everybody who is created is put into

 private:
  std::function<void(const std::function<void(registry::Objects&)>&)> change_;
  int made_ = 0;
};

class World {
 public:
  explicit World(std::function<void(Settings&)> change = nullptr, http::Outgoing* reachable = nullptr) : outgoing(reachable) {
    settings.issuer = kRas;
    settings.own_idp_issuer = kIdp;
    settings.resource_servers = {{"notes-gateway", {{hex_digest("gateway secret"), std::nullopt}}, {std::string(kNotes)}}};
    if (change) change(settings);
    issuer_keys.sets[std::string(kIdp)] = std::make_shared<const jose::KeySet>(std::vector{key_named("idp").public_jwk()});
    issuer_keys.sets[std::string(kForeignIdp)] = std::make_shared<const jose::KeySet>(std::vector{key_named("foreign").public_jwk()});
    const std::string device = jose::thumbprint(key_named("device").key.public_key());
    device_keys.keys = {{.id = "dev_1",
                         .user_id = "usr_alice",
                         .agent_id = "writ-cli",
                         .thumbprint = device,
                         .jwk = json::write(jose::to_json(key_named("device").key.public_key()))}};
    set_objects(sample_objects());
    policy.set(std::make_shared<policy::GrantsTable>(
        std::vector<policy::AccessGrant>{
            {"grants.yaml:1", "eng", {.all = true}, "notes", {.names = {"notes:read", "notes:write"}}, {.all = true}},
            {"grants.yaml:2", "eng", {.all = true}, "tickets", {.all = true}, {.all = true}}},
        "v1"));
    revocations = std::move(*registry::StoredRevocations::open(documents));
    offers = std::move(*linked_accounts::Offers::open(documents));
    accounts.emplace(*offers, account_changes, log, registry, clock);
    refusals = std::move(*EmaRefusals::open(documents));
    server.emplace(settings, Parts{.log = log,
                                   .registry = registry,
                                   .policy = policy,
                                   .revocations = *revocations,
                                   .signing_keys = signing_keys,
                                   .issuer_keys = issuer_keys,
                                   .device_keys = &device_keys,
                                   .clock = clock,
                                   .accounts = &*accounts,
                                   .outgoing = outgoing,
                                   .refusals = refusals.get(),
                                   .interactive_key = Secret(std::string(32, 'k')),
                                    .proofs = &proofs});
    add_routes(router, *server);
  }

  void set_objects(registry::Objects objects) {
    registry.set(std::make_shared<const registry::Snapshot>(std::move(objects), ++sequence));
  }
  void change_objects(const std::function<void(registry::Objects&)>& change) {
    registry::Objects objects = registry.get()->objects();
    change(objects);
    set_objects(std::move(objects));
  }

  // The claims of a good ID-JAG: alice, through cursor, for notes.
  json::Value good_claims() const {
    return {{"iss", kIdp},          {"sub", "usr_alice"},  {"aud", kRas},         {"client_id", "cursor-at-ras"},
            {"jti", crypto::random_token()}, {"iat", clock.seconds}, {"exp", clock.seconds + 300},
            {"resource", kNotes},   {"scope", "notes:read notes:write"}, {"auth_time", clock.seconds - 60},
            {"acr", "urn:mfa"},     {"amr", json::Array{"pwd", "otp"}},  {"sid", "ses_1"}};
  }
  static std::string signed_id_jag(const json::Value& claims, const std::string& kid = "idp") {
    return jose::sign(key_named(kid), oauth::kTypIdJag, claims);
  }
  std::string good_id_jag() const { return signed_id_jag(good_claims()); }

  // The claims of a good client assertion of `robot`.
  json::Value good_assertion_claims(std::string_view client_id = "robot-at-ras") const {
    return {{"iss", client_id}, {"sub", client_id}, {"aud", kRas}, {"jti", crypto::random_token()}, {"exp", clock.seconds + 60}};
  }
  static Form with_assertion(Form form, std::string assertion) {
    form.emplace_back("client_assertion_type", oauth::kClientAssertionJwtBearer);
    form.emplace_back("client_assertion", std::move(assertion));
    return form;
  }

  static std::string basic(std::string_view id, std::string_view secret) {
    return "Basic " + base64::encode(form::encode(id) + ":" + form::encode(secret));
  }
  static Form grant_form(std::string assertion, Form more = {}) {
    Form form{{"grant_type", std::string(oauth::kGrantJwtBearer)}, {"assertion", std::move(assertion)}};
    form.insert(form.end(), more.begin(), more.end());
    return form;
  }
  static http::Request post(std::string path, const Form& form, std::optional<std::string> authorization = std::nullopt) {
    http::Request request;
    request.method = "POST";
    request.path = std::move(path);
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    if (authorization) request.headers.add("Authorization", std::move(*authorization));
    request.body = form::write(form);
    request.peer.address = "192.0.2.7";
    return request;
  }
  static http::Request grant_request(std::string assertion, Form more = {}) {
    return post("/token", grant_form(std::move(assertion), std::move(more)), basic("cursor-at-ras", kSecret));
  }

  Answer send(const http::Request& request) {
    Answer answer{run(router.handle(request)), {}};
    if (auto body = json::parse(answer.response.body)) answer.body = std::move(*body);
    return answer;
  }
  Answer redeem(std::string assertion, Form more = {}) { return send(grant_request(std::move(assertion), std::move(more))); }

  audit::Record last_record() const { return log.records().empty() ? audit::Record{} : log.records().back(); }
  json::Value claims_of_access_token(const Answer& answer) const {
    auto jwt = jose::UnverifiedJwt::parse(answer.text("access_token"));
    return jwt ? jwt->claimed() : json::Value{};
  }

  Settings settings;
  FixedClock clock;
  memory::MemoryDecisionsLog log;
  memory::MemoryDocuments documents;
  registry::Current registry{nullptr};
  policy::Current policy;
  std::unique_ptr<registry::StoredRevocations> revocations;
  std::unique_ptr<EmaRefusals> refusals;
  http::Outgoing* outgoing = nullptr;   // null: nobody signs people in
  FixedSigningKeys signing_keys{key_named("ras")};
  KnownIssuerKeys issuer_keys;
  KnownDeviceKeys device_keys;
  KnownAccounts account_changes{[this](const std::function<void(registry::Objects&)>& change) { change_objects(change); }};
  std::unique_ptr<linked_accounts::Offers> offers;
  std::optional<linked_accounts::LinkedAccounts> accounts;
  dpop::Verifier proofs{Secret("nonce key of thirty-two bytes...."), Instant{}};
  std::optional<ResourceAuthorizationServer> server;
  http::Router router;
  std::uint64_t sequence = 0;
};

}  // namespace writ::token_service::resource_as::test
