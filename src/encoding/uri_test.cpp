#include "encoding/uri.h"

#include <gtest/gtest.h>

namespace writ::uri {
namespace {

TEST(Uri, IsSplitWithoutBeingRewritten) {
  const auto uri = parse("HTTPS://User@Idp.Example:8443/A/b%2F;c?q=1&r#frag");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->scheme, "https");
  EXPECT_EQ(uri->host, "Idp.Example");
  EXPECT_EQ(uri->port, 8443);
  EXPECT_EQ(uri->path, "/A/b%2F;c");
  EXPECT_EQ(uri->query, "q=1&r");
  EXPECT_EQ(uri->fragment, "frag");
  EXPECT_TRUE(uri->has_userinfo);
  EXPECT_EQ(uri->origin(), "https://Idp.Example:8443");
}

TEST(Uri, PartsThatAreAbsentAndPartsThatAreEmptyDiffer) {
  EXPECT_EQ(parse("https://h")->query, std::nullopt);
  EXPECT_EQ(parse("https://h?")->query, "");
  EXPECT_EQ(parse("https://h#")->fragment, "");
  EXPECT_EQ(parse("https://h")->path, "");
  EXPECT_EQ(parse("https://h")->effective_port(), 443);
  EXPECT_EQ(parse("http://[::1]:80")->origin(), "http://[::1]:80");
}

class NoUri : public testing::TestWithParam<std::string> {};
TEST_P(NoUri, IsRefused) { EXPECT_FALSE(parse(GetParam())) << GetParam(); }
INSTANTIATE_TEST_SUITE_P(Shapes, NoUri, testing::Values(
    "", "https:", "https://", "https:///p", "//h/p", "/p", "h", "https:/h", "ftp://h", "file:///etc/passwd", "javascript:alert(1)", "urn:x:y",
    " https://h", "https://h ", "https://h/a b", "https://h/\t", "https://h/\n", "https://h\\@evil", "https://h/\\", std::string("https://h/\0", 11),
    "https://h:0", "https://h:", "https://h:65536", "https://h:+1", "https://h:8x", "https://h:080800", "https://h:0443", "https://h:80:90", "https://[::1", "https://[::1]x",
    "https://[::1%25lo]", "https://[127.0.0.1]", "https://[h]", "https://h%2eexample", "https://\xC3\xA9.example", "https://h/\xC3\xA9", "https://h/%",
    "https://h/%4", "https://h/%zz", "https://h/<", "https://h/\"", "https://h/{}", "https://h/|", "https://h/^", "https://h/`", "https://h/[",
    "https://h?[", "https://h#a#b", "https://h\x7F", "https://h/" + std::string(4096, 'a')));

struct Row {
  std::string text;
  bool issuer, resource;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.text; }
class Identifier : public testing::TestWithParam<Row> {};
TEST_P(Identifier, IssuerAndResource) {
  EXPECT_EQ(is_issuer(GetParam().text), GetParam().issuer);
  EXPECT_EQ(is_resource(GetParam().text), GetParam().resource);
}
INSTANTIATE_TEST_SUITE_P(Shapes, Identifier, testing::Values(
    Row{"https://idp.example", true, true},
    Row{"https://idp.example/", true, true},
    Row{"https://idp.example:8443/tenant", true, true},
    Row{"https://idp.example/?q=1", false, true},
    Row{"https://idp.example/#f", false, false},
    Row{"https://idp.example/#", false, false},
    Row{"https://idp.example?", false, true},
    Row{"https://u@idp.example", false, false},
    Row{"http://idp.example", false, false},
    Row{"http://127.0.0.1:8420", true, true},
    Row{"http://127.9.9.9/x", true, true},
    Row{"http://localhost:8420", true, true},
    Row{"http://LOCALHOST", true, true},
    Row{"http://[::1]:8420", true, true},
    Row{"http://[0:0:0:0:0:0:0:1]", true, true},
    Row{"http://127.1", false, false},
    Row{"http://0177.0.0.1", false, false},
    Row{"http://2130706433", false, false},
    Row{"http://128.0.0.1", false, false},
    Row{"http://0.0.0.0", false, false},
    Row{"http://[::ffff:127.0.0.1]", false, false},
    Row{"http://localhost.evil.example", false, false},
    Row{"http://127.0.0.1.evil.example", false, false},
    Row{"http://127.0.0.1@evil.example", false, false},
    Row{"https://h/a/../b", false, false},
    Row{"https://h/a/%2e%2E/b", false, false},
    Row{"https://h/.", false, false},
    Row{"https://h/a/.%2e", false, false},
    Row{"https://h/..a/b..", true, true},
    Row{"mcp://h", false, false}));

struct Redirect {
  std::string registered, requested;
  bool matches;
};
void PrintTo(const Redirect& row, std::ostream* out) { *out << row.registered << " and " << row.requested; }
class RedirectUri : public testing::TestWithParam<Redirect> {};
TEST_P(RedirectUri, Matches) { EXPECT_EQ(redirect_matches(GetParam().registered, GetParam().requested), GetParam().matches); }
INSTANTIATE_TEST_SUITE_P(Rfc8252, RedirectUri, testing::Values(
    Redirect{"https://c.example/cb", "https://c.example/cb", true},
    Redirect{"com.example.app:/cb", "com.example.app:/cb", true},
    Redirect{"https://c.example/cb", "https://c.example/cb/", false},
    Redirect{"https://c.example/cb", "https://c.example:443/cb", false},
    Redirect{"https://c.example/cb", "https://C.example/cb", false},
    Redirect{"https://c.example/cb", "https://c.example/cb?x=1", false},
    Redirect{"http://127.0.0.1/cb", "http://127.0.0.1:5000/cb", true},
    Redirect{"http://127.0.0.1:1/cb", "http://127.0.0.1:5000/cb", true},
    Redirect{"http://127.0.0.1:1/cb", "http://127.0.0.1/cb", true},
    Redirect{"http://[::1]/cb", "http://[::1]:5000/cb", true},
    Redirect{"http://127.0.0.1/cb", "http://127.0.0.1:5000/other", false},
    Redirect{"http://127.0.0.1/cb", "http://127.0.0.1:5000/cb?x=1", false},
    Redirect{"http://127.0.0.1/cb", "http://127.0.0.1:5000/cb#f", false},
    Redirect{"http://127.0.0.1/cb", "http://u@127.0.0.1:5000/cb", false},
    Redirect{"http://127.0.0.1/cb", "http://127.0.0.2:5000/cb", false},
    Redirect{"http://127.0.0.1/cb", "https://127.0.0.1:5000/cb", false},
    Redirect{"http://127.0.0.1/cb", "http://[::1]:5000/cb", false},
    Redirect{"http://localhost/cb", "http://localhost:5000/cb", false},
    Redirect{"https://127.0.0.1/cb", "https://127.0.0.1:5000/cb", false},
    Redirect{"http://127.0.0.1/cb", "http://127.0.0.1:5000\\@evil/cb", false}));

TEST(WellKnown, StandsBetweenHostAndPath) {
  EXPECT_EQ(well_known("https://h", "oauth-authorization-server"), "https://h/.well-known/oauth-authorization-server");
  EXPECT_EQ(well_known("https://h/", "oauth-authorization-server"), "https://h/.well-known/oauth-authorization-server");
  EXPECT_EQ(well_known("https://h:1/t/1", "oauth-authorization-server"), "https://h:1/.well-known/oauth-authorization-server/t/1");
  EXPECT_EQ(well_known("https://h/t/", "oauth-authorization-server"), "https://h/.well-known/oauth-authorization-server/t");
  EXPECT_EQ(well_known("https://h/mcp", "oauth-protected-resource"), "https://h/.well-known/oauth-protected-resource/mcp");
  EXPECT_EQ(well_known("https://h/mcp/", "oauth-protected-resource"), "https://h/.well-known/oauth-protected-resource/mcp/");
  EXPECT_EQ(well_known("https://h/", "oauth-protected-resource"), "https://h/.well-known/oauth-protected-resource");
  EXPECT_EQ(well_known("https://h/mcp?x=1", "oauth-protected-resource"), "https://h/.well-known/oauth-protected-resource/mcp?x=1");
  EXPECT_EQ(well_known("https://h/#f", "oauth-protected-resource"), std::nullopt);
  EXPECT_EQ(well_known("not a uri", "oauth-protected-resource"), std::nullopt);
}

TEST(WellKnown, TheOlderFormIsAppended) {
  EXPECT_EQ(well_known_appended("https://h", "openid-configuration"), "https://h/.well-known/openid-configuration");
  EXPECT_EQ(well_known_appended("https://h/t/", "openid-configuration"), "https://h/t/.well-known/openid-configuration");
  EXPECT_EQ(well_known_appended("https://h/t?x", "openid-configuration"), std::nullopt);
}

TEST(EncodeComponent, LeavesOnlyUnreservedCharacters) { EXPECT_EQ(encode_component("aZ09-._~ /?\xC3\xA9"), "aZ09-._~%20%2F%3F%C3%A9"); }

}  // namespace
}  // namespace writ::uri
