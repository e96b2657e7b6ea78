#include <gtest/gtest.h>

#include <functional>

#include "base/task.h"
#include "client_metadata/client_documents.h"
#include "crypto/key.h"
#include "encoding/json.h"
#include "jose/jwk.h"

namespace writ::client_metadata {
namespace {

using registry::ClientAuthentication;
constexpr const char* kUrl = "https://desk.example/client.json";
const Instant now = from_unix_seconds(1'795'000'000);

json::Value keys() {
  static const json::Value set = [] {
    const auto key = crypto::PrivateKey::generate(crypto::Algorithm::es256);
    return jose::to_json(jose::KeySet({jose::Jwk{"k", crypto::Algorithm::es256, key.public_key()}}));
  }();
  return set;
}
json::Value good() {
  return {{"client_id", kUrl},
          {"client_name", "Desk"},
          {"redirect_uris", json::Array{"http://127.0.0.1/callback", "https://desk.example/cb", "com.example.desk:/cb"}},
          {"token_endpoint_auth_method", "private_key_jwt"},
          {"jwks", keys()},
          {"scope", "whatever"}};
}

TEST(ClientDocument, SaysRedirectUrisAndKeys) {
  const auto document = parse_client_document(json::write(good()), kUrl);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->client_name, "Desk");
  EXPECT_EQ(document->redirect_uris.size(), 3u);
  EXPECT_EQ(document->authentication, ClientAuthentication::private_key_jwt);
  EXPECT_NE(document->jwks, "");
  auto public_one = good();
  public_one.set("token_endpoint_auth_method", "none");
  EXPECT_EQ(parse_client_document(json::write(public_one), kUrl)->authentication, ClientAuthentication::none);
  EXPECT_EQ(parse_client_document(json::write(public_one), kUrl)->jwks, "");
}

struct Row {
  const char* name;
  std::function<void(json::Value&)> change;
  DocumentProblem problem;
};
class BadDocuments : public testing::TestWithParam<Row> {};
TEST_P(BadDocuments, AreRefused) {
  auto document = good();
  GetParam().change(document);
  const auto parsed = parse_client_document(json::write(document), kUrl);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error(), GetParam().problem) << to_string(parsed.error());
}
std::function<void(json::Value&)> with(const char* name, json::Value value) {
  return [name, value](json::Value& document) { document.set(name, value); };
}
std::function<void(json::Value&)> without(const char* name) {
  return [name](json::Value& document) { document.erase(name); };
}
INSTANTIATE_TEST_SUITE_P(
    All, BadDocuments,
    testing::Values(
        Row{"a_list", [](json::Value& d) { d = json::Array{}; }, DocumentProblem::not_json}, Row{"no_client_id", without("client_id"), DocumentProblem::client_id_mismatch},
        Row{"of_another", with("client_id", "https://desk.example/client.json/"), DocumentProblem::client_id_mismatch}, Row{"other_case", with("client_id", "https://Desk.example/client.json"), DocumentProblem::client_id_mismatch},
        Row{"client_id_no_text", with("client_id", 1), DocumentProblem::client_id_mismatch}, Row{"no_name", without("client_name"), DocumentProblem::no_client_name},
        Row{"empty_name", with("client_name", ""), DocumentProblem::no_client_name}, Row{"no_redirect_uris", without("redirect_uris"), DocumentProblem::no_redirect_uris},
        Row{"empty_redirect_uris", with("redirect_uris", json::Array{}), DocumentProblem::no_redirect_uris}, Row{"redirect_uri_no_text", with("redirect_uris", json::Array{1}), DocumentProblem::redirect_uri},
        Row{"plain_http", with("redirect_uris", json::Array{"http://desk.example/cb"}), DocumentProblem::redirect_uri}, Row{"pattern", with("redirect_uris", json::Array{"https://desk.example/*"}), DocumentProblem::redirect_uri},
        Row{"script", with("redirect_uris", json::Array{"javascript:alert(1)"}), DocumentProblem::redirect_uri}, Row{"secret", with("client_secret", "x"), DocumentProblem::secret},
        Row{"expiry_of_a_secret", with("client_secret_expires_at", 0), DocumentProblem::secret}, Row{"secret_basic", with("token_endpoint_auth_method", "client_secret_basic"), DocumentProblem::authentication_method},
        Row{"secret_jwt", with("token_endpoint_auth_method", "client_secret_jwt"), DocumentProblem::authentication_method}, Row{"method_no_text", with("token_endpoint_auth_method", 1), DocumentProblem::authentication_method},
        Row{"no_keys", without("jwks"), DocumentProblem::keys}, Row{"both_kinds_of_keys", with("jwks_uri", "https://desk.example/keys"), DocumentProblem::keys},
        Row{"no_usable_key", with("jwks", json::Value{{"keys", json::Array{}}}), DocumentProblem::keys}, Row{"keys_that_are_none", with("jwks", "x"), DocumentProblem::keys},
        Row{"private_key", with("jwks", json::Value{{"keys", json::Array{json::Value{{"kty", "EC"}, {"d", "x"}}}}}), DocumentProblem::keys},
        Row{"symmetric_key", with("jwks", json::Value{{"keys", json::Array{json::Value{{"kty", "oct"}, {"k", "x"}}}}}), DocumentProblem::keys},
        Row{"keys_over_plain_http", [](json::Value& d) { d.erase("jwks"); d.set("jwks_uri", "http://127.0.0.1/keys"); }, DocumentProblem::keys}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ClientDocument, DuplicatesAndTooMuchAreNoJson) {
  const std::string text = json::write(good());
  EXPECT_EQ(parse_client_document("{\"client_id\":\"x\"," + text.substr(1), kUrl).error(), DocumentProblem::not_json);
  auto large = good();
  large.set("x", std::string(kDocumentBytesMax, 'x'));
  EXPECT_EQ(parse_client_document(json::write(large), kUrl).error(), DocumentProblem::not_json);
}

TEST(ClientIdUrl, IsHttpsWithAPath) {
  for (const char* good : {"https://desk.example/client.json", "https://desk.example:8443/a/b?x=1", "https://10.0.0.1/c"}) EXPECT_TRUE(is_client_id_url(good)) << good;
  for (const char* bad : {"desk", "http://desk.example/c", "https://desk.example", "https://desk.example/", "https://desk.example/a/../b", "https://desk.example/./b", "https://desk.example/a#b",
                          "https://me@desk.example/c", "https://127.0.0.1/c", "https://localhost/c"})
    EXPECT_FALSE(is_client_id_url(bad)) << bad;
  EXPECT_TRUE(is_client_id_url("http://127.0.0.1:9/c", true));
  EXPECT_FALSE(is_client_id_url("http://10.0.0.1/c", true));
}

TEST(DescribedRegistration, TakesTheStricterMethod) {
  registry::Registration registered{.client_id = kUrl, .authentication = ClientAuthentication::private_key_jwt, .metadata_document = true};
  auto document = *parse_client_document(json::write(good()), kUrl);
  EXPECT_EQ(described(registered, document)->redirect_uris, document.redirect_uris);
  document.authentication = ClientAuthentication::none;
  EXPECT_EQ(described(registered, document).error(), DocumentProblem::weaker_than_registered);
  registered.authentication = ClientAuthentication::none;
  EXPECT_TRUE(described(registered, document));
  document.authentication = ClientAuthentication::private_key_jwt;
  EXPECT_EQ(described(registered, document)->authentication, ClientAuthentication::private_key_jwt);
}

// ---- fetching

class Web final : public http::Outgoing {
 public:
  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override {
    requests.push_back(request);
    if (down) co_return unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::refused_address, "private"});
    co_return response;
  }
  std::vector<http::OutgoingRequest> requests;
  http::OutgoingResponse response{200, {{"Content-Type", "application/json"}}, json::write(good())};
  bool down = false;
};

struct Fetching {
  Web web;
  ClientDocuments documents{web, {}};
  Result<ClientDocuments::Document, DocumentProblem> find(Instant at = now, const char* url = kUrl) { return run(documents.find(url, at)); }
};

TEST(ClientDocuments, AreFetchedAtPublicAddressesAloneAndRemembered) {
  Fetching f;
  EXPECT_EQ(f.documents.known(kUrl, now), nullptr);
  ASSERT_TRUE(f.find());
  ASSERT_EQ(f.web.requests.size(), 1u);
  EXPECT_TRUE(f.web.requests[0].public_addresses_only);
  EXPECT_EQ(f.web.requests[0].response_bytes_max, kDocumentBytesMax);
  EXPECT_TRUE(f.find(now + Seconds{299}));
  EXPECT_EQ(f.web.requests.size(), 1u);
  EXPECT_TRUE(f.find(now + Seconds{300}));
  EXPECT_EQ(f.web.requests.size(), 2u);
  EXPECT_NE(f.documents.known(kUrl, now), nullptr);
}

TEST(ClientDocuments, LoopbackIsForTestsAlone) {
  Fetching f;
  EXPECT_EQ(f.find(now, "http://127.0.0.1:9/c").error(), DocumentProblem::not_an_address);
  EXPECT_TRUE(f.web.requests.empty());
  ClientDocuments here(f.web, {.loopback = true});
  static_cast<void>(run(here.find("http://127.0.0.1:9/c", now)));
  static_cast<void>(run(here.find(kUrl, now)));
  ASSERT_EQ(f.web.requests.size(), 2u);
  EXPECT_FALSE(f.web.requests[0].public_addresses_only);
  EXPECT_TRUE(f.web.requests[1].public_addresses_only);
}

struct AnswerRow {
  const char* name;
  std::function<void(Web&)> change;
  DocumentProblem problem;
};
class BadAnswers : public testing::TestWithParam<AnswerRow> {};
TEST_P(BadAnswers, AreNoDocumentsAndNotRemembered) {
  Fetching f;
  GetParam().change(f.web);
  ASSERT_FALSE(f.find());
  EXPECT_EQ(f.find().error(), GetParam().problem);
  EXPECT_EQ(f.web.requests.size(), 1u);   // one attempt in ten seconds
  EXPECT_EQ(f.documents.known(kUrl, now), nullptr);
  f.web = Web{};
  EXPECT_TRUE(f.find(now + Seconds{10}));
}
INSTANTIATE_TEST_SUITE_P(
    All, BadAnswers,
    testing::Values(AnswerRow{"private_address", [](Web& w) { w.down = true; }, DocumentProblem::unreachable}, AnswerRow{"redirect", [](Web& w) { w.response.status = 302; }, DocumentProblem::status},
                    AnswerRow{"created", [](Web& w) { w.response.status = 201; }, DocumentProblem::status}, AnswerRow{"not_found", [](Web& w) { w.response.status = 404; }, DocumentProblem::status},
                    AnswerRow{"html", [](Web& w) { w.response.headers.set("Content-Type", "text/html"); }, DocumentProblem::not_json},
                    AnswerRow{"no_type", [](Web& w) { w.response.headers.erase("Content-Type"); }, DocumentProblem::not_json},
                    AnswerRow{"of_another", [](Web& w) { w.response.body = R"({"client_id":"https://evil.example/c"})"; }, DocumentProblem::client_id_mismatch}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ClientDocuments, AnOutageKeepsAGoodOneForAnHour) {
  Fetching f;
  ASSERT_TRUE(f.find());
  f.web.down = true;
  EXPECT_TRUE(f.find(now + Seconds{300}));
  EXPECT_TRUE(f.find(now + Seconds{3599}));
  EXPECT_FALSE(f.find(now + Seconds{3700}));
  f.web.down = false;
  EXPECT_TRUE(f.find(now + Seconds{3800}));
}

TEST(ClientDocuments, WhoAnswersWithSomethingElseTookItBack) {
  Fetching f;
  ASSERT_TRUE(f.find());
  f.web.response.status = 404;
  EXPECT_EQ(f.find(now + Seconds{300}).error(), DocumentProblem::status);
  EXPECT_EQ(f.documents.known(kUrl, now + Seconds{300}), nullptr);
}

TEST(ClientDocuments, CacheControlCountsWithinBounds) {
  const ClientDocuments::Settings settings;
  const auto seconds = [&](const char* value) { return fresh_for({{"Cache-Control", value}}, settings).count(); };
  EXPECT_EQ(seconds("max-age=120"), 120);
  EXPECT_EQ(seconds("public, max-age=999999"), 3600);
  EXPECT_EQ(seconds("max-age=1"), 60);
  EXPECT_EQ(seconds("no-store"), 60);
  EXPECT_EQ(seconds("max-age=soon"), 300);
  EXPECT_EQ(fresh_for({}, settings).count(), 300);
}

TEST(ClientDocuments, AreBounded) {
  Web web;
  ClientDocuments documents(web, {.documents_max = 3});
  for (int i = 0; i < 10; ++i) static_cast<void>(run(documents.find("https://desk.example/" + std::to_string(i), now + Seconds{i})));
  EXPECT_EQ(web.requests.size(), 10u);
}

}  // namespace
}  // namespace writ::client_metadata
