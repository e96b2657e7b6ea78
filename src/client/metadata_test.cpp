#include "client/metadata.h"

#include <gtest/gtest.h>

namespace writ::client {
namespace {

constexpr const char* kUrl = "https://mcp.example/v1/mcp";

struct Resource {
  const char* name;
  const char* resource;
  const char* called;
  bool covered;
};
class ResourceCovers : public testing::TestWithParam<Resource> {};

// MCPA-14, MCPA-15, threat B3: the URL itself, or a prefix on a segment boundary at the same origin; nothing else.
TEST_P(ResourceCovers, TheCalledUrl) { EXPECT_EQ(resource_covers(GetParam().resource, GetParam().called), GetParam().covered); }

INSTANTIATE_TEST_SUITE_P(
    B3, ResourceCovers,
    testing::Values(Resource{"same", kUrl, kUrl, true}, Resource{"root_of_same_origin", "https://mcp.example", kUrl, true},
                    Resource{"root_with_slash", "https://mcp.example/", kUrl, true}, Resource{"parent_segment", "https://mcp.example/v1", kUrl, true},
                    Resource{"parent_segment_with_slash", "https://mcp.example/v1/", kUrl, true},
                    Resource{"half_a_segment", "https://mcp.example/v", kUrl, false}, Resource{"longer", "https://mcp.example/v1/mcp/x", kUrl, false},
                    Resource{"sibling", "https://mcp.example/v2", kUrl, false}, Resource{"other_host", "https://evil.example/v1/mcp", kUrl, false},
                    Resource{"host_as_prefix", "https://mcp.example.evil.example/v1/mcp", kUrl, false},
                    Resource{"other_port", "https://mcp.example:8443/v1/mcp", kUrl, false},
                    Resource{"default_port_written_out", "https://mcp.example:443/v1", kUrl, true},
                    Resource{"other_scheme", "http://mcp.example/v1/mcp", kUrl, false},
                    Resource{"with_query", "https://mcp.example/v1?x=1", kUrl, false}, Resource{"empty", "", kUrl, false}),
    [](const auto& row) { return row.param.name; });

struct Lead {
  const char* name;
  const char* from;
  const char* to;
  bool may;
};
class MayLeadTo : public testing::TestWithParam<Lead> {};

// MCPA-55, B1, N1: https, and loopback only from loopback.
TEST_P(MayLeadTo, AUrlOfAServersDocument) { EXPECT_EQ(may_lead_to(GetParam().from, GetParam().to), GetParam().may); }

INSTANTIATE_TEST_SUITE_P(
    N1, MayLeadTo,
    testing::Values(Lead{"https", kUrl, "https://as.example", true}, Lead{"other_port", kUrl, "https://as.example:8443/x", true}, Lead{"http", kUrl, "http://as.example", false},
                    Lead{"loopback_from_elsewhere", kUrl, "http://127.0.0.1:8080", false}, Lead{"https_loopback_from_elsewhere", kUrl, "https://localhost/x", false},
                    Lead{"ipv6_loopback_from_elsewhere", kUrl, "http://[::1]:80/x", false}, Lead{"name_in_capitals", kUrl, "http://LOCALHOST:1", false},
                    Lead{"other_loopback_address", kUrl, "http://127.9.9.9:1", false}, Lead{"loopback_from_loopback", "http://127.0.0.1:1/mcp", "http://localhost:2", true},
                    Lead{"https_from_loopback", "http://127.0.0.1:1/mcp", "https://as.example", true}, Lead{"http_from_loopback", "http://127.0.0.1:1/mcp", "http://as.example", false},
                    Lead{"file", kUrl, "file:///etc/passwd", false}, Lead{"script", kUrl, "javascript:alert(1)", false}, Lead{"user", kUrl, "https://a@as.example", false},
                    Lead{"fragment", kUrl, "https://as.example/#x", false}, Lead{"empty", kUrl, "", false}),
    [](const auto& row) { return row.param.name; });

std::string metadata(const std::string& issuer, const std::string& extra = "") {
  return R"({"issuer":")" + issuer + R"(","token_endpoint":"https://as.example/token")" + extra + "}";
}

// RFC 8414 §3.3, N6: a document that names another issuer is not used, nor any endpoint of it.
TEST(AuthorizationServerMetadata, IssuerIsComparedByteForByte) {
  EXPECT_TRUE(read_authorization_server(metadata("https://as.example"), "https://as.example"));
  for (const char* other : {"https://as.example/", "https://AS.example", "https://as.example:443", "https://evil.example", ""}) {
    const auto read = read_authorization_server(metadata(other), "https://as.example");
    ASSERT_FALSE(read) << other;
    EXPECT_EQ(read.error().kind, FailureKind::bad_metadata);
  }
}

TEST(AuthorizationServerMetadata, EndpointsMustBeHttpsOrLoopback) {
  const auto read = read_authorization_server(
      metadata("https://as.example", R"x(,"authorization_endpoint":"javascript:alert(1)","jwks_uri":"http://as.example/jwks","userinfo_endpoint":"file:///etc/passwd")x"),
      "https://as.example");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->authorization_endpoint, "");   // B1
  EXPECT_EQ(read->jwks_uri, "");                 // EMA-11
  EXPECT_EQ(read->userinfo_endpoint, "");
}

TEST(AuthorizationServerMetadata, SupportIsTheGrantProfileAlone) {
  EXPECT_FALSE(read_authorization_server(metadata("https://as.example"), "https://as.example")->supports_id_jag());
  EXPECT_TRUE(read_authorization_server(metadata("https://as.example", R"(,"authorization_grant_profiles_supported":["x","urn:ietf:params:oauth:grant-profile:id-jag"])"),
                                        "https://as.example")->supports_id_jag());
}

// MCPA-50, 51, 53: path insertion first, then OpenID; never the root document of an issuer with a path.
TEST(WhereMetadataMayBe, FollowsTheOrderOfTheSpecification) {
  EXPECT_EQ(authorization_server_urls("https://as.example/p"),
            (std::vector<std::string>{"https://as.example/.well-known/oauth-authorization-server/p", "https://as.example/.well-known/openid-configuration/p",
                                      "https://as.example/p/.well-known/openid-configuration"}));
  EXPECT_EQ(authorization_server_urls("https://as.example"),
            (std::vector<std::string>{"https://as.example/.well-known/oauth-authorization-server", "https://as.example/.well-known/openid-configuration"}));
  EXPECT_EQ(authorization_server_urls("https://as.example/"), authorization_server_urls("https://as.example"));
  EXPECT_EQ(protected_resource_urls(kUrl, {}),
            (std::vector<std::string>{"https://mcp.example/.well-known/oauth-protected-resource/v1/mcp", "https://mcp.example/.well-known/oauth-protected-resource"}));
  Challenge challenge{"bearer", {{"resource_metadata", "https://mcp.example/prm"}}};
  EXPECT_EQ(protected_resource_urls(kUrl, challenge), std::vector<std::string>{"https://mcp.example/prm"});
}

TEST(ProtectedResourceMetadata, NeedsAUsableAuthorizationServer) {
  EXPECT_TRUE(read_protected_resource(R"({"resource":"https://mcp.example/v1/mcp","authorization_servers":["https://as.example"]})", kUrl));
  for (const char* servers : {"[]", R"(["http://as.example"])", R"("https://as.example")", R"(["https://as.example?x"])", "null"}) {
    const auto read = read_protected_resource(std::string(R"({"resource":"https://mcp.example/v1/mcp","authorization_servers":)") + servers + "}", kUrl);
    EXPECT_FALSE(read) << servers;
  }
}

// A server that has no document is one thing; one whose document cannot be had is another, and nothing is concluded from it.
TEST(Metadata, IsAbsentOnlyWhereEveryPlaceSaysSo) {
  class Answering final : public http::Outgoing {
   public:
    Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest) override {
      if (status == 0) co_return unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::timeout, "late"});
      co_return http::OutgoingResponse{status, {}, ""};
    }
    int status = 404;
  };
  Answering outgoing;
  const auto resource = [&] { return run(find_protected_resource(outgoing, kUrl, {})); };
  const auto server = [&] { return run(find_authorization_server(outgoing, "https://as.example")); };
  for (const int status : {404, 410}) {
    outgoing.status = status;
    EXPECT_TRUE(resource() && !*resource());
    EXPECT_TRUE(server() && !*server());
  }
  struct Row {
    int status;
    FailureKind kind;
  };
  for (const Row& row : {Row{0, FailureKind::unreachable}, Row{500, FailureKind::unreachable}, Row{503, FailureKind::unreachable}, Row{302, FailureKind::bad_metadata}, Row{401, FailureKind::bad_metadata},
                         Row{403, FailureKind::bad_metadata}, Row{204, FailureKind::bad_metadata}}) {
    outgoing.status = row.status;
    ASSERT_FALSE(resource());
    EXPECT_EQ(resource().error().kind, row.kind) << row.status;
    ASSERT_FALSE(server());
    EXPECT_EQ(server().error().kind, row.kind) << row.status;
  }
}

}  // namespace
}  // namespace writ::client
