// The token endpoint as HTTP (threats T1 to T7, T11, T12) and client authentication. Driven through the resource authorization server, so
// that every row is a real request with a record behind it.
#include "token_service/token_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service {
namespace {

using json::Array;
using json::Value;
using resource_as::test::Answer;
using resource_as::test::Form;
using resource_as::test::hex_digest;
using resource_as::test::key_named;
using resource_as::test::kNow;
using resource_as::test::kRas;
using resource_as::test::kSecret;
using resource_as::test::World;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Row {
  std::string name;
  std::function<void(http::Request&)> change;
  std::string reason;
  std::string error;
  int status;
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }
std::string name_of(const testing::TestParamInfo<Row>& info) { return info.param.name; }

class TokenRequestRow : public testing::TestWithParam<Row> {};

TEST_P(TokenRequestRow, IsRefusedForItsReason) {
  const Row& row = GetParam();
  World world;
  http::Request request = World::grant_request(world.good_id_jag());
  const http::Request good = request;
  row.change(request);
  const Answer answer = world.send(request);
  EXPECT_EQ(answer.response.status, row.status);
  EXPECT_EQ(answer.error(), row.error);
  EXPECT_EQ(world.last_record().reason, row.reason);
  EXPECT_EQ(world.last_record().effect, audit::Effect::deny);
  EXPECT_EQ(world.log.records().size(), 1u);
  EXPECT_EQ(answer.body.find("access_token"), nullptr);
  EXPECT_EQ(*answer.response.headers.find_single("Cache-Control"), "no-store");
  EXPECT_EQ(world.send(good).response.status, 200) << "the honest request right after";
}

std::function<void(http::Request&)> header(std::string name, std::string value) {
  return [=](http::Request& r) { r.headers.set(name, value); };
}
std::function<void(http::Request&)> appended(std::string text) {
  return [=](http::Request& r) { r.body += text; };
}
std::function<void(http::Request&)> authorization(std::string value) { return header("Authorization", std::move(value)); }
std::function<void(http::Request&)> body_credentials(Form credentials) {
  return [=](http::Request& r) {
    r.headers.erase("Authorization");
    r.body += "&" + form::write(credentials);
  };
}

INSTANTIATE_TEST_SUITE_P(
    T1_T2_T3_T8_Form, TokenRequestRow,
    testing::Values(
        Row{"get", [](http::Request& r) { r.method = "GET"; }, "method_not_post", "invalid_request", 405},
        Row{"get_with_parameters_in_the_url",
            [](http::Request& r) { r.method = "GET", r.query = r.body, r.body.clear(); }, "method_not_post", "invalid_request", 405},
        Row{"post_with_parameters_in_the_url", [](http::Request& r) { r.query = "client_secret=x"; }, "parameters_in_url",
            "invalid_request", 400},
        Row{"no_content_type", [](http::Request& r) { r.headers.erase("Content-Type"); }, "wrong_media_type", "invalid_request", 415},
        Row{"two_content_types", [](http::Request& r) { r.headers.add("Content-Type", "application/json"); }, "wrong_media_type",
            "invalid_request", 415},
        Row{"json", header("Content-Type", "application/json"), "wrong_media_type", "invalid_request", 415},
        Row{"text", header("Content-Type", "text/plain"), "wrong_media_type", "invalid_request", 415},
        Row{"multipart", header("Content-Type", "multipart/form-data; boundary=x"), "wrong_media_type", "invalid_request", 415},
        Row{"form_with_a_suffix", header("Content-Type", "application/x-www-form-urlencodedx"), "wrong_media_type", "invalid_request", 415},
        Row{"latin_1", header("Content-Type", "application/x-www-form-urlencoded; charset=iso-8859-1"), "wrong_charset", "invalid_request",
            415},
        Row{"utf_16", header("Content-Type", "application/x-www-form-urlencoded; charset=utf-16"), "wrong_charset", "invalid_request", 415},
        Row{"utf_7_behind_utf_8", header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8; charset=utf-7"),
            "wrong_charset", "invalid_request", 415},
        Row{"gzip", header("Content-Encoding", "gzip"), "encoded_body", "invalid_request", 415},
        Row{"gzip_behind_identity",
            [](http::Request& r) {
              r.headers.add("Content-Encoding", "identity");
              r.headers.add("Content-Encoding", "gzip");
            },
            "encoded_body", "invalid_request", 415},
        Row{"body_over_256_kib", appended("&x=" + std::string(256 * 1024, 'x')), "body_too_large", "invalid_request", 413},
        Row{"over_100_parameters",
            [](http::Request& r) {
              for (int i = 0; i < 100; ++i) r.body += "&p" + std::to_string(i) + "=1";
            },
            "too_many_parameters", "invalid_request", 400},
        Row{"broken_escape", appended("&x=%zz"), "malformed_form", "invalid_request", 400},
        Row{"nul", appended("&x=%00"), "malformed_form", "invalid_request", 400},
        Row{"invalid_utf_8", appended("&x=%ff"), "malformed_form", "invalid_request", 400},
        Row{"grant_type_twice", appended("&grant_type=x"), "repeated_parameter", "invalid_request", 400},
        Row{"assertion_twice", appended("&assertion=x"), "repeated_parameter", "invalid_request", 400},
        Row{"scope_twice", appended("&scope=a&scope=a"), "repeated_parameter", "invalid_request", 400},
        Row{"client_id_twice", appended("&client_id=a&client_id=a"), "repeated_parameter", "invalid_request", 400},
        Row{"client_secret_twice", appended("&client_secret=a&client_secret=a"), "repeated_parameter", "invalid_request", 400},
        Row{"client_assertion_twice", appended("&client_assertion=a&client_assertion=a"), "repeated_parameter", "invalid_request", 400},
        Row{"an_unknown_parameter_twice", appended("&zz=a&zz=b"), "repeated_parameter", "invalid_request", 400},
        Row{"twice_once_escaped", appended("&s%63ope=a&scope=b"), "repeated_parameter", "invalid_request", 400},
        Row{"no_grant_type", [](http::Request& r) { r.body = "assertion=x"; }, "no_grant_type", "invalid_request", 400},
        Row{"empty_grant_type", [](http::Request& r) { r.body = "grant_type=&assertion=x"; }, "no_grant_type", "invalid_request", 400},
        Row{"unknown_grant_type", [](http::Request& r) { r.body = "grant_type=password"; }, "unsupported_grant_type",
            "unsupported_grant_type", 400},
        Row{"token_exchange_belongs_to_the_idp",
            [](http::Request& r) { r.body = form::write({{"grant_type", std::string(oauth::kGrantTokenExchange)}}); },
            "unsupported_grant_type", "unsupported_grant_type", 400}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    T4_T5_Client, TokenRequestRow,
    testing::Values(
        Row{"no_credentials", [](http::Request& r) { r.headers.erase("Authorization"); }, "no_client_authentication", "invalid_client", 401},
        Row{"basic_and_body", appended("&client_secret=x"), "several_client_authentications", "invalid_client", 401},
        Row{"basic_and_assertion", appended("&client_assertion=x"), "several_client_authentications", "invalid_client", 401},
        Row{"basic_and_assertion_type_alone", appended("&client_assertion_type=x"), "several_client_authentications", "invalid_client", 401},
        Row{"secret_and_unsigned_assertion",
            body_credentials({{"client_id", "cursor-at-ras"},
                              {"client_secret", std::string(kSecret)},
                              {"client_assertion_type", std::string(oauth::kClientAssertionJwtBearer)},
                              {"client_assertion", "eyJhbGciOiJub25lIn0.e30."}}),
            "several_client_authentications", "invalid_client", 401},
        Row{"two_authorization_headers",
            [](http::Request& r) { r.headers.add("Authorization", World::basic("cursor-at-ras", kSecret)); },
            "several_client_authentications", "invalid_client", 401},
        Row{"body_names_another_client", appended("&client_id=thief-at-ras"), "client_id_mismatch", "invalid_client", 401},
        Row{"bearer", authorization("Bearer abc"), "malformed_basic", "invalid_client", 401},
        Row{"basic_without_value", authorization("Basic "), "malformed_basic", "invalid_client", 401},
        Row{"basic_no_base64", authorization("Basic !!!!"), "malformed_basic", "invalid_client", 401},
        Row{"basic_without_colon", authorization("Basic " + base64::encode("cursor-at-ras")), "malformed_basic", "invalid_client", 401},
        Row{"basic_without_id", authorization("Basic " + base64::encode(":secret")), "malformed_basic", "invalid_client", 401},
        Row{"basic_with_broken_escape", authorization("Basic " + base64::encode("cursor-at-ras:%zz")), "malformed_basic", "invalid_client",
            401},
        Row{"basic_with_nul", authorization("Basic " + base64::encode(std::string("cursor-at-ras\0x:y", 17))), "malformed_basic",
            "invalid_client", 401},
        Row{"basic_with_an_escaped_nul", authorization("Basic " + base64::encode("cursor-at-ras%00:y")), "malformed_basic",
            "invalid_client", 401},
        Row{"basic_with_invalid_utf_8", authorization("Basic " + base64::encode("\xff:y")), "malformed_basic", "invalid_client", 401},
        Row{"secret_that_was_not_form_encoded",
            authorization("Basic " + base64::encode("cursor-at-ras:correct horse %25+ battery")), "wrong_secret", "invalid_client", 401},
        Row{"sql", authorization(World::basic("' OR 1=1 --", "x")), "unknown_client", "invalid_client", 401},
        Row{"unknown_client", authorization(World::basic("nobody", kSecret)), "unknown_client", "invalid_client", 401},
        Row{"wrong_secret", authorization(World::basic("cursor-at-ras", "wrong")), "wrong_secret", "invalid_client", 401},
        Row{"secret_of_other_case", authorization(World::basic("cursor-at-ras", "Correct horse %+ battery")), "wrong_secret",
            "invalid_client", 401},
        Row{"expired_secret", authorization(World::basic("cursor-at-ras", "an older one")), "wrong_secret", "invalid_client", 401},
        Row{"wrong_secret_in_the_body", body_credentials({{"client_id", "cursor-at-ras"}, {"client_secret", "wrong"}}), "wrong_secret",
            "invalid_client", 401},
        Row{"array_shaped_secret", body_credentials({{"client_id", "cursor-at-ras"}, {"client_secret[]", std::string(kSecret)}}),
            "no_client_authentication", "invalid_client", 401},
        Row{"secret_for_a_client_with_a_key", authorization(World::basic("robot-at-ras", kSecret)), "method_not_registered",
            "invalid_client", 401},
        Row{"secret_for_a_public_client", authorization(World::basic("open-at-ras", kSecret)), "method_not_registered", "invalid_client",
            401},
        Row{"id_alone_of_a_confidential_client", body_credentials({{"client_id", "cursor-at-ras"}}), "no_client_authentication",
            "invalid_client", 401},
        Row{"id_alone_of_a_public_client", body_credentials({{"client_id", "open-at-ras"}}), "public_client", "invalid_client", 401},
        Row{"id_alone_of_the_command_line", body_credentials({{"client_id", "writ-cli"}}), "public_client", "invalid_client", 401},
        Row{"id_alone_of_nobody", body_credentials({{"client_id", "https://stranger.example/client.json"}}), "unknown_client",
            "invalid_client", 401}),
    name_of);

TEST(TokenRequest, IgnoresWhatItDoesNotKnow) {   // OB-03
  World world;
  EXPECT_EQ(world.redeem(world.good_id_jag(), {{"audience", "a"}, {"audience", "b"}, {"request", "x"}, {"resource", ""}}).response.status, 200);
}

TEST(ClientSecret, IsTakenByBasicAndInTheBody) {
  World world;
  EXPECT_EQ(world.redeem(world.good_id_jag()).response.status, 200);
  http::Request request = World::grant_request(world.good_id_jag());
  body_credentials({{"client_id", "cursor-at-ras"}, {"client_secret", std::string(kSecret)}})(request);
  EXPECT_EQ(world.send(request).response.status, 200);
}

TEST(ClientSecret, TwoMayBeActiveUntilOneExpires) {
  World world;
  world.change_objects([](registry::Objects& o) {
    o.agents[0].resource_as[0].registration.secrets = {{hex_digest("new"), std::nullopt}, {hex_digest("old"), from_unix_seconds(kNow + 10)}};
  });
  const auto status_with = [&](std::string_view secret) {
    return world.send(World::post("/token", World::grant_form(world.good_id_jag()), World::basic("cursor-at-ras", secret))).response.status;
  };
  EXPECT_EQ(status_with("new"), 200);
  EXPECT_EQ(status_with("old"), 200);
  world.clock.seconds += 10;
  EXPECT_EQ(status_with("old"), 401);
  EXPECT_EQ(status_with("new"), 200);
}

TEST(ClientSecret, TheChallengeIsSentWhenBasicWasTriedAndOnlyThen) {
  World world;
  http::Request request = World::grant_request(world.good_id_jag());
  authorization(World::basic("cursor-at-ras", "wrong"))(request);
  const Answer basic = world.send(request);
  ASSERT_NE(basic.response.headers.find_single("WWW-Authenticate"), nullptr);
  EXPECT_THAT(*basic.response.headers.find_single("WWW-Authenticate"), HasSubstr("Basic "));
  body_credentials({{"client_id", "cursor-at-ras"}, {"client_secret", "wrong"}})(request);
  EXPECT_EQ(world.send(request).response.headers.count("WWW-Authenticate"), 0u);
}

// ---- T12: client assertions

struct AssertionRow {
  std::string name;
  std::function<void(World&, Value& claims, std::string& type, std::string& kid)> change;
  std::string reason;
};
std::ostream& operator<<(std::ostream& out, const AssertionRow& row) { return out << row.name; }

Answer send_assertion(World& world, const Value& claims, const std::string& type, const std::string& kid, Form more = {}) {
  Value id_jag = world.good_claims();
  id_jag.set("client_id", "robot-at-ras");
  const Form form = World::with_assertion(World::grant_form(World::signed_id_jag(id_jag), std::move(more)), jose::sign(key_named(kid), type, claims));
  return world.send(World::post("/token", form));
}

class T12_ClientAssertion : public testing::TestWithParam<AssertionRow> {};

TEST_P(T12_ClientAssertion, IsRefusedForItsReason) {
  World world;
  Value claims = world.good_assertion_claims();
  std::string type(oauth::kTypClientAuthentication), kid = "robot";
  GetParam().change(world, claims, type, kid);
  const Answer answer = send_assertion(world, claims, type, kid);
  EXPECT_EQ(answer.response.status, 401);
  EXPECT_EQ(answer.error(), "invalid_client");
  EXPECT_EQ(world.last_record().reason, GetParam().reason);
  EXPECT_EQ(world.log.records().size(), 1u);
  EXPECT_EQ(send_assertion(world, world.good_assertion_claims(), std::string(oauth::kTypClientAuthentication), "robot").response.status, 200);
}

AssertionRow changed(std::string name, std::string claim, Value value, std::string reason) {
  return {std::move(name), [=](World&, Value& claims, std::string&, std::string&) { claims.set(claim, value); }, std::move(reason)};
}
AssertionRow removed(std::string name, std::string claim, std::string reason) {
  return {std::move(name), [=](World&, Value& claims, std::string&, std::string&) { claims.erase(claim); }, std::move(reason)};
}
AssertionRow typed(std::string name, std::string type_) {
  return {std::move(name), [=](World&, Value&, std::string& type, std::string&) { type = type_; }, "assertion_type"};
}

INSTANTIATE_TEST_SUITE_P(
    Rows, T12_ClientAssertion,
    testing::Values(
        changed("audience_is_the_token_endpoint", "aud", "https://ras.larkspur.example/token", "assertion_audience"),
        changed("audience_has_a_slash_more", "aud", "https://ras.larkspur.example/", "assertion_audience"),
        changed("audience_is_another_server", "aud", "https://other.example", "assertion_audience"),
        changed("audience_has_two_values", "aud", Array{kRas, "https://other.example"}, "assertion_audience"),
        changed("audience_has_us_twice", "aud", Array{kRas, kRas}, "assertion_audience"),
        changed("audience_is_empty", "aud", Array{}, "assertion_audience"), removed("audience_is_absent", "aud", "assertion_audience"),
        removed("sub_is_absent", "sub", "assertion_issuer"), changed("sub_is_another", "sub", "cursor-at-ras", "assertion_issuer"),
        removed("iss_is_absent", "iss", "assertion_issuer"), changed("iss_is_an_array", "iss", Array{"robot-at-ras"}, "assertion_issuer"),
        changed("iss_is_unknown", "iss", "nobody", "unknown_client"),
        changed("iss_is_a_client_with_a_secret", "iss", "cursor-at-ras", "method_not_registered"),
        changed("has_expired", "exp", kNow - 30, "assertion_times"), removed("exp_is_absent", "exp", "assertion_times"),
        changed("exp_is_a_string", "exp", "tomorrow", "assertion_times"),
        changed("exp_is_too_far_ahead", "exp", kNow + 331, "assertion_times"),
        changed("exp_is_the_largest_integer", "exp", std::numeric_limits<std::int64_t>::max(), "assertion_times"),
        changed("iat_is_ahead", "iat", kNow + 31, "assertion_times"), changed("nbf_is_ahead", "nbf", kNow + 31, "assertion_times"),
        removed("jti_is_absent", "jti", "assertion_jti"), changed("jti_is_empty", "jti", "", "assertion_jti"),
        changed("jti_is_huge", "jti", std::string(257, 'j'), "assertion_jti"), changed("jti_is_a_number", "jti", 1, "assertion_jti"),
        typed("type_is_id_jag", std::string(oauth::kTypIdJag)), typed("type_is_access_token", std::string(oauth::kTypAccessToken)),
        typed("type_is_plain_jwt", "JWT"), typed("type_is_dpop_proof", "dpop+jwt"),
        AssertionRow{"key_is_unknown", [](World&, Value&, std::string&, std::string& kid) { kid = "stranger"; }, "assertion_signature"},
        AssertionRow{"algorithm_of_another_key",
                     [](World&, Value&, std::string&, std::string& kid) { key_named("robot-ps", crypto::Algorithm::ps256), kid = "robot-ps"; },
                     "assertion_signature"},
        AssertionRow{"client_is_disabled",
                     [](World& world, Value& claims, std::string&, std::string&) {
                       // The last agent of the sample that has a key, so that the honest one afterwards still works.
                       world.change_objects([](registry::Objects& o) {
                         registry::Agent other = o.agents[2];
                         other.id = "retired", other.active = false;
                         other.resource_as[0].registration.client_id = "retired-at-ras";
                         o.agents.push_back(other);
                       });
                       claims.set("iss", "retired-at-ras").set("sub", "retired-at-ras");
                     },
                     "disabled_client"},
        AssertionRow{"client_has_no_keys",
                     [](World& world, Value& claims, std::string&, std::string&) {
                       world.change_objects([](registry::Objects& o) {
                         registry::Agent other = o.agents[2];
                         other.id = "keyless", other.resource_as[0].registration.jwks.clear();
                         other.resource_as[0].registration.client_id = "keyless-at-ras";
                         o.agents.push_back(other);
                       });
                       claims.set("iss", "keyless-at-ras").set("sub", "keyless-at-ras");
                     },
                     "no_client_keys"}),
    [](const auto& row) { return row.param.name; });

TEST(ClientAssertion, IsGoodWithoutATypeAndUpToTheEndOfItsTime) {
  World world;
  Value claims = world.good_assertion_claims();
  claims.set("exp", kNow + 330);
  const std::string type(oauth::kTypClientAuthentication);
  EXPECT_EQ(send_assertion(world, claims, type, "robot").response.status, 200);
  claims.set("jti", "second").set("aud", Array{kRas}).set("exp", kNow - 29);
  EXPECT_EQ(send_assertion(world, claims, type, "robot").response.status, 200);

  const std::string input = base64url::encode(R"({"alg":"ES256","kid":"robot"})") + "." + base64url::encode(json::write(world.good_assertion_claims()));
  Value id_jag = world.good_claims();
  id_jag.set("client_id", "robot-at-ras");
  const std::string untyped = input + "." + base64url::encode(key_named("robot").key.sign(crypto::Algorithm::es256, input));
  EXPECT_EQ(world.send(World::post("/token", World::with_assertion(World::grant_form(World::signed_id_jag(id_jag)), untyped))).response.status, 200);
}

TEST(ClientAssertion, IsRefusedTheSecondTimeWithOneRecord) {
  World world;
  const Value claims = world.good_assertion_claims();
  const std::string type(oauth::kTypClientAuthentication);
  EXPECT_EQ(send_assertion(world, claims, type, "robot").response.status, 200);
  const std::size_t before = world.log.records().size();
  const Answer again = send_assertion(world, claims, type, "robot");
  EXPECT_EQ(again.response.status, 401);
  EXPECT_EQ(again.error(), "invalid_client");
  EXPECT_EQ(world.last_record().reason, "assertion_replayed");
  EXPECT_EQ(world.last_record().effect, audit::Effect::deny);
  EXPECT_EQ(world.log.records().size(), before + 1);
}

TEST(ClientAssertion, IsUsedUpEvenWhenTheGrantIsThenRefused) {
  World world;
  const Value claims = world.good_assertion_claims();
  const Form form = World::with_assertion(World::grant_form("rubbish"), jose::sign(key_named("robot"), oauth::kTypClientAuthentication, claims));
  EXPECT_EQ(world.send(World::post("/token", form)).error(), "invalid_grant");
  EXPECT_EQ(send_assertion(world, claims, std::string(oauth::kTypClientAuthentication), "robot").error(), "invalid_client");
  EXPECT_EQ(world.last_record().reason, "assertion_replayed");
}

TEST(ClientAssertion, IsNotUsedUpByAForgery) {
  World world;
  const Value claims = world.good_assertion_claims();
  const std::string type(oauth::kTypClientAuthentication);
  const jose::SigningKey forged{"robot", crypto::Algorithm::es256, key_named("stranger").key};
  const Form form = World::with_assertion(World::grant_form("x"), jose::sign(forged, type, claims));
  EXPECT_EQ(world.send(World::post("/token", form)).error(), "invalid_client");
  EXPECT_EQ(world.last_record().reason, "assertion_signature");
  EXPECT_EQ(send_assertion(world, claims, type, "robot").response.status, 200);
}

TEST(ClientAssertion, WorksOnceInParallel) {
  World world;
  Value id_jag = world.good_claims();
  id_jag.set("client_id", "robot-at-ras");
  world.change_objects([](registry::Objects& o) {
    o.trusted_issuers[0].replay = registry::TrustedIssuer::Replay::same_client_until_expiry;   // so that only the assertion stands in the way
  });
  const http::Request request = World::post(
      "/token", World::with_assertion(World::grant_form(World::signed_id_jag(id_jag)),
                                      jose::sign(key_named("robot"), oauth::kTypClientAuthentication, world.good_assertion_claims())));
  std::atomic<int> issued = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread)
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) issued += run(world.router.handle(request)).status == 200;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(issued, 1);
}

TEST(ClientAssertion, NamesTheSameClientAsTheParameter) {
  World world;
  const std::string type(oauth::kTypClientAuthentication);
  EXPECT_EQ(send_assertion(world, world.good_assertion_claims(), type, "robot", {{"client_id", "cursor-at-ras"}}).error(), "invalid_client");
  EXPECT_EQ(world.last_record().reason, "client_id_mismatch");
  EXPECT_EQ(send_assertion(world, world.good_assertion_claims(), type, "robot", {{"client_id", "robot-at-ras"}}).response.status, 200);
}

TEST(ClientAssertion, MayNameTheTokenEndpointAndPlainJwtBehindTheirSwitches) {
  World world([](resource_as::Settings& s) { s.accept_token_endpoint_audience = s.accept_plain_jwt_type = true; });
  Value claims = world.good_assertion_claims();
  claims.set("aud", "https://ras.larkspur.example/token");
  EXPECT_EQ(send_assertion(world, claims, "JWT", "robot").response.status, 200);
}

TEST(ClientAssertion, IsRefusedWithAnAlgorithmThatIsNotAllowed) {
  World world;
  ClientAuthenticationRules rules;
  rules.issuer = kRas;
  rules.algorithms = {crypto::Algorithm::ps256};
  rules.find = [](const registry::Snapshot& snapshot, std::string_view id) { return snapshot.agent_at_resource_as(kRas, id); };
  const ClientAuthenticator clients(rules, world.log, nullptr, nullptr);
  const std::string assertion = jose::sign(key_named("robot"), oauth::kTypClientAuthentication, world.good_assertion_claims());
  TokenRequest request{.parameters = form::Parameters(World::with_assertion({}, assertion)), .now = world.clock.now()};
  const http::Request http;
  const auto client = run(clients.authenticate(http, request, world.registry.get()));
  ASSERT_FALSE(client);
  EXPECT_EQ(std::get<ClientRefused>(client.error()).problem, ClientProblem::assertion_algorithm);
}

TEST(ClientAssertion, KeysByUrlAreAskedForAndTheirAbsenceIsNoYes) {
  World world;
  world.change_objects([](registry::Objects& o) {
    registry::Registration& robot = o.agents[2].resource_as[0].registration;
    robot.jwks.clear();
    robot.jwks_uri = "https://robot.example/keys";
  });
  ClientAuthenticationRules rules;
  rules.issuer = kRas;
  rules.find = [](const registry::Snapshot& snapshot, std::string_view id) { return snapshot.agent_at_resource_as(kRas, id); };
  static std::string asked;
  asked.clear();
  const auto answer_with = [](std::shared_ptr<const jose::KeySet> keys) -> ClientKeys {
    static std::shared_ptr<const jose::KeySet> answer;
    answer = std::move(keys);
    return [](std::string uri, std::optional<std::string>) -> Task<std::shared_ptr<const jose::KeySet>> {
      asked = std::move(uri);
      co_return answer;
    };
  };
  const auto authenticate = [&](ClientKeys keys) {
    const ClientAuthenticator clients(rules, world.log, nullptr, std::move(keys));
    const std::string assertion = jose::sign(key_named("robot"), oauth::kTypClientAuthentication, world.good_assertion_claims());
    TokenRequest request{.parameters = form::Parameters(World::with_assertion({}, assertion)), .now = world.clock.now()};
    const http::Request http;
    return run(clients.authenticate(http, request, world.registry.get()));
  };
  EXPECT_TRUE(authenticate(answer_with(std::make_shared<const jose::KeySet>(std::vector{key_named("robot").public_jwk()}))));
  EXPECT_EQ(asked, "https://robot.example/keys");
  const auto without = authenticate(answer_with(nullptr));
  ASSERT_FALSE(without);
  EXPECT_TRUE(std::holds_alternative<Unavailable>(without.error()));
}

// J10, the other way round: nothing else is a client assertion, even signed by the client's own key.
TEST(J10_TypeConfusion, NoOtherTokenAuthenticatesAClient) {
  World world;
  const Answer issued = world.redeem(world.good_id_jag());
  for (const std::string& token :
       {world.good_id_jag(), issued.text("access_token"), jose::sign(key_named("robot"), oauth::kTypIdJag, world.good_assertion_claims()),
        jose::sign(key_named("robot"), oauth::kTypAccessToken, world.good_assertion_claims()),
        jose::sign(key_named("robot"), oauth::kTypIdToken, world.good_assertion_claims())}) {
    const Answer answer = world.send(World::post("/token", World::with_assertion(World::grant_form(world.good_id_jag()), token)));
    EXPECT_EQ(answer.error(), "invalid_client");
    EXPECT_THAT(world.last_record().reason, testing::AnyOf("assertion_type", "unknown_client"));
  }
}

// ---- T6: the time tells nothing. Asserted on the work itself, interleaved, by its median; generous, for a shared machine.
TEST(T6_Timing, AnUnknownClientCostsWhatAWrongSecretCosts) {
  World world;
  const http::Request known = World::post("/token", World::grant_form("x"), World::basic("cursor-at-ras", "wrong"));
  const http::Request unknown = World::post("/token", World::grant_form("x"), World::basic("nobody-at-ras", "wrong"));
  const auto time_of = [&](const http::Request& request) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(run(world.router.handle(request)).status / 100, 4);
    return std::chrono::steady_clock::now() - start;
  };
  std::vector<std::chrono::steady_clock::duration> known_times, unknown_times;
  for (int i = 0; i < 300; ++i) {
    known_times.push_back(time_of(known));
    unknown_times.push_back(time_of(unknown));
  }
  const auto median = [](auto& times) {
    std::nth_element(times.begin(), times.begin() + 150, times.end());
    return std::chrono::duration<double>(times[150]).count();
  };
  const double ratio = median(known_times) / median(unknown_times);
  EXPECT_GT(ratio, 0.75);
  EXPECT_LT(ratio, 1.33);
}

// ---- T7: guesses are slowed, the honest client is served
TEST(T7_Guessing, AFloodOfWrongSecretsDoesNotLockTheRightOneOut) {
  World world;
  http::Request wrong = World::post("/token", World::grant_form("x"), World::basic("cursor-at-ras", "wrong"));
  int told_to_wait = 0;
  for (int i = 0; i < 1'000; ++i) {
    const Answer answer = world.send(wrong);
    EXPECT_EQ(answer.error(), "invalid_client");
    if (answer.response.status == 429) {
      ++told_to_wait;
      ASSERT_NE(answer.response.headers.find_single("Retry-After"), nullptr);
    }
  }
  EXPECT_EQ(told_to_wait, 980);
  EXPECT_EQ(world.redeem(world.good_id_jag()).response.status, 200) << "same source, right secret";
  wrong.peer.address = "198.51.100.9";
  EXPECT_EQ(world.send(wrong).response.status, 401) << "another source has its own allowance";
  wrong.peer.address = "192.0.2.7";
  world.clock.seconds += 60;
  EXPECT_EQ(world.send(wrong).response.status, 401) << "and the window passes";
}

TEST(T7_Guessing, OneIpv6NetworkIsOneSource) {
  EXPECT_EQ(throttled_source("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(throttled_source("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(throttled_source("2001:db8:1:2:3:4:5:6"), throttled_source("2001:db8:1:2:ffff::1"));
  EXPECT_EQ(throttled_source("2001:db8::1"), throttled_source("2001:db8:0:0:9::"));
  EXPECT_NE(throttled_source("2001:db8:1:2::1"), throttled_source("2001:db8:1:3::1"));
  EXPECT_EQ(throttled_source("::1"), "0:0:0:0::/64");
  EXPECT_EQ(throttled_source(""), "");
}

TEST(T7_Guessing, RemembersABoundedNumberOfSources) {
  FailureThrottle throttle({.failures_max = 1, .window = Seconds{60}, .sources_max = 100});
  const Instant now = from_unix_seconds(kNow);
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(throttle.count_failure("source-" + std::to_string(i), now), 0);
  EXPECT_EQ(throttle.count_failure("last", now), 0);
  EXPECT_EQ(throttle.count_failure("last", now + Seconds{10}), 50);
}

// ---- T11: what was sent does not come back
TEST(T11_Reflection, NothingOfTheRequestIsInTheAnswer) {
  const std::string hostile = "zqx\"<script>zqx\\zqx";
  World world;
  for (const Form& form : std::vector<Form>{World::grant_form(hostile),
                                            World::grant_form(world.good_id_jag(), {{"scope", hostile}}),
                                            World::grant_form(world.good_id_jag(), {{"resource", hostile}}),
                                            {{"grant_type", hostile}},
                                            World::grant_form("x", {{"client_id", hostile}}),
                                            {{hostile, "a"}, {hostile, "b"}}}) {
    const Answer answer = world.send(World::post("/token", form, World::basic("cursor-at-ras", kSecret)));
    EXPECT_GE(answer.response.status, 400);
    EXPECT_THAT(answer.response.body, Not(HasSubstr("zqx")));
    for (const auto& [name, value] : answer.response.headers.fields()) EXPECT_THAT(value, Not(HasSubstr("zqx")));
    for (const char letter : answer.text("error_description"))
      EXPECT_TRUE(letter >= 0x20 && letter < 0x7f && letter != '"' && letter != '\\') << letter;
  }
}

TEST(T11_Reflection, ADescriptionKeepsToTheAllowedCharacters) {
  const http::Response response = oauth::render({oauth::ErrorCode::invalid_request, "a\"b\\c\r\nd\x1b" "e\xc3\xa9", {}});
  EXPECT_THAT(response.body, HasSubstr("\"a b c  d e  \""));
}

TEST(T10_Cors, NoOriginIsLetIn) {
  World world;
  http::Request request = World::grant_request(world.good_id_jag());
  request.headers.add("Origin", "https://evil.example");
  EXPECT_EQ(world.send(request).response.headers.count("Access-Control-Allow-Origin"), 0u);
  request.method = "OPTIONS";
  EXPECT_EQ(world.send(request).response.headers.count("Access-Control-Allow-Origin"), 0u);
}

// ---- one record each, whatever the outcome of what follows the record (rules §6.4)

class OneGrant final : public Grant {
 public:
  std::string_view grant_type() const override { return "test"; }
  Task<Outcome> decide(const TokenRequest&, const Client&) override {
    Granted granted;
    granted.body = {{"given", true}};
    granted.record.event = audit::Event::token_refreshed;
    granted.record.effect = audit::Effect::allow;
    granted.claim = audit::make_claim(audit::Claim::Use::authorization_code, "i", "code", from_unix_seconds(kNow + 60));
    granted.if_replayed = granted.record;
    granted.if_replayed->effect = audit::Effect::deny;
    granted.if_replayed->reason = "replayed";
    granted.after_commit = [this] { return change(after_commit_count); };
    granted.after_replay = [this] { return change(after_replay_count); };
    co_return Outcome(std::move(granted));
  }
  Task<Result<void, Unavailable>> change(int& count) {
    ++count;
    if (failing) co_return unexpected(Unavailable{"store"});
    co_return Result<void, Unavailable>();
  }
  bool failing = false;
  int after_commit_count = 0, after_replay_count = 0;
};

TEST(TokenEndpoint, ChangesStateAfterTheRecordAndUndoesItsWordWhenThatFails) {
  World world;
  OneGrant grant;
  FailureThrottle throttle;
  ClientAuthenticationRules rules;
  rules.find = [](const registry::Snapshot& snapshot, std::string_view id) { return snapshot.agent_at_resource_as(kRas, id); };
  const ClientAuthenticator clients(rules, world.log, nullptr, nullptr);
  const TokenEndpoint endpoint({clients, world.log, world.registry, throttle, world.clock}, {&grant});
  const http::Request request = World::post("/token", {{"grant_type", "test"}}, World::basic("cursor-at-ras", kSecret));

  grant.failing = true;
  EXPECT_EQ(run(endpoint.handle(request)).status, 503);
  EXPECT_EQ(world.last_record().event, audit::Event::aborted);
  EXPECT_EQ(world.last_record().of_position, 1u);
  EXPECT_EQ(grant.after_commit_count, 1);

  grant.failing = false;
  const http::Response replayed = run(endpoint.handle(request));
  EXPECT_EQ(replayed.status, 400);
  EXPECT_THAT(replayed.body, HasSubstr("invalid_grant"));
  EXPECT_EQ(grant.after_commit_count, 1);
  EXPECT_EQ(grant.after_replay_count, 1);
  EXPECT_EQ(world.last_record().reason, "replayed");
}

}  // namespace
}  // namespace writ::token_service
