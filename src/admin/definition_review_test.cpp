#include "admin/definition_review.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "admin/admin_fixture.h"
#include "admin/definition_inbox.h"

namespace writ::admin {
namespace {

using registry::ObjectKind;

json::Value value(std::string_view text) { return json::parse(text).value(); }

class Review : public AdminWorld {
 protected:
  Review() { fill(); }
  void sees(const std::vector<std::string>& definitions, ObjectKind kind = ObjectKind::tool) {
    std::vector<SeenNow> seen;
    for (const std::string& text : definitions) {
      json::Value definition = value(text);
      std::string name = kind == ObjectKind::instructions ? "" : *definition.find_string("name");
      std::string digest = registry::definition_digest(definition);
      seen.push_back({kind, std::move(name), std::move(definition), std::move(digest)});
    }
    EXPECT_TRUE((run<Result<void, Unavailable>>(inbox_of_gateway.keep("files", std::move(seen)))));
  }
  json::Value waiting() { return body_of(call("GET", "/admin/v1/reviews")); }
  http::Response judge_all(const std::string& what, const std::string& token = kAdminToken) {
    json::Array items;
    const json::Value list = waiting();
    for (const json::Value& item : *list.find_array("items")) items.push_back(json::Value{{"kind", *item.find("kind")}, {"id", *item.find("id")}, {"digest", *item.find("digest")}});
    return call("POST", "/admin/v1/reviews/" + what, token, json::write(json::Value{{"items", std::move(items)}, {"reason", "looked at"}}));
  }
  std::shared_ptr<const registry::Definition> tool(const std::string& name) { return registry.get()->tool("files", name); }
  void first_use(const char* setting) {
    const auto done = apply(documents(std::string("servers: [{id: files, resource: https://mcp.example/files, resource_authorization_server: https://ras.example, first_use: ") + setting +
                                      ", scopes: [{name: read}]}]"));
    ASSERT_TRUE(done) << describe(done.error());
  }
  audit::Record last_change() {
    const auto records = log.records();
    for (auto record = records.rbegin(); record != records.rend(); ++record) {
      if (record->event == audit::Event::administration) return *record;
    }
    return {};
  }
  DefinitionInbox inbox_of_gateway{*administration};
};

TEST_F(Review, WhatIsNewWaitsAndIsNotApproved) {
  sees({R"({"name":"get","inputSchema":{"type":"object"}})"});
  const json::Value list = waiting();
  ASSERT_EQ(list.find_array("items")->size(), 1u);
  const json::Value& item = list.find_array("items")->front();
  EXPECT_EQ(*item.find_string("id"), "files/get");
  EXPECT_EQ(*item.find_string("change"), "new");
  EXPECT_FALSE(tool("get")->approved);
  EXPECT_EQ(administration->tools().get()->find("files", "get"), nullptr);
  EXPECT_EQ(last_change().reason, "create");
  EXPECT_EQ(more_of(last_change(), "review"), "held");
  EXPECT_EQ(more_of(last_change(), "actor"), "gateway");
}

TEST_F(Review, ApprovalIsOfWhatWasLookedAt) {
  sees({R"({"name":"get","description":"a"})"});
  const json::Value looked_at = waiting();
  clock.time += Seconds{120};
  sees({R"({"name":"get","description":"b"})"});
  const json::Value& item = looked_at.find_array("items")->front();
  const http::Response late = call("POST", "/admin/v1/reviews/approve", kAdminToken,
                                   json::write(json::Value{{"items", json::Array{json::Value{{"kind", "tools"}, {"id", "files/get"}, {"digest", *item.find("digest")}}}}}));
  EXPECT_GE(late.status, 400);
  EXPECT_NE(late.body.find("look again"), std::string::npos) << late.body;
  EXPECT_FALSE(tool("get")->approved);

  EXPECT_EQ(judge_all("approve").status, 200);
  ASSERT_TRUE(tool("get")->approved);
  EXPECT_EQ(*tool("get")->approved->find_string("description"), "b");
  EXPECT_FALSE(tool("get")->pending);
  EXPECT_EQ(more_of(last_change(), "review"), "approved");
  EXPECT_EQ(more_of(last_change(), "definition_before"), "");
  EXPECT_EQ(more_of(last_change(), "definition_after"), tool("get")->approved_digest);
  EXPECT_EQ(more_of(last_change(), "actor"), "token:ci");
  EXPECT_NE(administration->tools().get()->find("files", "get"), nullptr);
}

TEST_F(Review, AuditorsLookAndDoNotJudge) {
  sees({R"({"name":"get"})"});
  EXPECT_EQ(call("GET", "/admin/v1/reviews", kAuditorToken).status, 200);
  EXPECT_EQ(judge_all("approve", kAuditorToken).status, 403);
  EXPECT_FALSE(tool("get")->approved);
}

TEST_F(Review, WhatWasRejectedIsHeldAndNoNews) {
  sees({R"({"name":"get"})"});
  EXPECT_EQ(judge_all("approve").status, 200);
  clock.time += Seconds{120};
  sees({R"({"name":"get","description":"worse"})"});
  EXPECT_EQ(waiting().find_array("items")->size(), 1u);
  EXPECT_EQ(judge_all("reject").status, 200);
  EXPECT_EQ(more_of(last_change(), "review"), "rejected");
  clock.time += Seconds{120};
  sees({R"({"name":"get","description":"worse"})"});
  EXPECT_EQ(waiting().find_array("items")->size(), 0u);
  EXPECT_FALSE(tool("get")->is_usable(false)) << "the server still says it";
  EXPECT_EQ(body_of(call("GET", "/admin/v1/reviews?rejected=true")).find_array("items")->size(), 1u);
  sees({R"({"name":"get"})"});
  EXPECT_TRUE(tool("get")->is_usable(false)) << "it is again what was approved";
  EXPECT_EQ(more_of(last_change(), "review"), "again_as_approved");
}

TEST_F(Review, FirstUseApprovesTheFirstAndNoChange) {
  first_use("allow");
  sees({R"({"name":"get"})"});
  EXPECT_TRUE(tool("get")->is_usable(false));
  EXPECT_EQ(more_of(last_change(), "review"), "approved");
  EXPECT_EQ(more_of(last_change(), "actor"), "gateway");
  clock.time += Seconds{120};
  sees({R"({"name":"get","description":"worse"})"});
  EXPECT_FALSE(tool("get")->is_usable(false));
  EXPECT_EQ(waiting().find_array("items")->size(), 1u);
}

TEST_F(Review, APolicyThatNoLongerValidatesRefusesTheApprovalAndIsNamed) {
  sees({R"({"name":"get","inputSchema":{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}})"});
  EXPECT_EQ(judge_all("approve").status, 200);
  Change change;
  change.policy = policy::BundleFiles{{"grants.yaml", kGrants},
                                      {"policies/paths.cedar", "@id(\"no-secrets\") forbid(principal, action == Writ::Action::\"files/get\", resource) when { context.args.path == \"secret\" };"}};
  const auto active = apply(std::move(change));
  ASSERT_TRUE(active) << describe(active.error());
  clock.time += Seconds{120};
  sees({R"({"name":"get","inputSchema":{"type":"object","properties":{"path":{"type":"integer"}},"required":["path"]}})"});
  const http::Response refused = judge_all("approve");
  EXPECT_GE(refused.status, 400);
  EXPECT_NE(refused.body.find("no-secrets"), std::string::npos) << refused.body;
  EXPECT_EQ(*tool("get")->approved->find("inputSchema")->find("properties")->find("path")->find_string("type"), "string");
  EXPECT_EQ(judge_all("reject").status, 200) << "which needs no policy";
}

TEST_F(Review, AServerThatInventsNamesFillsItsOwnRoomOnly) {
  std::vector<std::string> names;
  for (int i = 0; i < 700; ++i) names.push_back(R"({"name":"t)" + std::to_string(i) + "\"}");
  sees(names);
  EXPECT_EQ(registry.get()->definitions().size(), 500u);
  const auto full = [&] {
    const auto records = log.records();
    return std::count_if(records.begin(), records.end(), [](const audit::Record& record) { return record.reason == "review_inbox_full"; });
  };
  EXPECT_EQ(full(), 1);
  for (int i = 0; i < 700; ++i) names[static_cast<std::size_t>(i)] = R"({"name":"u)" + std::to_string(i) + "\"}";
  sees(names);
  EXPECT_EQ(registry.get()->definitions().size(), 500u);
  EXPECT_EQ(full(), 1) << "told once";
}

TEST_F(Review, DifferencesShowWhatTheEyeWouldMiss) {
  sees({R"({"name":"get","description":"reads","inputSchema":{"type":"object","properties":{"a":{"type":"string"}}}})"});
  EXPECT_EQ(judge_all("approve").status, 200);
  clock.time += Seconds{120};
  sees({"{\"name\":\"get\",\"description\":\"re\xE2\x80\x8B" "ads\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"\xD0\xB0pi\":{}}}}"});
  const json::Value list = waiting();
  const json::Value& item = list.find_array("items")->front();
  EXPECT_EQ(*item.find_string("change"), "definition");
  EXPECT_EQ(json::write(*item.find("differences")),
            R"([{"at":"/description","before":"reads","after":"re\\u{200B ZERO WIDTH SPACE}ads"},{"at":"/inputSchema/properties/a/type","before":"string","after":"integer"},)"
            R"({"at":"/inputSchema/properties/\\u{0430 CYRILLIC LETTER}pi","after":{}}])");
}

TEST(VisibleText, LeavesOtherScriptsAsTheyAre) {
  const struct {
    const char *text, *shown;
  } rows[] = {
      {"plain", "plain"},
      {"Grüße", "Grüße"},
      {"привет мир", "привет мир"},
      {"p\xD0\xB0ypal", "p\\u{0430 CYRILLIC LETTER}ypal"},
      {"a\xE2\x80\xAE" "b", "a\\u{202E RIGHT-TO-LEFT OVERRIDE}b"},
      {"a\x1b[2J", "a\\u{001B CONTROL}[2J"},
      {"\xF3\xA0\x81\x81", "\\u{E0041 TAG CHARACTER}"},
      {"line\nline", "line\nline"},
  };
  for (const auto& row : rows) EXPECT_EQ(visible(row.text), row.shown);
}

// What a change of one tool costs when there are many: it is announced in the log of the tests, and bounded generously here.
TEST(ManyDefinitions, AChangeOfOneCostsLittle) {
  registry::Catalogue catalogue;
  catalogue.sequence = 1;
  const std::string schema = R"(,"description":"Does something useful with a repository","inputSchema":{"type":"object","properties":{"owner":{"type":"string","description":"the owner"},"repo":{"type":"string","description":"the repository"},"page":{"type":"integer","minimum":1}},"required":["owner","repo"]}})";
  for (int server = 0; server < 50; ++server) {
    const std::string id = "server-" + std::to_string(server);
    ASSERT_TRUE(registry::put(catalogue, ObjectKind::server, id, {1, json::Value{{"id", id}, {"resource", "https://mcp.example/" + id}, {"resource_authorization_server", "https://ras.example"}}}));
    for (int tool = 0; tool < 1'000; ++tool) {
      const std::string name = "tool_" + std::to_string(tool);
      ASSERT_TRUE(registry::put(catalogue, ObjectKind::tool, id + "/" + name, {1, json::Value{{"id", id + "/" + name}, {"definition", value(R"({"name":")" + name + "\"" + schema)}}}));
    }
  }
  const registry::Snapshot before(registry::Objects{}, 1, catalogue.definitions);
  const auto tools = policy::ToolCatalogue::of(catalogue.definitions);
  const auto began = std::chrono::steady_clock::now();
  const Kept kept = keep(catalogue, "server-7", {{ObjectKind::tool, "tool_3", value(R"({"name":"tool_3"})"), registry::definition_digest(value(R"({"name":"tool_3"})"))}}, {}, from_unix_seconds(1));
  const registry::Plan plan = registry::plan(catalogue, kept.declared, {});
  EXPECT_EQ(registry::to_string(plan.problems), "");
  const registry::Snapshot after(before, plan.definitions, 2);
  const auto tools_after = policy::ToolCatalogue::of(after.definitions(), tools.get());
  const double milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
  RecordProperty("milliseconds", std::to_string(milliseconds));
  std::printf("one of 50,000 tools changes: %.2f ms\n", milliseconds);
  EXPECT_TRUE(after.tool("server-7", "tool_3")->pending);
  EXPECT_EQ(after.definitions().size(), 50'000u);
  EXPECT_LT(milliseconds, 100) << "it is a few; the bound is for machines that are busy with something else";
}

}  // namespace
}  // namespace writ::admin
