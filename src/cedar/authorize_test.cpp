#include "cedar/authorize.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "cedar/parser.h"

namespace writ::cedar {
namespace {

PolicySet parse(const std::string& text) {
  auto parsed = PolicySet::parse(text);
  if (!parsed) ADD_FAILURE() << parsed.error().render();
  return std::move(parsed).value();
}

std::string show(const Answer& answer) {
  std::string out = answer.decision == Decision::allow ? "allow" : "deny";
  for (const CompiledPolicy* policy : answer.determining) out += " " + std::string(policy->id());
  if (!answer.errors.empty()) out += " errors";
  for (const PolicyError& error : answer.errors) out += " " + std::string(error.policy->id());
  return out;
}

std::string decide(const std::string& policies) {
  const PolicySet set = parse(policies);
  Arena arena;
  const Request request{EntityUid("User", "alice"), EntityUid("Action", "view"), EntityUid("Photo", "p"), Value::of_sorted_members({})};
  return show(authorize(set, Entities(), request, arena));
}

TEST(Authorizer, DeniesByDefaultAndForbidWins) {
  const std::string permit = "permit(principal, action, resource);", forbid = "forbid(principal, action, resource);";
  EXPECT_EQ(decide(""), "deny");
  EXPECT_EQ(decide(permit + permit), "allow policy0 policy1");
  EXPECT_EQ(decide(permit + forbid), "deny policy1");
  EXPECT_EQ(decide("permit(principal == User::\"bob\", action, resource);"), "deny");
}

TEST(Authorizer, ReportsErrorsAndSkipsThosePolicies) {
  const std::string failing = "(principal, action, resource) when { context.missing };";
  EXPECT_EQ(decide("permit(principal, action, resource); forbid" + failing), "allow policy0 errors policy1");
  EXPECT_EQ(decide("permit" + failing), "deny errors policy0");
  EXPECT_EQ(decide("permit(principal, action, resource); permit" + failing + "forbid(principal, action, resource);"), "deny policy2 errors policy1");
  EXPECT_EQ(decide("permit(principal, action, resource) when { 1 };"), "deny errors policy0");
  EXPECT_EQ(decide("permit(principal == User::\"bob\", action, resource) when { context.missing };"), "deny") << "a scope that does not match hides what follows";
}

TEST(Authorizer, AnIndexedComparisonWithAnAbsentAttributeIsStillAnError) {
  std::string policies;
  for (int i = 0; i < 20; ++i) policies += "permit(principal, action, resource) when { context.agent == Agent::\"" + std::to_string(i) + "\" };";
  const PolicySet set = parse(policies);
  EXPECT_EQ(set.index().context_attribute(), "agent");
  Arena arena;
  Request request{EntityUid("User", "alice"), EntityUid("Action", "view"), EntityUid("Photo", "p"), Value::of_sorted_members({})};
  EXPECT_EQ(authorize(set, Entities(), request, arena).errors.size(), 20u);
  request.context = Value::record(arena, {{"agent", Value::entity(arena, EntityUid("Agent", "7"))}});
  EXPECT_EQ(show(authorize(set, Entities(), request, arena)), "allow policy7");
  request.context = Value::record(arena, {{"agent", Value::string("7")}});
  EXPECT_EQ(show(authorize(set, Entities(), request, arena)), "deny") << "a value that is no entity differs, and is no error";
}

TEST(Authorizer, MessagesPointAtTheText) {
  const PolicySet set = parse("permit(principal, action, resource)\nwhen { context.missing == 1 };");
  Arena arena;
  const Request request{EntityUid("User", "alice"), EntityUid("Action", "view"), EntityUid("Photo", "p"), Value::of_sorted_members({})};
  const Answer answer = authorize(set, Entities(), request, arena);
  ASSERT_EQ(answer.errors.size(), 1u);
  EXPECT_EQ(answer.errors[0].to_message().summary(), "2:8: there is no attribute `missing`");
}

// The index only narrows: for any policies and request, all of them one by one give the same.
TEST(ScopeIndex, FindsWhatLookingAtEachPolicyFinds) {
  std::mt19937 random(7);
  const auto below = [&random](int bound) { return static_cast<int>(random() % static_cast<unsigned>(bound)); };
  const auto number = [&](const char* type, int bound) { return std::string(type) + "::\"" + std::to_string(below(bound)) + "\""; };
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (int i = 0, count = 1 + below(200); i < count; ++i) {
      const std::string principals[] = {"principal", "principal == " + number("User", 5), "principal in " + number("Group", 6), "principal is User in " + number("Group", 6)};
      const std::string resources[] = {"resource", "resource == " + number("Server", 5), "resource in " + number("Server", 5), "resource is Tool"};
      const std::string actions[] = {"action", "action == " + number("Action", 4), "action in " + number("Action", 4), "action in [" + number("Action", 4) + ", " + number("Action", 4) + "]"};
      const std::string clauses[] = {"", "when { context.agent == " + number("Agent", 4) + " }", "when { " + number("Agent", 4) + " == context.agent && context.flag }", "unless { context.agent == " + number("Agent", 4) + " }",
                                     "when { context.other == " + number("Agent", 4) + " }"};
      text += (below(4) == 0 ? "forbid(" : "permit(") + principals[below(4)] + ", " + actions[below(4)] + ", " + resources[below(4)] + ") " + clauses[below(5)] + ";\n";
    }
    const PolicySet set = parse(text);
    EntitiesBuilder builder;
    for (int i = 0; i < 5; ++i) {
      const std::string id = std::to_string(i), group = std::to_string(below(6));
      ASSERT_TRUE(builder.add(EntityUid("User", id), {}, {EntityUid("Group", group)}));
      ASSERT_TRUE(builder.add(EntityUid("Group", id), {}, i == 0 ? std::vector<EntityUid>{} : std::vector<EntityUid>{EntityUid("Group", "0")}));
      ASSERT_TRUE(builder.add(EntityUid("Tool", id), {}, {EntityUid("Server", group)}));
      ASSERT_TRUE(builder.add(EntityUid("Action", id), {}, i == 3 ? std::vector<EntityUid>{EntityUid("Action", "0")} : std::vector<EntityUid>{}));
    }
    const Entities entities = std::move(builder.build()).value();
    for (int i = 0; i < 20; ++i) {
      Arena arena;
      const auto entity = [&](const char* type) { return EntityUid(type, arena.copy(std::to_string(below(6)))); };
      std::vector<Member> context;
      if (below(4) != 0) context.push_back({"agent", below(5) == 0 ? Value::integer(1) : Value::entity(arena, entity("Agent"))});
      if (below(2) == 0) context.push_back({"flag", Value::boolean(true)});
      const Request request{entity("User"), entity("Action"), below(2) == 0 ? entity("Tool") : entity("Server"), Value::record(arena, context)};
      std::vector<std::string_view> permits, forbids, errors;
      Evaluator evaluator(request, entities, arena);
      for (const CompiledPolicy& policy : set.policies()) {
        const auto satisfied = is_satisfied(policy, find_request_entities(entities, request), request, evaluator);
        if (!satisfied) errors.push_back(policy.id());
        else if (*satisfied) (policy.effect() == ast::Effect::permit ? permits : forbids).push_back(policy.id());
      }
      const Answer answer = authorize(set, entities, request, arena);
      std::vector<std::string_view> determining, failed;
      for (const CompiledPolicy* policy : answer.determining) determining.push_back(policy->id());
      for (const PolicyError& error : answer.errors) failed.push_back(error.policy->id());
      ASSERT_EQ(answer.decision == Decision::allow, forbids.empty() && !permits.empty());
      ASSERT_EQ(determining, forbids.empty() ? permits : forbids) << text;
      ASSERT_EQ(failed, errors) << text;
    }
  }
}

TEST(Templates, AreLinkedExactlyByTheirSlots) {
  const auto parsed = parse_policies("@a(\"b\") permit(principal == ?principal, action, resource in ?resource) when { true };");
  ASSERT_TRUE(parsed);
  PolicySetBuilder builder;
  ASSERT_TRUE(builder.add("t", parsed->policies[0], parsed->source));
  const SlotValues both{EntityUid("User", "alice"), EntityUid("Photo", "p")};
  EXPECT_FALSE(builder.link("t", "l", {both.principal, std::nullopt})) << "a value is missing";
  EXPECT_FALSE(builder.link("other", "l", both)) << "there is no such template";
  ASSERT_TRUE(builder.link("t", "l", both));
  EXPECT_FALSE(builder.link("t", "l", both)) << "the id is taken";
  EXPECT_FALSE(builder.link("t", "t", both)) << "a template has this id";
  EXPECT_FALSE(builder.link("l", "m", both)) << "a link is no template";
  const PolicySet set = builder.build();
  ASSERT_EQ(set.policies().size(), 1u);
  EXPECT_EQ(set.policies()[0].template_id(), "t");
  EXPECT_EQ(set.policies()[0].annotation("a"), "b");
  Arena arena;
  Request request{EntityUid("User", "alice"), EntityUid("Action", "view"), EntityUid("Photo", "p"), Value::of_sorted_members({})};
  EXPECT_EQ(show(authorize(set, Entities(), request, arena)), "allow l");
  request.principal = EntityUid("User", "bob");
  EXPECT_EQ(show(authorize(set, Entities(), request, arena)), "deny");
}

TEST(Reads, NameWhatAPolicyMayLookAt) {
  const PolicySet set = parse(
      "permit(principal, action, resource) when { context.args.repo == \"x\" && context.args has force && principal.level > 1 };"
      "permit(principal, action, resource) when { context.agent.vendor == \"x\" };"
      "permit(principal, action, resource) when { (if true then context else context).args.repo == \"x\" };"
      "permit(principal, action, resource) when { context.args == {} };");
  const auto& policies = set.policies();
  EXPECT_TRUE(policies[0].reads(ast::Variable::context, "args"));
  EXPECT_FALSE(policies[0].reads(ast::Variable::context, "agent"));
  EXPECT_TRUE(policies[0].reads(ast::Variable::principal, "level"));
  EXPECT_EQ(policies[0].members_read(ast::Variable::context, "args").names, (std::vector<std::string_view>{"force", "repo"}));
  EXPECT_FALSE(policies[0].members_read(ast::Variable::context, "args").all);
  EXPECT_FALSE(policies[1].reads(ast::Variable::context, "args"));
  EXPECT_TRUE(policies[2].reads(ast::Variable::context, "args")) << "a context that goes elsewhere is read whole";
  EXPECT_TRUE(policies[2].members_read(ast::Variable::context, "args").all);
  EXPECT_TRUE(policies[3].members_read(ast::Variable::context, "args").all);
}

TEST(PolicySet, IsSharedByThreads) {
  const PolicySet set = parse("permit(principal in Group::\"g\", action, resource) when { [1, 2].contains(context.n) };");
  EntitiesBuilder builder;
  ASSERT_TRUE(builder.add(EntityUid("User", "alice"), {}, {EntityUid("Group", "g")}));
  const Entities entities = std::move(builder.build()).value();
  std::vector<std::thread> threads;
  std::atomic<int> allowed = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Arena arena;
      for (int i = 0; i < 500; ++i, arena.clear()) {
        const Request request{EntityUid("User", "alice"), EntityUid("Action", "a"), EntityUid("R", "r"), Value::record(arena, {{"n", Value::integer(i % 4)}})};
        allowed += authorize(set, entities, request, arena).decision == Decision::allow ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowed, 4 * 250);
}

}  // namespace
}  // namespace writ::cedar
