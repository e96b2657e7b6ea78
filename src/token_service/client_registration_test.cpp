#include "token_service/client_registration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/memory/decisions_log.h"
#include "registry/read.h"

namespace writ::token_service {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
constexpr const char* kIssuer = "https://writ.example/idp";
constexpr const char* kRas = "https://writ.example/ras";
constexpr const char* kToken = "an initial access token";
constexpr const char* kGood = R"({"client_name":"Desk","redirect_uris":["https://desk.example/cb"]})";

struct StandingClock final : Clock {
  Instant now() const override { return time; }
  Instant time = from_unix_seconds(kNow);
};

struct Agents final : SelfRegisteredAgents {
  explicit Agents(registry::Current& current) : registry(current) {}
  Task<Result<void, std::variant<EditRefused, Unavailable>>> change(std::string author, std::string, std::string, AgentEditing editing) override {
    using Failure = std::variant<EditRefused, Unavailable>;
    if (meanwhile) meanwhile();
    if (unavailable) co_return unexpected(Failure(Unavailable{"store"}));
    registry::Objects objects = registry.get()->objects();
    const auto edit = editing(*registry.get());
    if (!edit) co_return unexpected(Failure(edit.error()));
    for (const std::string& id : edit->removed) {
      if (id == kept) co_return unexpected(Failure(EditRefused{EditRefused::Why::not_accepted}));
      std::erase_if(objects.agents, [&](const auto& agent) { return agent.id == id; });
    }
    if (edit->written) {
      std::erase_if(objects.agents, [&](const auto& agent) { return agent.id == edit->written->id; });
      objects.agents.push_back(*edit->written);
    }
    registry.set(std::make_shared<const registry::Snapshot>(std::move(objects), registry.get()->sequence() + 1));
    authors.push_back(std::move(author));
    co_return Result<void, Failure>{};
  }
  registry::Current& registry;
  std::vector<std::string> authors;
  std::string kept;                      // which nobody may remove
  std::function<void()> meanwhile;
  bool unavailable = false;
};

struct Registering : testing::Test {
  explicit Registering(bool at_idp = true) {
    rules.issuer = at_idp ? kIssuer : kRas;
    rules.at_idp = at_idp;
    rules.grant_types = {"authorization_code", "refresh_token"};
    rules.waiting_max = 3, rules.per_hour = 5;
    make();
  }
  void make() {
    registration.emplace(rules, Secret("registration key of thirty-two b."), log, registry, clock, agents);
    router = http::Router();
    add_routes(router, *registration);
  }
  static registry::Objects objects() {
    registry::Objects all;
    for (const auto& [role, token] : {std::pair{"registration", kToken}, std::pair{"admin", "an administrator's token"}}) {
      registry::ApiToken one;
      one.id = role, one.role = role, one.sha256_hex = registry::sha256_hex(Secret(token));
      all.api_tokens.push_back(one);
    }
    return all;
  }
  http::Request request(std::string method, std::string path, std::string body, std::string token, std::string peer = "192.0.2.7") const {
    http::Request made;
    made.method = std::move(method), made.path = std::move(path), made.body = std::move(body), made.peer.address = std::move(peer);
    if (!token.empty()) made.headers.add("Authorization", "Bearer " + token);
    if (!made.body.empty()) made.headers.add("Content-Type", "application/json");
    return made;
  }
  http::Response post(std::string body = kGood, std::string token = kToken, std::string peer = "192.0.2.7") { return run(router.handle(request("POST", "/idp/register", std::move(body), std::move(token), std::move(peer)))); }
  http::Response manage(std::string method, std::string id, std::string body = "", std::optional<std::string> token = std::nullopt) {
    return run(router.handle(request(std::move(method), "/idp/register/" + id, std::move(body), token.value_or(registration->access_token(id)))));
  }
  static json::Value body(const http::Response& response) { return json::parse(response.body).value_or(json::Value{}); }
  static std::string member(const http::Response& response, const char* name) {
    const json::Value parsed = body(response);
    const auto* text = parsed.find_string(name);
    return text ? *text : "";
  }
  std::string registered() { return member(post(), "client_id"); }
  const registry::Agent* agent(const std::string& id) const { return registry.get()->agent(id); }
  void change(const std::string& id, const std::function<void(registry::Agent&)>& edit) {
    registry::Objects all = registry.get()->objects();
    for (auto& one : all.agents)
      if (one.id == id) edit(one);
    registry.set(std::make_shared<const registry::Snapshot>(std::move(all), registry.get()->sequence() + 1));
  }
  std::string reason() const { return log.records().empty() ? "" : log.records().back().reason; }

  StandingClock clock;
  memory::MemoryDecisionsLog log;
  registry::Current registry{std::make_shared<const registry::Snapshot>(objects(), 1)};
  Agents agents{registry};
  ClientRegistrationRules rules;
  std::optional<ClientRegistration> registration;
  http::Router router;
};
struct RegisteringAtTheRas : Registering {
  RegisteringAtTheRas() : Registering(false) {}
};

TEST_F(Registering, MakesAnAgentThatIsSwitchedOff) {
  const auto response = post();
  ASSERT_EQ(response.status, 201) << response.body;
  const json::Value said = body(response);
  const std::string id = *said.find_string("client_id");
  EXPECT_EQ(*said.find_int("client_id_issued_at"), kNow);
  EXPECT_EQ(*said.find_int("client_secret_expires_at"), 0);
  EXPECT_EQ(*said.find_string("registration_client_uri"), std::string(kIssuer) + "/register/" + id);
  EXPECT_EQ(*response.headers.find_single("Cache-Control"), "no-store");
  ASSERT_TRUE(agent(id));
  EXPECT_FALSE(agent(id)->active);
  EXPECT_THAT(agent(id)->groups, testing::ElementsAre(kSelfRegistered));
  EXPECT_EQ(agent(id)->display_name, "Desk");
  EXPECT_EQ(agent(id)->idp->client_id, id);
  EXPECT_EQ(agent(id)->idp->secrets.front().sha256_hex, registry::sha256_hex(Secret(*said.find_string("client_secret"))));
  EXPECT_EQ(agent(id)->idp->redirect_uris.front(), "https://desk.example/cb");
  EXPECT_TRUE(agent(id)->resource_as.empty());
  EXPECT_THAT(agents.authors, testing::ElementsAre("registration:registration"));
  EXPECT_NE(registered(), id);
}

TEST_F(RegisteringAtTheRas, IsKnownThereAlone) {
  const auto response = run(router.handle(request("POST", "/ras/register", kGood, kToken)));
  ASSERT_EQ(response.status, 201) << response.body;
  const auto* made = agent(member(response, "client_id"));
  EXPECT_FALSE(made->idp);
  EXPECT_EQ(made->resource_as.front().issuer, kRas);
  EXPECT_EQ(made->resource_as.front().registration.client_id, made->id);
}

TEST_F(Registering, GivesNoSecretToWhomNeedsNone) {
  const auto response = post(R"({"redirect_uris":["http://127.0.0.1/cb"],"token_endpoint_auth_method":"none"})");
  ASSERT_EQ(response.status, 201);
  EXPECT_EQ(body(response).find("client_secret"), nullptr);
  EXPECT_TRUE(agent(member(response, "client_id"))->idp->secrets.empty());
}

struct Row {
  const char* name;
  std::function<http::Response(Registering&)> asked;
  int status;
  const char* error;
  const char* reason;
};
class RefusedRegistrations : public Registering, public testing::WithParamInterface<Row> {};
TEST_P(RefusedRegistrations, HaveTheirReason) {
  const auto response = GetParam().asked(*this);
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(member(response, "error"), GetParam().error);
  EXPECT_EQ(reason(), GetParam().reason);
  EXPECT_EQ(log.records().back().effect, audit::Effect::deny);
  EXPECT_TRUE(agents.authors.empty());
}
INSTANTIATE_TEST_SUITE_P(
    All, RefusedRegistrations,
    testing::Values(Row{"no_token", [](Registering& r) { return r.post(kGood, ""); }, 401, "invalid_token", "registration_token_absent"},
                    Row{"unknown_token", [](Registering& r) { return r.post(kGood, "x"); }, 401, "invalid_token", "registration_token_refused"},
                    Row{"token_of_another_use", [](Registering& r) { return r.post(kGood, "an administrator's token"); }, 401, "invalid_token", "registration_token_refused"},
                    Row{"two_tokens",
                        [](Registering& r) {
                          auto made = r.request("POST", "/idp/register", kGood, kToken);
                          made.headers.add("Authorization", std::string("Bearer ") + kToken);
                          return run(r.router.handle(made));
                        },
                        401, "invalid_token", "registration_token_absent"},
                    Row{"token_switched_off",
                        [](Registering& r) {
                          registry::Objects all = r.objects();
                          all.api_tokens[0].active = false;
                          r.registry.set(std::make_shared<const registry::Snapshot>(std::move(all), 2));
                          return r.post();
                        },
                        401, "invalid_token", "registration_token_refused"},
                    Row{"no_json",
                        [](Registering& r) {
                          auto made = r.request("POST", "/idp/register", kGood, kToken);
                          made.headers.set("Content-Type", "text/plain");
                          return run(r.router.handle(made));
                        },
                        415, "invalid_client_metadata", "registration_media_type"},
                    Row{"wrong_metadata", [](Registering& r) { return r.post(R"({"redirect_uris":["https://a.example/"],"client_name":1})"); }, 400, "invalid_client_metadata", "registration_metadata"},
                    Row{"wrong_redirect_uri", [](Registering& r) { return r.post(R"({"redirect_uris":["http://a.example/"]})"); }, 400, "invalid_redirect_uri", "registration_metadata"},
                    Row{"store_down", [](Registering& r) { return r.agents.unavailable = true, r.post(); }, 503, "temporarily_unavailable", "registration_store_unavailable"}),
    [](const auto& row) { return row.param.name; });

TEST_F(Registering, WaitsInANumberThatIsBounded) {
  std::string last;
  for (int i = 0; i < 3; ++i) last = registered();
  ASSERT_FALSE(last.empty());
  const auto full = post();
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(reason(), "registrations_full");
  change(last, [](registry::Agent& one) { one.active = true; });
  EXPECT_EQ(post().status, 201) << "who was enabled does not wait";
}

TEST_F(Registering, FromOneAddressIsBounded) {
  rules.waiting_max = 100;
  make();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(post().status, 201) << i;
  const auto refused = post();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(reason(), "registration_rate");
  EXPECT_TRUE(refused.headers.find_single("Retry-After"));
  EXPECT_EQ(post(kGood, kToken, "192.0.2.8").status, 201);
  clock.time += Seconds{3601};
  EXPECT_EQ(post().status, 201);
}

TEST_F(Registering, WithoutATokenWhereThatIsAllowed) {
  rules.without_token = true;
  make();
  EXPECT_EQ(post(kGood, "").status, 201);
  EXPECT_THAT(agents.authors, testing::ElementsAre("registration"));
}

TEST_F(Registering, IsReadWithItsTokenAlone) {
  const std::string id = registered(), other = registered();
  const auto read = manage("GET", id);
  ASSERT_EQ(read.status, 200);
  EXPECT_EQ(member(read, "client_name"), "Desk");
  EXPECT_EQ(body(read).find("client_secret"), nullptr);
  for (const std::string& token : {std::string(), std::string("x"), registration->access_token(other), std::string(kToken)}) {
    EXPECT_EQ(manage("GET", id, "", token).status, 401);
    EXPECT_EQ(reason(), "registration_token_refused");
  }
  EXPECT_EQ(manage("GET", "registered-1-0").status, 401) << "a good token of a client that is not there";
  EXPECT_EQ(reason(), "registration_gone");
}

// What an administrator takes over, or registers by hand, no registration access token opens.
TEST_F(Registering, IsNotReadWhenAnAdministratorTookItOver) {
  const std::string id = registered();
  change(id, [](registry::Agent& one) { one.groups.clear(); });
  for (const char* method : {"GET", "DELETE"}) EXPECT_EQ(manage(method, id).status, 401);
  EXPECT_EQ(reason(), "registration_gone");
  EXPECT_TRUE(agent(id));
}

TEST_F(Registering, AnUpdateSwitchesOffWhatWasEnabled) {
  const std::string id = registered();
  change(id, [](registry::Agent& one) { one.active = true; });
  const std::string secret_before = agent(id)->idp->secrets.front().sha256_hex;
  const auto same = manage("PUT", id, R"({"client_id":")" + id + R"(","client_name":"Desk","redirect_uris":["https://desk.example/cb"]})");
  EXPECT_EQ(same.status, 200) << same.body;
  EXPECT_TRUE(agent(id)->active) << "nothing has changed";
  const auto changed = manage("PUT", id, R"({"client_id":")" + id + R"(","client_name":"Desk","redirect_uris":["https://evil.example/cb"]})");
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_FALSE(agent(id)->active);
  EXPECT_EQ(agent(id)->idp->redirect_uris.front(), "https://evil.example/cb");
  EXPECT_EQ(agent(id)->idp->secrets.front().sha256_hex, secret_before);
  EXPECT_EQ(body(changed).find("client_secret"), nullptr);
  EXPECT_EQ(agents.authors.back(), "registration:" + id);
}

TEST_F(Registering, AnUpdateOfSomethingElseIsRefused) {
  const std::string id = registered();
  for (const std::string& text : {std::string(kGood), R"({"client_id":"other","redirect_uris":["https://a.example/"]})" + std::string(), R"({"client_id":")" + id + R"(","client_secret":"guess","redirect_uris":["https://a.example/"]})"}) {
    EXPECT_EQ(manage("PUT", id, text).status, 400) << text;
    EXPECT_EQ(reason(), "registration_metadata");
  }
  EXPECT_EQ(agents.authors.size(), 1u);
}

TEST_F(Registering, AnUpdateUndoesNobodysChange) {
  const std::string id = registered();
  agents.meanwhile = [&] { change(id, [](registry::Agent& one) { one.vendor = "looked at"; }); };
  EXPECT_EQ(manage("PUT", id, R"({"client_id":")" + id + R"(","redirect_uris":["https://a.example/"]})").status, 403);
  EXPECT_EQ(reason(), "registration_not_accepted");
  EXPECT_EQ(agent(id)->vendor, "looked at");
}

TEST_F(Registering, IsRemovedByItsClient) {
  const std::string id = registered();
  EXPECT_EQ(manage("DELETE", id).status, 204);
  EXPECT_FALSE(agent(id));
  EXPECT_EQ(manage("DELETE", id).status, 401);
}

TEST_F(Registering, EndsWhenNobodyEnabledItInTime) {
  const std::string waiting = registered(), named = registered(), enabled = registered();
  change(enabled, [](registry::Agent& one) { one.active = true; });
  agents.kept = named;
  run(registration->remove_waiting(clock.time + rules.waiting_for - Seconds{1}));
  EXPECT_TRUE(agent(waiting));
  run(registration->remove_waiting(clock.time + rules.waiting_for));
  EXPECT_FALSE(agent(waiting));
  EXPECT_TRUE(agent(named)) << "a policy names it, and it keeps no other";
  EXPECT_TRUE(agent(enabled));
}

TEST(RegisteredAt, IsSaidByNamesOfOursAlone) {
  EXPECT_EQ(registered_at("registered-1800000000-ab"), from_unix_seconds(1'800'000'000));
  for (const char* name : {"", "registered-", "registered-1800000000", "registered-x-ab", "registered--1-ab", "desk", "registered-99999999999999999999-a", "xregistered-1-a"}) EXPECT_FALSE(registered_at(name)) << name;
}

}  // namespace
}  // namespace writ::token_service
