// Metadata, keys, introspection and revocation of the resource authorization server.
#include "token_service/resource_as/resource_authorization_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "token_service/resource_as/metadata.h"
#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service::resource_as::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

http::Request get(std::string path) {
  http::Request request;
  request.method = "GET";
  request.path = std::move(path);
  return request;
}
std::vector<std::string> list_of(const json::Value& document, std::string_view name) {
  const json::Value* value = document.find(name);
  return value == nullptr ? std::vector<std::string>{"absent"} : *json::to_strings(*value);
}

TEST(Metadata, SaysWhatThisServerDoesAndNotWhomItTrusts) {
  World world;
  const Answer answer = world.send(get("/.well-known/oauth-authorization-server"));
  EXPECT_EQ(answer.response.status, 200);
  EXPECT_EQ(answer.text("issuer"), kRas);
  EXPECT_EQ(answer.text("token_endpoint"), "https://ras.larkspur.example/token");
  EXPECT_EQ(answer.text("jwks_uri"), "https://ras.larkspur.example/jwks");
  EXPECT_EQ(answer.text("introspection_endpoint"), "https://ras.larkspur.example/introspect");
  EXPECT_EQ(answer.text("revocation_endpoint"), "https://ras.larkspur.example/revoke");
  EXPECT_EQ(answer.text("authorization_endpoint"), "https://ras.larkspur.example/authorize");
  EXPECT_THAT(list_of(answer.body, "response_types_supported"), IsEmpty());
  EXPECT_THAT(list_of(answer.body, "grant_types_supported"), ElementsAre(oauth::kGrantJwtBearer));
  EXPECT_THAT(list_of(answer.body, "authorization_grant_profiles_supported"), ElementsAre(oauth::kGrantProfileIdJag));
  EXPECT_THAT(list_of(answer.body, "token_endpoint_auth_methods_supported"),
              ElementsAre("client_secret_basic", "client_secret_post", "private_key_jwt"));
  EXPECT_THAT(list_of(answer.body, "token_endpoint_auth_signing_alg_values_supported"), Not(testing::Contains("none")));
  EXPECT_THAT(answer.response.body, Not(HasSubstr("id.larkspur")));
  EXPECT_THAT(answer.response.body, Not(HasSubstr("partner")));
}

TEST(Metadata, StandsAtBothSpellingsOfAnIssuerWithAPath) {
  World world([](Settings& s) { s.issuer = "https://larkspur.example/ras"; });
  const Answer inserted = world.send(get("/.well-known/oauth-authorization-server/ras"));
  const Answer appended = world.send(get("/ras/.well-known/oauth-authorization-server"));
  EXPECT_EQ(inserted.text("issuer"), "https://larkspur.example/ras");
  EXPECT_EQ(inserted.response.body, appended.response.body);
  EXPECT_EQ(world.send(get("/.well-known/oauth-authorization-server")).response.status, 404);
  EXPECT_EQ(world.send(get("/ras/jwks")).response.status, 200);
}

// T9: what a request says about hosts changes nothing.
TEST(Metadata, ComesFromTheConfigurationAlone) {
  World world;
  http::Request request = get("/.well-known/oauth-authorization-server");
  const std::string honest = world.send(request).response.body;
  request.host = "evil.example";
  for (const char* name : {"Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-URL", "X-Forwarded-Prefix"})
    request.headers.add(name, "evil.example");
  EXPECT_EQ(world.send(request).response.body, honest);
}

TEST(Keys, ArePublishedWithoutTheirPrivatePart) {
  World world;
  const Answer answer = world.send(get("/jwks"));
  const auto keys = jose::KeySet::parse(answer.response.body);
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->keys().size(), 1u);
  EXPECT_EQ(keys->keys()[0].kid, "ras");
  EXPECT_THAT(answer.response.body, Not(HasSubstr("\"d\"")));
}

TEST(AuthorizationEndpoint, ExplainsItself) {
  World world;
  const Answer answer = world.send(get("/authorize"));
  EXPECT_EQ(answer.response.status, 400);
  EXPECT_THAT(answer.response.body, HasSubstr("ID-JAG"));
  EXPECT_EQ(answer.response.headers.count("Location"), 0u);
}

// ---- introspection

Answer introspect(World& world, const std::string& token, std::string_view id = "notes-gateway", std::string_view secret = "gateway secret") {
  return world.send(World::post("/introspect", {{"token", token}}, World::basic(id, secret)));
}
std::string fresh_token(World& world) { return world.redeem(world.good_id_jag()).text("access_token"); }

TEST(Introspection, TellsTheResourceServerAndTheClientOfTheToken) {
  World world;
  const std::string token = fresh_token(world);
  for (const auto& [id, secret] : {std::pair{"notes-gateway", "gateway secret"}, std::pair{"cursor-at-ras", kSecret.data()}}) {
    const Answer answer = introspect(world, token, id, secret);
    EXPECT_EQ(answer.response.status, 200);
    ASSERT_NE(answer.body.find_bool("active"), nullptr);
    EXPECT_TRUE(*answer.body.find_bool("active")) << id;
    EXPECT_EQ(answer.text("sub"), "usr_alice");
    EXPECT_EQ(answer.text("aud"), kNotes);
    EXPECT_EQ(answer.text("client_id"), "cursor-at-ras");
    EXPECT_EQ(answer.text("scope"), "notes:read notes:write");
    EXPECT_EQ(*answer.body.find_int("exp"), kNow + 300);
    EXPECT_EQ(world.last_record().event, audit::Event::introspection);
    EXPECT_EQ(world.last_record().reason, "active");
  }
}

TEST(Introspection, WantsToKnowWhoAsks) {
  World world;
  const std::string token = fresh_token(world);
  EXPECT_EQ(introspect(world, token, "notes-gateway", "wrong").response.status, 401);
  EXPECT_EQ(introspect(world, token, "nobody", "wrong").response.status, 401);
  EXPECT_EQ(world.send(World::post("/introspect", {{"token", token}})).response.status, 401);
  EXPECT_EQ(world.send(World::post("/introspect", {{"token", token}, {"client_id", "open-at-ras"}})).response.status, 401);
  EXPECT_EQ(world.last_record().reason, "public_client");
}

struct InactiveRow {
  std::string name;
  std::function<void(World&, std::string& token)> change;
  std::string reason;
  std::string caller = "notes-gateway";
};
std::ostream& operator<<(std::ostream& out, const InactiveRow& row) { return out << row.name; }

class OB81_Inactive : public testing::TestWithParam<InactiveRow> {};
TEST_P(OB81_Inactive, SaysThatAndNothingElse) {
  World world;
  std::string token = fresh_token(world);
  GetParam().change(world, token);
  const bool is_gateway = GetParam().caller == "notes-gateway";
  const Answer answer = introspect(world, token, GetParam().caller, is_gateway ? "gateway secret" : kSecret);
  EXPECT_EQ(answer.response.status, 200);
  EXPECT_EQ(answer.response.body, R"({"active":false})");
  EXPECT_EQ(world.last_record().reason, GetParam().reason);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, OB81_Inactive,
    testing::Values(
        InactiveRow{"rubbish", [](World&, std::string& token) { token = "rubbish"; }, "not_our_token"},
        InactiveRow{"an_id_jag", [](World& world, std::string& token) { token = world.good_id_jag(); }, "not_our_token"},
        InactiveRow{"signed_by_another",
                    [](World& world, std::string& token) {
                      const jose::SigningKey forged{"ras", crypto::Algorithm::es256, key_named("stranger").key};
                      token = jose::sign(forged, oauth::kTypAccessToken, jose::UnverifiedJwt::parse(token)->claimed());
                      static_cast<void>(world);
                    },
                    "not_our_token"},
        InactiveRow{"of_another_type_by_our_key",
                    [](World&, std::string& token) { token = jose::sign(key_named("ras"), "JWT", jose::UnverifiedJwt::parse(token)->claimed()); },
                    "not_our_token"},
        InactiveRow{"expired", [](World& world, std::string&) { world.clock.seconds += 300; }, "expired"},
        InactiveRow{"session_ended",
                    [](World& world, std::string&) { ASSERT_TRUE(run(world.revocations->end_session("ses_1", from_unix_seconds(kNow + 999)))); },
                    "session_ended"},
        InactiveRow{"user_disabled",
                    [](World& world, std::string&) { world.change_objects([](registry::Objects& o) { o.users[0].active = false; }); },
                    "user_disabled"},
        InactiveRow{"user_signed_out_of_everything",
                    [](World& world, std::string&) {
                      world.change_objects([](registry::Objects& o) { o.users[0].not_before = from_unix_seconds(kNow + 1); });
                    },
                    "issued_before_not_before"},
        InactiveRow{"client_disabled",
                    [](World& world, std::string&) { world.change_objects([](registry::Objects& o) { o.agents[0].active = false; }); },
                    "client_disabled"},
        InactiveRow{"server_disabled",
                    [](World& world, std::string&) { world.change_objects([](registry::Objects& o) { o.servers[0].active = false; }); },
                    "server_disabled"},
        InactiveRow{"for_another_resource_server",
                    [](World& world, std::string& token) {
                      json::Value claims = world.good_claims();
                      claims.set("resource", kTickets).set("scope", "tickets:read");
                      token = world.redeem(World::signed_id_jag(claims)).text("access_token");
                      ASSERT_FALSE(token.empty());
                    },
                    "not_for_this_caller"},
        InactiveRow{"of_another_client", [](World&, std::string&) {}, "not_for_this_caller", "thief-at-ras"}),
    [](const auto& row) { return row.param.name; });

// ---- revocation

Answer revoke(World& world, const std::string& token, std::string_view id = "cursor-at-ras") {
  return world.send(World::post("/revoke", {{"token", token}, {"token_type_hint", "access_token"}}, World::basic(id, kSecret)));
}

TEST(Revocation, EndsTheTokenBeforeItAnswers) {
  World world;
  const std::string token = fresh_token(world);
  const Answer answer = revoke(world, token);
  EXPECT_EQ(answer.response.status, 200);
  EXPECT_EQ(world.last_record().event, audit::Event::token_revoked);
  EXPECT_EQ(world.last_record().reason, "revoked");
  EXPECT_TRUE(world.revocations->is_token_revoked(world.last_record().access_token_jti));
  EXPECT_EQ(introspect(world, token).response.body, R"({"active":false})");
  EXPECT_EQ(world.last_record().reason, "token_revoked");
}

TEST(Revocation, IsForTheTokensOwnClient) {
  World world;
  const std::string token = fresh_token(world);
  EXPECT_EQ(revoke(world, token, "thief-at-ras").error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "token_of_another_client");
  EXPECT_TRUE(*introspect(world, token).body.find_bool("active"));
  EXPECT_EQ(world.send(World::post("/revoke", {{"token", token}})).response.status, 401);
  EXPECT_EQ(world.send(World::post("/revoke", {{"token", token}}, World::basic("notes-gateway", "gateway secret"))).response.status, 401)
      << "a resource server may ask, and nothing else";
}

TEST(Revocation, AnswersAlikeForWhatIsNoTokenOrNoLongerOne) {
  World world;
  EXPECT_EQ(revoke(world, "rubbish").response.status, 200);
  EXPECT_EQ(world.last_record().reason, "not_our_token");
  const std::string token = fresh_token(world);
  world.clock.seconds += 400;
  EXPECT_EQ(revoke(world, token).response.status, 200);
  EXPECT_EQ(world.last_record().reason, "expired");
  EXPECT_EQ(world.send(World::post("/revoke", {}, World::basic("cursor-at-ras", kSecret))).error(), "invalid_request");
  EXPECT_EQ(world.last_record().reason, "token_missing");
}

TEST(Revocation, AnswersThatTheTokenMayStillLiveWhenItCannotBeKept) {
  World world;
  const std::string token = fresh_token(world);
  world.documents.fail_from_now_on(true);
  const Answer answer = revoke(world, token);
  EXPECT_EQ(answer.response.status, 503);
  EXPECT_NE(answer.response.headers.find_single("Retry-After"), nullptr);
  EXPECT_EQ(world.last_record().event, audit::Event::aborted);
}

}  // namespace
}  // namespace writ::token_service::resource_as::test
