// EMA-10: the meaning of a scope changes when an administrator moves a tool to another scope, and when a server adds a tool that a scope's pattern covers. A token
// that was granted before does not cover what its scope did not mean then.

#include <gmock/gmock.h>

#include "gateway/gateway_fixture.h"

namespace writ::gateway {
namespace {

using testing::HasSubstr;

class ChangedScopes : public GatewayTest {
 public:
  void map_search_to(std::vector<std::string> scopes) {
    set_objects([&](registry::Objects& all) {
      for (registry::Server& server : all.servers) {
        for (registry::Scope& scope : server.scopes) {
          std::erase(scope.tools, "search_notes");
          if (std::find(scopes.begin(), scopes.end(), scope.name) != scopes.end()) scope.tools.push_back("search_notes");
        }
      }
    });
  }
  std::string with_scope(const char* scope) const {
    return token([scope](json::Value& claims) { claims.set("scope", scope); });
  }
};

TEST_F(ChangedScopes, AToolThatMovedToAnotherScopeAsksForAuthorisationAnew) {
  const std::string before = with_scope("notes:read");
  EXPECT_EQ(send(request("POST", call_text("search_notes"), before)).status, 200);
  map_search_to({"notes:write"});
  const http::Response asked = send(request("POST", call_text("search_notes"), before));
  EXPECT_EQ(asked.status, 403);
  EXPECT_EQ(*asked.headers.find("WWW-Authenticate"), "Bearer error=\"insufficient_scope\", error_description=\"the tool needs another scope\", scope=\"notes:write\", "
                                                     "resource_metadata=\"https://writ.example/.well-known/oauth-protected-resource/mcp/notes\"");
  EXPECT_EQ(last_reason(), "insufficient_scope");
  EXPECT_EQ(send(request("POST", call_text("search_notes"), with_scope("notes:write"))).status, 200);
}

TEST_F(ChangedScopes, OneOfSeveralIsEnoughAndTheLeastIsAskedFor) {
  map_search_to({"notes:write", "notes:admin"});
  EXPECT_THAT(*send(request("POST", call_text("search_notes"), with_scope("notes:read"))).headers.find("WWW-Authenticate"), HasSubstr("scope=\"notes:write\""));
  EXPECT_EQ(send(request("POST", call_text("search_notes"), with_scope("notes:admin"))).status, 200);
}

TEST_F(ChangedScopes, WhatWouldNotBeGrantedIsDeniedWithoutAskingForIt) {
  map_search_to({"notes:admin"});
  set_grants({{"g", "eng", {false, {"cursor"}}, "notes", {false, {"notes:read"}}, {true, {}}}});
  const http::Response denied = send(request("POST", call_text("search_notes"), with_scope("notes:read")));
  EXPECT_EQ(denied.status, 200);
  EXPECT_EQ(denied.headers.count("WWW-Authenticate"), 0u);
  EXPECT_THAT(denied.body, HasSubstr("writ/decision"));
}

TEST_F(ChangedScopes, ACallUnderWayIsEnded) {
  upstream.respond = [this](const http::UpstreamRequest&) { return upstream.events({"id: 1\ndata: \n\n"}, std::nullopt); };
  http::Response response = send(request("POST", call_text("search_notes"), with_scope("notes:read")));
  ASSERT_TRUE(response.stream);
  ASSERT_TRUE(run(executor, response.stream->next()));
  map_search_to({"notes:write"});
  gateway->check_streams(clock.now());
  EXPECT_THAT(read_all(response), HasSubstr("no longer allowed"));
}

TEST_F(ChangedScopes, ANewToolUnderAnOldScopeIsHeldUntilSomebodyLookedAtIt) {
  set_grants({{"g", "eng", {false, {"cursor"}}, "notes", {true, {}}, {true, {}}}});
  const std::string call = call_text("read_salaries");   // notes:read has `read_*`
  EXPECT_THAT(send(request("POST", call, with_scope("notes:read"))).body, HasSubstr("writ/decision"));
  EXPECT_EQ(last_reason(), "not_reviewed");
  EXPECT_TRUE(upstream.requests.empty());
  approve("notes", json::Value{{"name", "read_salaries"}});
  publish();
  EXPECT_THAT(send(request("POST", call, with_scope("notes:read"))).body, HasSubstr("\"ok\":true"));
}

}  // namespace
}  // namespace writ::gateway
