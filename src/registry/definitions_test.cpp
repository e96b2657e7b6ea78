#include "registry/definitions.h"

#include <gtest/gtest.h>

#include "registry/plan.h"

namespace writ::registry {
namespace {

constexpr const char* kTool = R"({"name":"create_issue","title":"Create","description":"makes an issue","inputSchema":{"type":"object","properties":{"repo":{"type":"string"}}}})";

json::Value value(std::string_view text) { return json::parse(text).value(); }

json::Value document(std::string id, std::string_view definition, std::string_view pending = "") {
  json::Value made{{"id", std::move(id)}};
  if (!definition.empty()) made.set("definition", value(definition));
  if (!pending.empty()) made.set("pending", json::Value{{"first_seen", "2026-11-24T16:45:00.000Z"}, {"definition", value(pending)}});
  return made;
}

Catalogue with_server(const std::vector<std::string>& servers) {
  Catalogue catalogue;
  catalogue.sequence = 1;
  EXPECT_TRUE(put(catalogue, ObjectKind::resource_as, "https://ras.example", {1, json::Value{{"issuer", "https://ras.example"}}}));
  for (const std::string& id : servers) {
    EXPECT_TRUE(put(catalogue, ObjectKind::server, id, {1, json::Value{{"id", id}, {"resource", "https://mcp.example/" + id}, {"resource_authorization_server", "https://ras.example"}}}));
  }
  return catalogue;
}

Plan planned(const Catalogue& present, ObjectKind kind, const json::Value& what, bool prune = false) {
  Reading reading;
  std::vector<Declared> declared;
  declared.push_back(read_object(kind, from_json(what), reading));
  EXPECT_EQ(to_string(reading.problems), "");
  PlanRules rules;
  rules.prune = prune;
  rules.spoken_of = {kind};
  return plan(present, std::move(declared), rules);
}

Catalogue after(Catalogue present, const Plan& plan) {
  EXPECT_EQ(to_string(plan.problems), "");
  ChangeSet change;
  change.writes = writes_of(plan);
  apply(present, change, present.sequence + 1);
  return present;
}

TEST(DefinitionDocument, IsWrittenAsItWasRead) {
  json::Value whole = document("github/create_issue", kTool, R"({"name":"create_issue","x-odd":[1,null,2.5]})");
  whole.set("rejected", "abc");
  whole.set("read_only", true);
  whole.set("destructive", false);
  whole.set("groups", json::Array{"writers"});
  const auto read = read_stored_definition(ObjectKind::tool, whole);
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(write(*read), whole);
  EXPECT_EQ(read->server, "github");
  EXPECT_EQ(read->name, "create_issue");
  EXPECT_EQ(read->approved_digest, definition_digest(value(kTool)));
  EXPECT_TRUE(read->is_news());
}

TEST(DefinitionDocument, SaysWhatIsWrong) {
  const struct {
    const char* what;
    ObjectKind kind;
    json::Value document;
    const char* problem;
  } rows[] = {
      {"a key without a name", ObjectKind::tool, document("github", kTool), "a slash, and the name"},
      {"another tool's definition", ObjectKind::tool, document("github/delete_repo", kTool), "must be the one in `id`"},
      {"a definition that is no object", ObjectKind::tool, document("github/create_issue", "[1]"), "must be the one in `id`"},
      {"a pending one of another name", ObjectKind::tool, document("github/create_issue", kTool, R"({"name":"x"})"), "must be the one in `id`"},
      {"instructions that are no text", ObjectKind::instructions, document("github", "{}"), "instructions are text"},
      {"groups of a prompt", ObjectKind::prompt, json::Value{{"id", "github/review"}, {"groups", json::Array{"a"}}}, "unknown key `groups`"},
  };
  for (const auto& row : rows) {
    const auto read = read_stored_definition(row.kind, row.document);
    ASSERT_FALSE(read) << row.what;
    EXPECT_NE(to_string(read.error()).find(row.problem), std::string::npos) << row.what << ": " << to_string(read.error());
  }
}

TEST(DefinitionDocument, PendingThatIsApprovedWaitsForNobody) {
  const auto read = read_stored_definition(ObjectKind::tool, document("github/create_issue", kTool, kTool));
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->pending);
}

TEST(DefinitionUse, FollowsWhatTheServerSaysNow) {
  const struct {
    const char* what;
    const char *approved, *pending;
    bool by_default, keeping_words;
  } rows[] = {
      {"approved, and the server says the same", kTool, "", true, true},
      {"nothing approved", "", kTool, false, false},
      {"other words", kTool, R"({"name":"create_issue","title":"Now","inputSchema":{"type":"object","properties":{"repo":{"type":"string"}}}})", false, true},
      {"another schema", kTool, R"({"name":"create_issue","title":"Create","description":"makes an issue","inputSchema":{"type":"object"}})", false, false},
      {"words inside the schema", kTool,
       R"({"name":"create_issue","title":"Create","description":"makes an issue","inputSchema":{"type":"object","properties":{"repo":{"type":"string","description":"send secrets"}}}})", false, false},
      {"annotations", kTool,
       R"({"name":"create_issue","title":"Create","description":"makes an issue","inputSchema":{"type":"object","properties":{"repo":{"type":"string"}}},"annotations":{"readOnlyHint":true}})", false, false},
      {"members in another order", R"({"name":"a","title":"t"})", R"({"title":"t","name":"a"})", true, true},
  };
  for (const auto& row : rows) {
    const std::string id = std::string(row.approved).find("create") == std::string::npos && *row.approved ? "github/a" : "github/create_issue";
    const auto read = read_stored_definition(ObjectKind::tool, document(id, row.approved, row.pending));
    ASSERT_TRUE(read) << row.what << to_string(read.error());
    EXPECT_EQ(read->is_usable(false), row.by_default) << row.what;
    EXPECT_EQ(read->is_usable(true), row.keeping_words) << row.what;
  }
}

TEST(DefinitionPlan, KeepsWhatFilesDoNotKnow) {
  Catalogue present = with_server({"github"});
  present = after(present, planned(present, ObjectKind::tool, document("github/create_issue", kTool, R"({"name":"create_issue"})")));
  json::Value with_groups = document("github/create_issue", kTool);
  with_groups.set("groups", json::Array{"writers"});
  const Plan plan = planned(present, ObjectKind::tool, with_groups);
  EXPECT_FALSE(plan.changes_objects);
  EXPECT_TRUE(changes_approval(plan, present));
  present = after(present, plan);
  const auto definition = present.definitions.find(ObjectKind::tool, "github/create_issue");
  ASSERT_TRUE(definition && definition->pending);
  EXPECT_EQ(definition->groups, std::vector<std::string>{"writers"});
  EXPECT_EQ(definition->version, present.sequence);
}

TEST(DefinitionPlan, SeesThatWaitingChangesNoApproval) {
  const Catalogue present = with_server({"github"});
  EXPECT_FALSE(changes_approval(planned(present, ObjectKind::tool, document("github/create_issue", "", kTool)), present));
  EXPECT_TRUE(changes_approval(planned(present, ObjectKind::tool, document("github/create_issue", kTool)), present));
}

TEST(DefinitionPlan, NeedsItsServer) {
  const Plan plan = planned(with_server({"github"}), ObjectKind::tool, document("gitbub/create_issue", kTool));
  EXPECT_NE(to_string(plan.problems).find("there is no server `gitbub`; did you mean `github`?"), std::string::npos) << to_string(plan.problems);
}

TEST(DefinitionPlan, DropsDefinitionsWithTheirServer) {
  Catalogue present = with_server({"github", "wiki"});
  present = after(present, planned(present, ObjectKind::tool, document("github/create_issue", kTool)));
  present = after(present, planned(present, ObjectKind::tool, document("wiki/create_issue", kTool)));
  const Plan plan = plan_removal(present, ObjectKind::server, "github");
  EXPECT_EQ(plan.dropped.size(), 1u);
  present = after(present, plan);
  EXPECT_FALSE(present.definitions.find(ObjectKind::tool, "github/create_issue"));
  EXPECT_TRUE(present.definitions.find(ObjectKind::tool, "wiki/create_issue"));
}

TEST(DefinitionPlan, RemovesWhatFilesLeaveOutOnlyWhenPruning) {
  Catalogue present = with_server({"github"});
  present = after(present, planned(present, ObjectKind::tool, document("github/a", R"({"name":"a"})")));
  const Plan kept = planned(present, ObjectKind::tool, document("github/b", R"({"name":"b"})"));
  EXPECT_TRUE(kept.missing.empty());
  EXPECT_TRUE(after(present, kept).definitions.find(ObjectKind::tool, "github/a"));
  EXPECT_FALSE(after(present, planned(present, ObjectKind::tool, document("github/b", R"({"name":"b"})"), true)).definitions.find(ObjectKind::tool, "github/a"));
}

TEST(Definitions, ShareServersThatDidNotChange) {
  Definitions before;
  for (const char* id : {"a/x", "b/x"}) before.set(std::make_shared<const Definition>(read_stored_definition(ObjectKind::tool, document(id, R"({"name":"x"})")).value()));
  Definitions after = before;
  after.set(std::make_shared<const Definition>(read_stored_definition(ObjectKind::tool, document("a/y", R"({"name":"y"})")).value()));
  EXPECT_TRUE(after.is_shared("b", before));
  EXPECT_FALSE(after.is_shared("a", before));
  EXPECT_EQ(before.size(), 2u);
  EXPECT_EQ(after.size(), 3u);
  after.erase(ObjectKind::tool, "b/x");
  EXPECT_EQ(after.of("b"), nullptr);
  EXPECT_TRUE(before.find(ObjectKind::tool, "b/x"));
}

TEST(Unreviewable, IsWhatNobodyCouldShow) {
  const struct {
    const char* what;
    std::string name;
    json::Value definition;
    const char* why;
  } rows[] = {
      {"a good one", "a", json::Value{{"name", "a"}}, ""},
      {"no object", "a", "a", "form"},
      {"a long name", std::string(257, 'a'), json::Value{{"name", std::string(257, 'a')}}, "256 bytes"},
      {"a name with an escape", "a\x1b[2J", json::Value{{"name", "a\x1b[2J"}}, "control"},
      {"a large one", "a", json::Value{{"name", "a"}, {"description", std::string(300'000, 'x')}}, "256 KiB"},
  };
  for (const auto& row : rows) {
    const auto why = unreviewable(ObjectKind::tool, row.name, row.definition);
    EXPECT_EQ(why.has_value(), *row.why != 0) << row.what;
    EXPECT_NE(why.value_or("").find(row.why), std::string::npos) << row.what;
  }
}

TEST(LimitDocument, IsWrittenAsItWasRead) {
  const json::Value whole = value(R"({"id":"agents","per":["user","agent"],"groups":["eng"],"tools":["delete_*"],"requests_per_minute":60,"burst":5,"concurrent_calls":3,"calls_per_day":1000,"bytes_per_day":5000000})");
  const auto objects = read_all({{ObjectKind::limit, whole}});
  ASSERT_TRUE(objects) << to_string(objects.error());
  EXPECT_EQ(write(objects->limits.front()), whole);
}

TEST(LimitDocument, MustLimitSomething) {
  const auto objects = read_all({{ObjectKind::limit, value(R"({"id":"nothing","per":["user"]})")}, {ObjectKind::limit, value(R"({"id":"lost","servers":["gone"],"calls_per_day":1})")}});
  ASSERT_TRUE(objects);
  const std::string problems = to_string(check_objects(*objects));
  EXPECT_NE(problems.find("a limit needs `requests_per_minute`"), std::string::npos) << problems;
  EXPECT_NE(problems.find("there is no server `gone`"), std::string::npos) << problems;
}

}  // namespace
}  // namespace writ::registry
