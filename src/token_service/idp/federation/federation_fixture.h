#pragma once

// An IdP with an upstream provider beside it that tests script claim by claim, and a browser between the two. For tests only.

#include <gmock/gmock.h>

#include <deque>

#include "encoding/base64url.h"
#include "encoding/uri.h"
#include "jose/jwt.h"
#include "token_service/idp/federation/federation.h"
#include "token_service/idp/federation/upstream_logout.h"
#include "token_service/idp/idp_fixture.h"
#include "token_service/idp/routes.h"

namespace writ::token_service::idp {

inline constexpr const char* kUpstream = "https://login.corp.example/tenant";
inline constexpr const char* kOtherUpstream = "https://accounts.other.example";

// One key for all: RSA keys take a while to make.
inline const jose::SigningKey& upstream_key() {
  static const jose::SigningKey key{"up1", crypto::Algorithm::rs256, crypto::PrivateKey::generate(crypto::Algorithm::rs256)};
  return key;
}

// A provider that answers discovery, keys, code and userinfo requests; everything it says can be changed.
class ScriptedProvider final : public http::Outgoing {
 public:
  jose::SigningKey key = upstream_key();
  json::Value metadata{{"issuer", kUpstream},
                       {"authorization_endpoint", "https://login.corp.example/authorize"},
                       {"token_endpoint", "https://login.corp.example/token"},
                       {"userinfo_endpoint", "https://login.corp.example/userinfo"},
                       {"end_session_endpoint", "https://login.corp.example/logout"},
                       {"jwks_uri", "https://login.corp.example/jwks"},
                       {"id_token_signing_alg_values_supported", json::Array{"RS256", "ES256", "HS256"}},
                       {"authorization_response_iss_parameter_supported", true}};
  json::Value claims = json::Object{};              // of the ID token that the next code gives
  json::Value userinfo{{"sub", "up-carol"}};
  json::Value token_answer = json::Object{};        // set: instead of the usual one
  std::string type = "JWT";
  int token_status = 200, userinfo_status = 200;
  std::string userinfo_type = "application/json";
  bool is_down = false;
  std::map<std::string, json::Value> pages;         // what else is there, by URL
  std::vector<http::OutgoingRequest> requests;

  std::string sign(const json::Value& said) const { return jose::sign(key, type, said); }

  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override {
    requests.push_back(request);
    if (is_down) co_return unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::connect, "down"});
    http::OutgoingResponse response;
    response.status = 200;
    response.headers.add("Content-Type", "application/json");
    if (request.url == std::string(kUpstream) + "/.well-known/openid-configuration") {
      response.body = json::write(metadata);
    } else if (request.url == "https://login.corp.example/jwks") {
      response.body = json::write(jose::to_json(jose::KeySet({key.public_jwk()})));
    } else if (request.url == "https://login.corp.example/token") {
      response.status = token_status;
      const json::Value usual{{"token_type", "Bearer"}, {"access_token", "up-access"}, {"id_token", sign(claims)}};
      response.body = json::write(token_answer.as_object()->empty() ? usual : token_answer);
    } else if (request.url == "https://login.corp.example/userinfo") {
      response.status = userinfo_status;
      response.headers.set("Content-Type", userinfo_type);
      response.body = json::write(userinfo);
    } else if (const auto page = pages.find(request.url); page != pages.end()) {
      response.body = json::write(page->second);
    } else {
      response.status = 404;
    }
    co_return response;
  }
  int count(std::string_view url) const {
    return static_cast<int>(std::count_if(requests.begin(), requests.end(), [&](const auto& request) { return request.url == url; }));
  }
};

// Changes the objects of the World, and says no when told to.
class ScriptedPeople final : public PeopleChanges {
 public:
  explicit ScriptedPeople(World& world) : world_(world) {}
  Task<Result<void, PersonChangeFailure>> create(registry::User user, std::string connector, std::string) override {
    changes.push_back("create by " + connector);
    if (failure) co_return unexpected(*failure);
    user.id = "usr_new" + std::to_string(++made_);
    world_.change([&](registry::Objects& objects) { objects.users.push_back(user); });
    co_return Result<void, PersonChangeFailure>{};
  }
  Task<Result<void, PersonChangeFailure>> set_link(std::string user_id, registry::User::Link link, std::string connector, std::string) override {
    changes.push_back("link " + user_id + " by " + connector);
    if (failure) co_return unexpected(*failure);
    world_.change([&](registry::Objects& objects) {
      objects.users.edit_each([&](auto& user) {
        if (user.id != user_id) return;
        std::erase_if(user.links, [&](const auto& other) { return other.issuer == link.issuer && other.subject == link.subject; });
        user.links.push_back(link);
      });
    });
    co_return Result<void, PersonChangeFailure>{};
  }
  Task<Result<void, PersonChangeFailure>> set_not_before(std::string user_id, Instant moment, std::string connector, std::string) override {
    changes.push_back("not before of " + user_id + " by " + connector);
    if (failure) co_return unexpected(*failure);
    world_.change([&](registry::Objects& objects) {
      objects.users.edit_each([&](auto& user) {
        if (user.id == user_id) user.not_before = moment;
      });
    });
    co_return Result<void, PersonChangeFailure>{};
  }
  std::vector<std::string> changes;
  std::optional<PersonChangeFailure> failure;

 private:
  World& world_;
  int made_ = 0;
};

class OneSecret final : public ConnectorSecrets {
 public:
  Result<Secret, Unavailable> secret_of(const registry::IdentityConnector&) const override {
    if (is_gone) return unexpected(Unavailable{"gone"});
    return Secret("up secret");
  }
  bool is_gone = false;
};

inline registry::IdentityConnector good_connector() {
  registry::IdentityConnector connector;
  connector.id = "corp", connector.display_name = "Corp Login", connector.issuer = kUpstream;
  connector.client_id = "writ-at-corp";
  connector.client_secret_sealed = "sealed";
  connector.domains = {"corp.example"};
  connector.groups = {{"engineering", "eng"}, {"sales-dept", "sales"}};
  connector.just_in_time = true;
  connector.subject_clients = {{"cursor-at-corp", "cursor"}, {"unmapped-at-corp", "unmapped"}};
  return connector;
}

class FederatedWorld : public testing::Test {
 public:
  FederatedWorld() {
    world.change([](registry::Objects& objects) {
      registry::Group sales;
      sales.id = "sales";
      objects.groups.push_back(sales);
      objects.identity_connectors.push_back(good_connector());
      registry::IdentityConnector other;
      other.id = "other", other.issuer = kOtherUpstream, other.client_id = "writ-at-other", other.client_authentication = registry::IdentityConnector::ClientAuthentication::none;
      other.domains = {"other.example"};
      objects.identity_connectors.push_back(other);
    });
    world.idp.federation = &federation;
    provider.claims = good_claims();
    router = routes(world.idp);
  }
  json::Value good_claims(const char* audience = "writ-at-corp") {
    const auto now = to_unix_seconds(world.clock.time);
    return json::Value{{"iss", kUpstream},  {"sub", "up-carol"},       {"aud", audience},        {"iat", now - 5},
                       {"exp", now + 300},  {"auth_time", now - 60},   {"sid", "up-session-1"},  {"acr", "c2"},
                       {"amr", json::Array{"pwd", "mfa"}},             {"preferred_username", "carol"}, {"email", "carol@corp.example"},
                       {"email_verified", true}, {"name", "Carol C."}, {"groups", json::Array{"engineering", "unknown-here"}}};
  }
  void edit_connector(const std::function<void(registry::IdentityConnector&)>& edit) {
    world.change([&](registry::Objects& objects) { edit(objects.identity_connectors.front()); });
  }
  const registry::User* carol() {
    latest = world.registry.get();
    return latest->user_by_link(kUpstream, "", "up-carol");
  }
  std::vector<std::string> groups_of_carol() {
    const auto* user = carol();
    return user ? latest->groups_of(*user) : std::vector<std::string>{"(nobody)"};
  }

  // ---- a browser
  http::Response send(const std::string& method, const std::string& path, const std::string& query, std::string body = {}) {
    http::Request request;
    request.method = method, request.path = path, request.query = query, request.body = std::move(body);
    request.peer.address = "192.0.2.7";
    std::string cookie;
    for (const auto& [name, value] : cookies) cookie += (cookie.empty() ? "" : "; ") + name + "=" + value;
    if (!cookie.empty()) request.headers.add("Cookie", cookie);
    if (method == "POST") request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    auto response = run(router.handle(request));
    for (const auto header : response.headers.find_all("Set-Cookie")) {
      const std::string text(header);
      const std::string name = text.substr(0, text.find('=')), value = text.substr(text.find('=') + 1, text.find(';') - text.find('=') - 1);
      if (value.empty()) cookies.erase(name);
      else cookies[name] = value;
    }
    return response;
  }
  http::Response get(const std::string& path, const Pairs& parameters) { return send("GET", "/idp" + path, form::write(parameters)); }
  // What the application sends the browser here with.
  Pairs asked(Pairs more = {}) {
    Pairs pairs = {{"response_type", "code"}, {"client_id", "cursor-idp"}, {"redirect_uri", kCallback}, {"scope", "openid"}, {"state", "app-state"},
                   {"code_challenge", kChallenge}, {"code_challenge_method", "S256"}};
    pairs.insert(pairs.end(), more.begin(), more.end());
    return pairs;
  }
  static std::string location_of(const http::Response& response) {
    const auto* location = response.headers.find("Location");
    return location ? *location : "(" + std::to_string(response.status) + ")";
  }
  static std::string parameter(const std::string& address, const char* name) {
    const auto question = address.find('?');
    const auto parameters = form::parse(question == std::string::npos ? "" : address.substr(question + 1));
    const auto* value = parameters ? parameters->find(name) : nullptr;
    return value ? *value : std::string();
  }
  // Goes to the provider for an application's request; the address there. The provider's next ID token answers its nonce.
  std::string go_upstream(Pairs more = {}) {
    const std::string address = location_of(get("/federation/start", {{"connector", "corp"}, {"continue", form::write(asked(std::move(more)))}}));
    state = parameter(address, "state");
    provider.claims.set("nonce", parameter(address, "nonce"));
    return address;
  }
  http::Response come_back(Pairs parameters) { return get("/federation/corp/callback", parameters); }
  http::Response come_back() { return come_back({{"code", "up-code"}, {"state", state}, {"iss", kUpstream}}); }
  std::string last_reason() const { return world.log.records().empty() ? "" : world.log.records().back().reason; }

  World world;
  ScriptedProvider provider;
  jose::RemoteKeySets keys{provider};
  ScriptedPeople people{world};
  OneSecret secrets;
  Federation federation{provider, keys, people, secrets};
  http::Router router;
  std::map<std::string, std::string> cookies;
  std::string state;
  std::shared_ptr<const registry::Snapshot> latest;
};

}  // namespace writ::token_service::idp
