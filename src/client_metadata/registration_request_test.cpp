#include "client_metadata/registration_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/key.h"
#include "jose/jwk.h"

namespace writ::client_metadata {
namespace {

using registry::ClientAuthentication;
using Code = RegistrationProblem::Code;

const std::vector<std::string> kGrants{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"};

std::string keys() {
  static const std::string text = [] {
    const auto pair = crypto::PrivateKey::generate(crypto::Algorithm::es256);
    return json::write(json::Value{{"keys", json::Array{jose::to_json(pair.public_key())}}});
  }();
  return text;
}

Result<RegistrationRequest, RegistrationProblem> parse(const std::string& members, Registering what = Registering::anew) { return parse_registration("{" + members + "}", kGrants, what); }
const std::string kRedirects = R"("redirect_uris":["https://desk.example/cb","http://127.0.0.1/cb"])";

TEST(RegistrationRequests, HaveTheDefaultsOfTheRfc) {
  const auto request = parse(kRedirects);
  ASSERT_TRUE(request) << request.error().sentence;
  EXPECT_EQ(request->registration.authentication, ClientAuthentication::client_secret);
  EXPECT_EQ(request->registration.redirect_uris.size(), 2u);
  EXPECT_FALSE(request->registration.dpop_bound || request->registration.pushed_only);
  EXPECT_EQ(json::write(registered_metadata(request->client_name, request->registration, kGrants)),
            R"({"token_endpoint_auth_method":"client_secret_basic","grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:token-exchange"],"response_types":["code"],)"
            R"("redirect_uris":["https://desk.example/cb","http://127.0.0.1/cb"],"dpop_bound_access_tokens":false,"require_pushed_authorization_requests":false})");
}

TEST(RegistrationRequests, SayWhatIsKept) {
  const auto request = parse(R"("client_name":"Desk","token_endpoint_auth_method":"private_key_jwt","grant_types":["urn:ietf:params:oauth:grant-type:token-exchange"],"response_types":[],)"
                             R"("dpop_bound_access_tokens":true,"require_pushed_authorization_requests":true,"client_uri":"https://desk.example","contacts":["me@desk.example"],)"
                             R"("application_type":"native","something_new":{"a":[1]},"jwks":)" + keys());
  ASSERT_TRUE(request) << request.error().member << request.error().sentence;
  EXPECT_EQ(request->client_name, "Desk");
  EXPECT_EQ(request->registration.authentication, ClientAuthentication::private_key_jwt);
  EXPECT_EQ(request->registration.jwks, keys());
  EXPECT_TRUE(request->registration.dpop_bound && request->registration.pushed_only);
  const auto metadata = json::Value(registered_metadata(request->client_name, request->registration, kGrants));
  EXPECT_EQ(*metadata.find_string("token_endpoint_auth_method"), "private_key_jwt");
  EXPECT_EQ(json::write(*metadata.find("jwks")), keys());
  EXPECT_TRUE(metadata.find_array("response_types")->empty());
}

TEST(RegistrationRequests, OfPublicClientsAreForSigningPeopleIn) {
  const auto request = parse(kRedirects + R"(,"token_endpoint_auth_method":"none")");
  ASSERT_TRUE(request);
  const auto metadata = json::Value(registered_metadata("", request->registration, kGrants));
  EXPECT_EQ(json::write(*metadata.find("grant_types")), R"(["authorization_code","refresh_token"])");
}

struct Row {
  const char* name;
  std::string members;
  const char* member;
  Code code = Code::client_metadata;
  Registering what = Registering::anew;
};
class WrongRegistrations : public testing::TestWithParam<Row> {};
TEST_P(WrongRegistrations, NameTheMember) {
  const auto request = parse(GetParam().members, GetParam().what);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().member, GetParam().member);
  EXPECT_EQ(request.error().code, GetParam().code) << request.error().sentence;
  EXPECT_FALSE(request.error().sentence.empty());
}
std::string with(const std::string& more) { return kRedirects + "," + more; }
std::string many(int count) {
  std::string list;
  for (int i = 0; i < count; ++i) list += (i ? ",\"https://a.example/" : "\"https://a.example/") + std::to_string(i) + "\"";
  return "\"redirect_uris\":[" + list + "]";
}
INSTANTIATE_TEST_SUITE_P(
    All, WrongRegistrations,
    testing::Values(
        Row{"own_name", with(R"("client_id":"desk")"), "client_id"}, Row{"own_secret", with(R"("client_secret":"x")"), "client_secret"},
        Row{"own_token", with(R"("registration_access_token":"x")"), "registration_access_token"}, Row{"own_time", with(R"("client_id_issued_at":1)"), "client_id_issued_at"},
        Row{"no_redirect_uris", R"("client_name":"Desk")", "redirect_uris", Code::redirect_uri}, Row{"empty_redirect_uris", R"("redirect_uris":[])", "redirect_uris", Code::redirect_uri},
        Row{"redirect_uri_of_another_type", R"("redirect_uris":"https://a.example/")", "redirect_uris"}, Row{"redirect_uri_number", R"("redirect_uris":[1])", "redirect_uris"},
        Row{"plain_http", R"("redirect_uris":["http://a.example/"])", "redirect_uris", Code::redirect_uri}, Row{"fragment", R"("redirect_uris":["https://a.example/#x"])", "redirect_uris", Code::redirect_uri},
        Row{"script", R"("redirect_uris":["javascript:alert"])", "redirect_uris", Code::redirect_uri}, Row{"same_redirect_uri_twice", R"("redirect_uris":["https://a.example/","https://a.example/"])", "redirect_uris"},
        Row{"too_many_redirect_uris", many(21), "redirect_uris"}, Row{"name_number", with(R"("client_name":1)"), "client_name"}, Row{"empty_name", with(R"("client_name":"")"), "client_name"},
        Row{"long_name", with("\"client_name\":\"" + std::string(201, 'x') + "\""), "client_name"}, Row{"name_of_two_lines", with(R"("client_name":"a\nb")"), "client_name"},
        Row{"unknown_method", with(R"("token_endpoint_auth_method":"client_secret_jwt")"), "token_endpoint_auth_method"},
        Row{"mutual_tls", with(R"("token_endpoint_auth_method":"tls_client_auth")"), "token_endpoint_auth_method"}, Row{"method_null", with(R"("token_endpoint_auth_method":null)"), "token_endpoint_auth_method"},
        Row{"no_keys", with(R"("token_endpoint_auth_method":"private_key_jwt")"), "jwks"}, Row{"keys_without_use", with("\"jwks\":" + keys()), "jwks"},
        Row{"keys_twice", with("\"token_endpoint_auth_method\":\"private_key_jwt\",\"jwks_uri\":\"https://a.example/k\",\"jwks\":" + keys()), "jwks"},
        Row{"private_key", with(R"("token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"EC","d":"x"}]})"), "jwks"},
        Row{"no_usable_key", with(R"("token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[]})"), "jwks"}, Row{"keys_as_text", with(R"("token_endpoint_auth_method":"private_key_jwt","jwks":"x")"), "jwks"},
        Row{"keys_over_http", with(R"("token_endpoint_auth_method":"private_key_jwt","jwks_uri":"http://127.0.0.1/k")"), "jwks_uri"},
        Row{"grant_not_offered", with(R"("grant_types":["authorization_code","password"])"), "grant_types"}, Row{"grants_as_text", with(R"("grant_types":"authorization_code")"), "grant_types"},
        Row{"response_without_grant", with(R"("grant_types":["refresh_token"],"response_types":["code"])"), "response_types"}, Row{"implicit", with(R"("response_types":["token"])"), "response_types"},
        Row{"flag_as_text", with(R"("dpop_bound_access_tokens":"true")"), "dpop_bound_access_tokens"}, Row{"page_over_http", with(R"("client_uri":"http://a.example")"), "client_uri"},
        Row{"logo_script", with(R"("logo_uri":"javascript:x")"), "logo_uri"}, Row{"contacts_as_text", with(R"("contacts":"a")"), "contacts"}, Row{"scope_list", with(R"("scope":["a"])"), "scope"},
        Row{"application_type", with(R"("application_type":"desktop")"), "application_type"}, Row{"statement", with(R"("software_statement":"e30.e30.")"), "software_statement", Code::software_statement},
        Row{"update_without_name", kRedirects, "client_id", Code::client_metadata, Registering::update},
        Row{"update_with_token", with(R"("client_id":"desk","registration_access_token":"x")"), "registration_access_token", Code::client_metadata, Registering::update}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(RegistrationRequests, AreObjectsWhoseMembersStandOnce) {
  for (const char* body : {"", "[]", "null", "{", R"({"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]})"}) EXPECT_FALSE(parse_registration(body, kGrants, Registering::anew)) << body;
  const std::string whole = "{" + kRedirects + R"(,"client_name":"Desk"})";
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(parse_registration(whole.substr(0, size), kGrants, Registering::anew)) << size;
  EXPECT_FALSE(parse(with("\"x\":\"" + std::string(kRegistrationBytesMax, 'x') + "\"")));
  EXPECT_TRUE(parse(many(20)));
}

}  // namespace
}  // namespace writ::client_metadata
