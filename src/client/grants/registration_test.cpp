#include "client/grants/registration.h"

#include <gtest/gtest.h>

#include "client/grants/scripted_servers_fixture.h"

namespace writ::client {
namespace {

AuthorizationServer server(std::vector<std::string> methods = {"none", "client_secret_basic"}) {
  AuthorizationServer result = *read_authorization_server(json::write(server_metadata()), kIssuer);
  result.token_endpoint_auth_methods = std::move(methods);
  return result;
}
RegistrationSettings with_document() {
  RegistrationSettings settings;
  settings.client_id_metadata_url = "https://writ.example/clients/writ.json";
  return settings;
}

// MCPA-60: by hand, by document, on the spot.
TEST(HowAClientIsKnown, FollowsTheOrderOfTheSpecification) {
  AuthorizationServer reads = server();
  reads.reads_client_metadata = true;
  RegistrationSettings all = with_document();
  EXPECT_EQ(*choose_registration(reads, all), Registration::Kind::metadata_document);
  EXPECT_EQ(*choose_registration(server(), all), Registration::Kind::dynamic) << "the server does not say that it reads documents";
  all.by_issuer[kIssuer] = {"by-hand", Secret(), std::nullopt};
  EXPECT_EQ(*choose_registration(reads, all), Registration::Kind::pre_registered);
  reads.token_endpoint_auth_methods = {"client_secret_basic"};
  EXPECT_EQ(*choose_registration(reads, with_document()), Registration::Kind::dynamic) << "MCPA-72: with a document there is no secret";
}

TEST(HowAClientIsKnown, SaysWhoMustActWhereThereIsNoWay) {
  AuthorizationServer closed = server();
  closed.registration_endpoint.clear();
  const auto none = choose_registration(closed, {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, FailureKind::configuration);
  RegistrationSettings forbids;
  forbids.may_register = false;
  EXPECT_FALSE(choose_registration(server(), forbids));
  RegistrationSettings elsewhere;
  elsewhere.by_issuer["https://other.example"] = {"c", Secret("s"), std::nullopt};
  const auto other = choose_registration(server(), elsewhere);   // MCPA-62
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("https://other.example"), std::string::npos);
}

// MCPA-70
TEST(ClientIdMetadataUrl, IsHttpsWithAPathAndNothingElse) {
  for (const char* good : {"https://writ.example/c", "https://writ.example:8443/a/b.json"}) EXPECT_TRUE(is_client_id_metadata_url(good)) << good;
  for (const char* bad : {"http://writ.example/c", "https://writ.example", "https://writ.example/", "https://writ.example/a/../b", "https://writ.example/c#f", "https://writ.example/c?q",
                          "https://u:p@writ.example/c", "http://127.0.0.1/c", "writ", ""}) {
    EXPECT_FALSE(is_client_id_metadata_url(bad)) << bad;
  }
  AuthorizationServer reads = server();
  reads.reads_client_metadata = true;
  RegistrationSettings settings;
  settings.client_id_metadata_url = "https://writ.example";
  EXPECT_FALSE(choose_registration(reads, settings)) << "a setting that cannot be right is told, not passed over";
}

// MCPA-63, MCPA-124: what is asked for on the spot.
TEST(RegistrationRequest, IsThatOfANativeProgram) {
  const json::Value request = registration_request(server(), "Writ", kRedirectUri);
  EXPECT_EQ(*request.find_string("application_type"), "native");
  EXPECT_EQ(*json::to_strings(*request.find("redirect_uris")), std::vector<std::string>{kRedirectUri});
  EXPECT_EQ(*json::to_strings(*request.find("grant_types")), (std::vector<std::string>{"authorization_code", "refresh_token"}));
  EXPECT_EQ(*request.find_string("token_endpoint_auth_method"), "none");
  EXPECT_EQ(*registration_request(server({"client_secret_post"}), "Writ", kRedirectUri).find_string("token_endpoint_auth_method"), "client_secret_post");
  EXPECT_EQ(*registration_request(server({}), "Writ", kRedirectUri).find_string("token_endpoint_auth_method"), "client_secret_basic");
}

struct Answer {
  const char* name;
  int status;
  const char* body;
  std::vector<std::string> methods;
  std::size_t method;                   // index in ClientCredentials::method; npos: refused
};
constexpr std::size_t kRefused = static_cast<std::size_t>(-1);
class ARegistrationsAnswer : public testing::TestWithParam<Answer> {};

// OB-05, OB-53, RFC 7591 §3.2.1: one method, that of the registration, else one that the metadata takes.
TEST_P(ARegistrationsAnswer, DecidesHowTheClientAuthenticates) {
  const Answer& row = GetParam();
  const auto read = read_registration({row.status, {}, row.body}, server(row.methods), kRedirectUri);
  if (row.method == kRefused) {
    ASSERT_FALSE(read);
    EXPECT_FALSE(read.error().message.empty());
    return;
  }
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->credentials.method.index(), row.method);
  EXPECT_EQ(read->issuer, kIssuer);
}
INSTANTIATE_TEST_SUITE_P(
    Methods, ARegistrationsAnswer,
    testing::Values(
        Answer{"public", 201, R"({"client_id":"c"})", {"none"}, 0}, Answer{"status_200_too", 200, R"({"client_id":"c"})", {"none"}, 0},
        Answer{"basic_by_metadata", 201, R"({"client_id":"c","client_secret":"s"})", {"client_secret_basic"}, 1},
        Answer{"basic_where_nothing_is_said", 201, R"({"client_id":"c","client_secret":"s"})", {}, 1},
        Answer{"post_by_metadata", 201, R"({"client_id":"c","client_secret":"s"})", {"client_secret_post"}, 2},
        Answer{"post_by_registration", 201, R"({"client_id":"c","client_secret":"s","token_endpoint_auth_method":"client_secret_post"})", {"client_secret_basic", "client_secret_post"}, 2},
        Answer{"none_by_registration_with_a_secret_of_no_use", 201, R"({"client_id":"c","client_secret":"s","token_endpoint_auth_method":"none"})", {"none", "client_secret_basic"}, 0},
        Answer{"secret_of_no_use", 201, R"({"client_id":"c","client_secret":"s"})", {"none"}, 0},
        Answer{"secret_missing", 201, R"({"client_id":"c","token_endpoint_auth_method":"client_secret_basic"})", {"none"}, kRefused},
        Answer{"method_that_is_not_ours", 201, R"({"client_id":"c","client_secret":"s","token_endpoint_auth_method":"tls_client_auth"})", {"none"}, kRefused},
        Answer{"no_client_id", 201, "{}", {"none"}, kRefused}, Answer{"client_id_of_wrong_type", 201, R"({"client_id":7})", {"none"}, kRefused},
        Answer{"client_id_with_a_line_break", 201, "{\"client_id\":\"a\\nb\"}", {"none"}, kRefused}, Answer{"client_id_twice", 201, R"({"client_id":"a","client_id":"b"})", {"none"}, kRefused},
        Answer{"other_redirect_uri", 201, R"({"client_id":"c","redirect_uris":["https://evil.example/cb"]})", {"none"}, kRefused},
        Answer{"one_redirect_uri_more", 201, R"({"client_id":"c","redirect_uris":["http://127.0.0.1:4711/callback","https://evil.example/cb"]})", {"none"}, kRefused},
        Answer{"our_redirect_uri", 201, R"({"client_id":"c","redirect_uris":["http://127.0.0.1:4711/callback"]})", {"none"}, 0},
        Answer{"refused", 400, R"({"error":"invalid_redirect_uri"})", {"none"}, kRefused}, Answer{"no_json", 201, "ok", {"none"}, kRefused}),
    [](const auto& row) { return row.param.name; });

TEST(RegisteredByHand, AuthenticatesAsTheServerTakesIt) {
  const auto index = [](std::vector<std::string> methods, PreRegistered registered) {
    const auto credentials = credentials_at(server(std::move(methods)), registered);
    return credentials ? credentials->method.index() : kRefused;
  };
  const jose::SigningKey key{"k", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  const PreRegistered secret{"c", Secret("s"), std::nullopt}, keyed{"c", Secret(), key}, open{"c", Secret(), std::nullopt};
  EXPECT_EQ(index({"client_secret_post", "client_secret_basic"}, secret), 1U);
  EXPECT_EQ(index({"client_secret_post"}, secret), 2U);
  EXPECT_EQ(index({"none"}, secret), kRefused);
  EXPECT_EQ(index({"private_key_jwt"}, keyed), 3U);
  EXPECT_EQ(index({}, keyed), 3U);
  EXPECT_EQ(index({"client_secret_basic"}, keyed), kRefused) << "never a weaker way than the operator set up";
  EXPECT_EQ(index({"none"}, open), 0U);
  EXPECT_EQ(index({"client_secret_basic"}, open), kRefused);
}

}  // namespace
}  // namespace writ::client
