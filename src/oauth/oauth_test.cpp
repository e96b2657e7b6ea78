#include <gtest/gtest.h>

#include "oauth/authorization_server_metadata.h"
#include "oauth/challenge.h"
#include "oauth/error.h"
#include "oauth/protected_resource_metadata.h"
#include "oauth/scope.h"

namespace writ::oauth {
namespace {

// OB-09, C10: single spaces and the characters of RFC 6749 §3.3; everything else is no scope at all.
TEST(ScopeSet, ReadsWhatRfc6749Allows) {
  EXPECT_EQ(ScopeSet::parse("a")->to_string(), "a");
  EXPECT_EQ(ScopeSet::parse("b a b")->to_string(), "b a");
  EXPECT_EQ(ScopeSet::parse("!#[]~")->to_string(), "!#[]~");
  for (const char* text : {"", " ", "a ", " a", "a  b", "a\tb", "a\nb", "a\rb", "a\"b", "a\\b", "a\u00a0b", "a\u2003b", "\xff", "a\x7f", "a\x1b"})
    EXPECT_FALSE(ScopeSet::parse(text)) << text;
  EXPECT_FALSE(ScopeSet::parse(std::string_view("a\0b", 3)));
}

TEST(ScopeSet, KnowsSetsNotOrder) {
  const ScopeSet ab(std::vector<std::string>{"a", "b"}), ba(std::vector<std::string>{"b", "a", "a"}), c(std::vector<std::string>{"c"});
  EXPECT_TRUE(ab.same_as(ba));
  EXPECT_TRUE(ScopeSet().is_subset_of(c));
  EXPECT_FALSE(ab.is_subset_of(c));
  EXPECT_TRUE(ab.intersection(c).empty());
  EXPECT_EQ(ba.intersection(ab).to_string(), "b a");
  EXPECT_FALSE(ab.contains("A"));
}

TEST(Error, HasTheStatusOfItsCode) {
  for (const auto& [code, status] : {std::pair{ErrorCode::invalid_request, 400}, std::pair{ErrorCode::invalid_client, 401},
                                     std::pair{ErrorCode::invalid_grant, 400}, std::pair{ErrorCode::access_denied, 400},
                                     std::pair{ErrorCode::invalid_target, 400}, std::pair{ErrorCode::temporarily_unavailable, 503}}) {
    const http::Response response = render({code, "", {}});
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.body, "{\"error\":\"" + std::string(to_string(code)) + "\"}");
    EXPECT_EQ(*response.headers.find_single("Cache-Control"), "no-store");
    EXPECT_EQ(*response.headers.find_single("Content-Type"), "application/json");
    EXPECT_EQ(response.headers.count("Retry-After"), status == 503 ? 1u : 0u);
    EXPECT_EQ(response.headers.count("WWW-Authenticate"), 0u);
  }
}

TEST(Error, CarriesItsExtensionMembers) {
  const http::Response response = render({ErrorCode::access_denied, "no", {{"denial_code", "W-1"}}});
  EXPECT_EQ(response.body, R"({"error":"access_denied","error_description":"no","denial_code":"W-1"})");
}

TEST(BearerChallenge, QuotesEachAttributeOnce) {
  EXPECT_EQ(write(BearerChallenge{}), "Bearer");
  EXPECT_EQ(write(BearerChallenge{.resource_metadata = "https://m.example/x", .error = "insufficient_scope", .scope = "a b"}),
            R"(Bearer resource_metadata="https://m.example/x", error="insufficient_scope", scope="a b")");
  EXPECT_EQ(write(BearerChallenge{.scope = "a\"\r\nSet-Cookie: x\\"}), R"(Bearer scope="a   Set-Cookie: x ")");
}

TEST(Metadata, LeavesOutWhatIsNotStatedApartFromTheRequiredList) {
  AuthorizationServerMetadata metadata;
  metadata.issuer = "https://as.example";
  EXPECT_EQ(json::write(to_json(metadata)), R"({"issuer":"https://as.example","response_types_supported":[]})");
}

TEST(ProtectedResourceMetadata, NamesItselfAndItsServers) {
  EXPECT_EQ(json::write(to_json(ProtectedResourceMetadata{"https://m.example", "", {"https://as.example"}, {"a"}})),
            R"({"resource":"https://m.example","authorization_servers":["https://as.example"],"bearer_methods_supported":["header"],"scopes_supported":["a"]})");
}

}  // namespace
}  // namespace writ::oauth
