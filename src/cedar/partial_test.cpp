#include "cedar/partial.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <random>

#include "cedar/authorize.h"
#include "cedar/partial_evaluator.h"
#include "cedar/print.h"

namespace writ::cedar {
namespace {

EntityUid uid(std::string_view type, std::string_view id) { return EntityUid(type, id); }

PolicySet parse(const std::string& text) {
  auto parsed = PolicySet::parse(text);
  if (!parsed) ADD_FAILURE() << parsed.error().render();
  return std::move(parsed).value();
}

// ---- rules, one by one

struct Case {
  const char* name;
  const char* policies;
  PartialDecision decision;
};

// The context is { agent: Agent::"cursor", ip?: unknown, args: { repo: unknown, force?: unknown, count: 7 } }, the resource some Tool.
class PartialDecisions : public testing::TestWithParam<Case> {};

TEST_P(PartialDecisions, AreWhatEveryCompletionGives) {
  const PolicySet policies = parse(GetParam().policies);
  Arena arena;
  PartialRequest request;
  request.principal = PartialEntity::known(uid("User", "alice"));
  request.action = uid("Action", "call");
  request.resource = PartialEntity::of_type("Tool");
  request.context = PartialValue::record(
      arena, {{"agent", PartialValue::known(Value::entity(arena, uid("Agent", "cursor")))},
              {"ip", PartialValue::unknown(), true},
              {"args", PartialValue::record(arena, {{"repo", PartialValue::unknown()},
                                                    {"force", PartialValue::unknown(), true},
                                                    {"count", PartialValue::known(Value::integer(7))}})}});
  const PartialAnswer answer = authorize_partially(policies, Entities(), request, arena);
  EXPECT_EQ(answer.decision, GetParam().decision);
}

INSTANTIATE_TEST_SUITE_P(
    Cedar, PartialDecisions,
    testing::Values(
        Case{"nothing_permits", "", PartialDecision::deny},
        Case{"a_permit_of_everything", "permit(principal, action, resource);", PartialDecision::allow},
        Case{"a_permit_that_reads_an_unknown", "permit(principal, action, resource) when { context.args.repo == \"x\" };", PartialDecision::undecided},
        Case{"a_known_member_beside_unknown_ones_keeps_its_value", "permit(principal, action, resource) when { context.args.count == 7 };",
             PartialDecision::allow},
        Case{"a_known_member_that_differs", "permit(principal, action, resource) when { context.args.count == 8 };", PartialDecision::deny},
        Case{"a_known_attribute_of_the_context", "permit(principal, action, resource) when { context.agent == Agent::\"other\" };", PartialDecision::deny},
        Case{"false_hides_an_unknown", "permit(principal, action, resource) when { context.args.count > 7 && context.args.repo like \"a*\" };",
             PartialDecision::deny},
        Case{"an_unknown_before_false_is_not_satisfied_either",
             "permit(principal, action, resource) when { context.args.repo like \"a*\" && context.args.count > 7 };", PartialDecision::deny},
        Case{"true_after_an_unknown_that_cannot_fail", "permit(principal, action, resource) when { context.args.repo == \"x\" || true };",
             PartialDecision::allow},
        Case{"true_after_an_unknown_that_can_fail", "permit(principal, action, resource) when { context.args.repo like \"a*\" || true };",
             PartialDecision::undecided},
        Case{"an_optional_unknown_may_be_absent", "permit(principal, action, resource) when { context.args has force };", PartialDecision::undecided},
        Case{"a_certain_unknown_is_present", "permit(principal, action, resource) when { context has args.repo };", PartialDecision::allow},
        Case{"a_closed_record_has_no_other_member", "permit(principal, action, resource) when { context.args has other };", PartialDecision::deny},
        Case{"reading_a_member_that_cannot_be_there_fails", "permit(principal, action, resource) when { context.args.other == 1 };", PartialDecision::deny},
        Case{"an_unknown_resource_of_the_type", "permit(principal, action, resource is Tool);", PartialDecision::allow},
        Case{"an_unknown_resource_of_another_type", "permit(principal, action, resource is Prompt);", PartialDecision::deny},
        Case{"an_unknown_resource_is_not_one_of_another_type", "permit(principal, action, resource == Prompt::\"x\");", PartialDecision::deny},
        Case{"an_unknown_resource_may_be_this_one", "permit(principal, action, resource == Tool::\"x\");", PartialDecision::undecided},
        Case{"an_unknown_resource_may_be_in_a_group", "permit(principal, action, resource in ToolGroup::\"x\");", PartialDecision::undecided},
        Case{"a_certain_forbid_wins_over_an_undecided_permit",
             "permit(principal, action, resource) when { context.args.repo == \"x\" }; forbid(principal, action, resource);", PartialDecision::deny},
        Case{"an_undecided_forbid_over_a_certain_permit",
             "permit(principal, action, resource); forbid(principal, action, resource) when { context.args.repo == \"x\" };", PartialDecision::undecided},
        Case{"an_undecided_forbid_without_any_permit", "forbid(principal, action, resource) when { context.args.repo == \"x\" };", PartialDecision::deny},
        Case{"a_forbid_that_can_only_fail_or_be_false",
             "permit(principal, action, resource); forbid(principal, action, resource) when { context.ip.isLoopback() && false };", PartialDecision::allow},
        Case{"unless_an_unknown", "permit(principal, action, resource) unless { context.args.repo == \"x\" };", PartialDecision::undecided},
        Case{"another_action", "permit(principal, action == Action::\"connect\", resource);", PartialDecision::deny}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PartialEvaluation, ResidualsKeepWhatIsUnknownAndNothingElse) {
  const PolicySet policies = parse(
      "permit(principal == User::\"alice\", action, resource) when { context.agent == Agent::\"cursor\" && context.args.repo == \"x\" && context.args.count < 8 };");
  Arena arena;
  PartialRequest request;
  request.principal = PartialEntity::known(uid("User", "alice"));
  request.action = uid("Action", "call");
  request.context = PartialValue::record(arena, {{"agent", PartialValue::known(Value::entity(arena, uid("Agent", "cursor")))},
                                                 {"args", PartialValue::record(arena, {{"repo", {}}, {"count", PartialValue::known(Value::integer(7))}})}});
  const PartialAnswer answer = authorize_partially(policies, Entities(), request, arena);
  ASSERT_EQ(answer.policies.size(), 1u);
  EXPECT_EQ(print(answer.policies[0].residual), "permit (principal, action, resource)\nwhen { context.args.repo == \"x\" };");
}

TEST(PartialEvaluation, UnknownAttributesOfAKnownPrincipal) {
  EntitiesBuilder builder;
  ASSERT_TRUE(builder.add(uid("User", "alice"), {{"level", Value::integer(1)}}, {uid("Group", "eng")}));
  const auto entities = builder.build();
  ASSERT_TRUE(entities);
  const PolicySet by_level = parse("permit(principal, action, resource) when { principal.level > 3 };");
  const PolicySet by_group = parse("permit(principal in Group::\"eng\", action, resource);");
  Arena arena;
  PartialRequest request;
  request.principal = PartialEntity::known(uid("User", "alice"));
  request.action = uid("Action", "call");
  request.attributes = {{uid("User", "alice"), PartialValue::unknown()}};
  EXPECT_EQ(authorize_partially(by_level, *entities, request, arena).decision, PartialDecision::undecided);
  EXPECT_EQ(authorize_partially(by_group, *entities, request, arena).decision, PartialDecision::allow);
  request.attributes.clear();
  EXPECT_EQ(authorize_partially(by_level, *entities, request, arena).decision, PartialDecision::deny);
}

// ---- the property: a decided answer holds for every completion, and so do outcomes and residuals

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& from) { return from[below(from.size())]; }

 private:
  std::mt19937_64 engine_;
};

// Expressions that mostly make sense and sometimes do not.
class ExpressionMaker {
 public:
  explicit ExpressionMaker(Random& random) : random_(random) {}

  std::string boolean(int depth) {
    if (depth == 0 || random_.one_in(9)) return random_.pick(kBooleans);
    const auto b = [&] { return boolean(depth - 1); };
    const auto a = [&] { return any(depth - 1); };
    switch (random_.below(14)) {
      case 0: return "(" + b() + " && " + b() + ")";
      case 1: return "(" + b() + " || " + b() + ")";
      case 2: return "!(" + b() + ")";
      case 3: return "(if " + b() + " then " + b() + " else " + b() + ")";
      case 4: return "(" + a() + " == " + a() + ")";
      case 5: return "(" + a() + " != " + a() + ")";
      case 6: return "(" + number(depth - 1) + random_.pick(std::vector<std::string>{" < ", " <= ", " > ", " >= "}) + number(depth - 1) + ")";
      case 7: return "(" + entity() + " in " + (random_.one_in(3) ? "[" + entity() + ", " + entity() + "]" : entity()) + ")";
      case 8: return "(" + object() + " has " + random_.pick(kNames) + (random_.one_in(3) ? "." + random_.pick(kNames) : "") + ")";
      case 9: return "(" + a() + " like \"*a*\")";
      case 10: return "(" + entity() + " is " + random_.pick(kTypes) + (random_.one_in(3) ? " in " + entity() : "") + ")";
      case 11: return "[" + a() + ", " + a() + "]." + random_.pick(std::vector<std::string>{"contains", "containsAny", "containsAll"}) + "(" + a() + ")";
      case 12: return entity() + ".hasTag(\"t\")";
      default: return object() + "." + random_.pick(kNames);
    }
  }

 private:
  std::string any(int depth) {
    switch (random_.below(7)) {
      case 0: return number(depth);
      case 1: return entity();
      case 2: return depth > 0 ? boolean(depth - 1) : "true";
      case 3: return "\"a\"";
      case 4: return "{a: " + number(depth) + ", b: " + object() + "}" + (random_.one_in(2) ? ".a" : "");
      case 5: return "decimal(\"1.5\")";
      default: return object() + "." + random_.pick(kNames);
    }
  }
  std::string number(int depth) {
    if (depth > 0 && random_.one_in(4)) return "(" + number(depth - 1) + random_.pick(std::vector<std::string>{" + ", " - ", " * "}) + number(depth - 1) + ")";
    return random_.pick(std::vector<std::string>{"1", "2", "9223372036854775807", "context.a", "context.r.a", "principal.a", "-(context.b)"});
  }
  std::string entity() {
    return random_.pick(std::vector<std::string>{"principal", "resource", "action", "User::\"u\"", "Group::\"g\"", "Tool::\"t\"", "context.b", "context.r.b", "principal.b"});
  }
  std::string object() { return random_.pick(std::vector<std::string>{"context", "context.r", "principal", "resource", "context.b"}); }

  const std::vector<std::string> kNames{"a", "b", "r", "zz"};
  const std::vector<std::string> kTypes{"User", "Group", "Tool", "Action"};
  const std::vector<std::string> kBooleans{"true", "false", "context.c", "context.r.c", "principal.c", "(context.a == 1)", "(1 == 2)"};
  Random& random_;
};

class Scenario {
 public:
  Scenario(Random& random, Arena& arena) : random_(random), arena_(arena) {
    request_.principal = partial_entity(users_);
    request_.resource = partial_entity(tools_);
    request_.action = uid("Action", "call");
    request_.context = partial_record(2);
    if (request_.principal.uid && random_.one_in(2)) request_.attributes.push_back({*request_.principal.uid, random_.one_in(3) ? PartialValue::unknown() : partial_record(1), random_.one_in(2)});
  }
  const PartialRequest& request() const { return request_; }

  Request complete() {
    Request request;
    request.principal = complete(request_.principal);
    request.resource = complete(request_.resource);
    request.action = request_.action;
    request.context = complete_record(request_.context, 2);
    return request;
  }
  // The entities that stand for this scenario; those given with partial attributes are completed.
  Entities complete_entities(std::uint64_t fixed_seed) {
    Random fixed(fixed_seed);
    EntitiesBuilder builder;
    const auto add = [&](const EntityUid& entity, std::vector<EntityUid> parents) {
      std::vector<Member> attributes;
      for (const char* name : {"a", "b", "c", "r"})
        if (fixed.one_in(2)) attributes.push_back({name, value(fixed, 1)});
      std::vector<Member> tags;
      if (fixed.one_in(2)) tags.push_back({"t", value(fixed, 0)});
      for (const PartialAttributes& given : request_.attributes) {
        if (!(given.entity == entity)) continue;
        const Value record = complete_record(given.attributes, 1);
        attributes.assign(record.members().begin(), record.members().end());
      }
      const auto added = builder.add(entity, attributes, std::move(parents), tags);
      ASSERT_TRUE(added) << added.error().text;
    };
    add(uid("User", "u"), {uid("Group", "g")});
    add(uid("User", "v"), {});
    add(uid("Tool", "t"), {uid("Group", "g")});
    add(uid("Action", "call"), {uid("Action", "use")});
    auto built = builder.build();
    EXPECT_TRUE(built);
    return std::move(built).value();
  }

 private:
  PartialEntity partial_entity(const std::vector<EntityUid>& from) {
    switch (random_.below(4)) {
      case 0: return PartialEntity::of_type(random_.pick(from).type());
      case 1: return PartialEntity::unknown();
      default: return PartialEntity::known(random_.pick(from));
    }
  }
  EntityUid complete(const PartialEntity& entity) {
    if (entity.uid) return *entity.uid;
    const std::vector<EntityUid> all{uid("User", "u"), uid("User", "v"), uid("User", "w"), uid("Tool", "t"), uid("Tool", "x"), uid("Group", "g")};
    for (;;) {
      const EntityUid candidate = random_.pick(all);
      if (entity.type.empty() || candidate.type() == entity.type) return candidate;
    }
  }
  PartialValue partial_record(int depth) {
    std::vector<PartialMember> members;
    for (const char* name : {"a", "b", "c", "r"}) {
      if (random_.one_in(4)) continue;
      members.push_back({name, partial_value(depth), random_.one_in(4)});
    }
    return PartialValue::record(arena_, std::move(members), random_.one_in(4) ? PartialValue::Others::possible : PartialValue::Others::none);
  }
  PartialValue partial_value(int depth) {
    switch (random_.below(depth > 0 ? 5 : 4)) {
      case 0: return PartialValue::unknown();
      case 1: return PartialValue::entity_of_type(random_.one_in(2) ? "User" : "");
      case 4: return partial_record(depth - 1);
      default: return PartialValue::known(value(random_, depth));
    }
  }
  Value value(Random& random, int depth) {
    switch (random.below(depth > 0 ? 9 : 7)) {
      case 0: return Value::boolean(true);
      case 1: return Value::boolean(false);
      case 2: return Value::integer(static_cast<std::int64_t>(random.below(3)));
      case 3: return Value::string("a");
      case 4: return Value::entity(arena_, uid("User", random.one_in(2) ? "u" : "v"));
      case 5: return Value::decimal(15000);
      case 6: return Value::entity(arena_, uid("Group", "g"));
      case 7: return Value::set(arena_, {value(random, 0), value(random, 0)});
      default: return Value::record(arena_, {{"a", value(random, depth - 1)}, {"b", value(random, depth - 1)}});
    }
  }
  Value complete_value(const PartialValue& partial, int depth) {
    switch (partial.kind()) {
      case PartialValue::Kind::known: return partial.value();
      case PartialValue::Kind::entity: return Value::entity(arena_, complete(PartialEntity{std::nullopt, partial.entity_type()}));
      case PartialValue::Kind::record: return complete_record(partial, depth);
      case PartialValue::Kind::unknown: break;
    }
    return value(random_, depth);
  }
  Value complete_record(const PartialValue& partial, int depth) {
    std::vector<Member> members;
    for (const PartialMember& member : partial.members())
      if (!member.may_be_absent || random_.one_in(2)) members.push_back({member.key, complete_value(member.value, depth - 1)});
    if (partial.kind() == PartialValue::Kind::unknown || partial.may_have_others())
      for (const char* name : {"a", "b", "c", "r", "zz"})
        if (partial.find(name) == nullptr && random_.one_in(2)) members.push_back({name, value(random_, depth)});
    return Value::record(arena_, std::move(members));
  }

  Random& random_;
  Arena& arena_;
  const std::vector<EntityUid> users_{uid("User", "u"), uid("User", "v")};
  const std::vector<EntityUid> tools_{uid("Tool", "t"), uid("Tool", "x")};
  PartialRequest request_;
};

std::string make_policies(Random& random) {
  ExpressionMaker maker(random);
  const std::vector<std::string> principals{"principal", "principal", "principal == User::\"u\"", "principal in Group::\"g\"", "principal is User"};
  const std::vector<std::string> resources{"resource", "resource", "resource == Tool::\"t\"", "resource is Tool in Group::\"g\""};
  const std::vector<std::string> actions{"action", "action == Action::\"call\"", "action in [Action::\"use\"]"};
  std::string text;
  for (std::size_t i = 0, count = 1 + random.below(4); i < count; ++i) {
    text += random.one_in(3) ? "forbid(" : "permit(";
    text += random.pick(principals) + ", " + random.pick(actions) + ", " + random.pick(resources) + ")";
    // What the index looks at, now and then.
    if (random.one_in(4)) text += " when { context.b == User::\"u\" }";
    for (std::size_t c = random.below(3); c > 0; --c) text += (random.one_in(3) ? " unless { " : " when { ") + maker.boolean(3) + " }";
    text += ";\n";
  }
  return text;
}

// How a policy comes out of a full evaluation.
Possible evaluate_fully(const CompiledPolicy& policy, const Entities& entities, const Request& request, Arena& arena) {
  Evaluator evaluator(request, entities, arena);
  const auto satisfied = is_satisfied(policy, find_request_entities(entities, request), request, evaluator);
  if (!satisfied) return Possible::error();
  return *satisfied ? Possible::true_() : Possible::false_();
}

TEST(PartialEvaluation, EveryCompletionAgreesWithADecidedAnswer) {
  // WRIT_CEDAR_COMPLETIONS=1000000 for the nightly run.
  const char* asked = std::getenv("WRIT_CEDAR_COMPLETIONS");
  const std::size_t completions_wanted = asked == nullptr ? 10'000 : std::strtoull(asked, nullptr, 10);
  constexpr std::size_t kCompletionsPerScenario = 20;
  std::size_t completions = 0, decided = 0, undecided = 0;
  for (std::uint64_t seed = 1; completions < completions_wanted; ++seed) {
    Random random(seed);
    Arena arena;
    const std::string text = make_policies(random);
    const PolicySet policies = parse(text);
    Scenario scenario(random, arena);
    const Entities known = scenario.complete_entities(seed);
    const PartialAnswer partial = authorize_partially(policies, known, scenario.request(), arena);
    ++(partial.decision == PartialDecision::undecided ? undecided : decided);

    for (std::size_t i = 0; i < kCompletionsPerScenario; ++i, ++completions) {
      const Entities entities = scenario.complete_entities(seed);
      const Request request = scenario.complete();
      const std::string where = "seed " + std::to_string(seed) + "\n" + text + "context " + request.context.to_string() + "\nprincipal " + request.principal.to_string() + ", resource " + request.resource.to_string();
      const Answer answer = authorize(policies, entities, request, arena);
      const auto decision = answer.decision == Decision::allow ? PartialDecision::allow : PartialDecision::deny;
      ASSERT_TRUE(partial.decision == PartialDecision::undecided || partial.decision == decision) << where;

      for (const CompiledPolicy& policy : policies.policies()) {
        const Possible full = evaluate_fully(policy, entities, request, arena);
        const auto found = std::find_if(partial.policies.begin(), partial.policies.end(), [&](const ResidualPolicy& each) { return each.policy == &policy; });
        if (found == partial.policies.end()) {
          ASSERT_EQ(full, Possible::false_()) << policy.id() << " was said to be never satisfied; " << where;
          continue;
        }
        const Outcomes& outcomes = found->outcomes;
        ASSERT_TRUE((full == Possible::true_() && outcomes.may_be_satisfied) || (full == Possible::false_() && outcomes.may_not_be_satisfied) ||
                    (full == Possible::error() && outcomes.may_fail))
            << policy.id() << " came out otherwise; " << where;
        if (matches_scope(policy.tree(), find_request_entities(entities, request), request)) {
          const Outcomes& matching = found->where_scope_matches;
          ASSERT_TRUE((full == Possible::true_() && matching.may_be_satisfied) || (full == Possible::false_() && matching.may_not_be_satisfied) ||
                      (full == Possible::error() && matching.may_fail))
              << policy.id() << " came out otherwise where its scope matches; " << where;
        }
        PolicySetBuilder builder;
        ASSERT_TRUE(builder.add("residual", found->residual, std::make_shared<ast::Source>()));
        const PolicySet residual = builder.build();
        ASSERT_EQ(evaluate_fully(residual.policies()[0], entities, request, arena), full)
            << policy.id() << " differs from its residual\n" << print(found->residual) << "\n" << where;
      }
    }
  }
  // Were nearly everything undecided, the property would say little.
  EXPECT_GT(decided * 3, undecided);
}

}  // namespace
}  // namespace writ::cedar
