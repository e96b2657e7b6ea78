// The example of docs/cedar.md.

#include <gtest/gtest.h>

#include "cedar/authorize.h"
#include "cedar/partial.h"

namespace writ {
namespace {

using cedar::EntityUid;
using cedar::Value;

Result<cedar::Entities, cedar::Message> build_entities() {
  cedar::EntitiesBuilder builder;
  TRY(builder.add(EntityUid("User", "alice"), {}, {EntityUid("Group", "eng")}));
  TRY(builder.add(EntityUid("Tool", "create_issue"), {}, {EntityUid("Server", "github")}));
  return builder.build();
}

TEST(CedarReadme, TheExampleDoesWhatItSays) {
  const auto policies = cedar::PolicySet::parse(R"(
  @message("ask for the maintainer group")
  permit(principal in Group::"eng", action == Action::"call", resource in Server::"github")
  when { context.agent == Agent::"cursor" };
  forbid(principal, action, resource) when { context.args.repo like "secret-*" };
)");
  ASSERT_TRUE(policies) << policies.error().render();
  const auto entities = build_entities();
  ASSERT_TRUE(entities);
  cedar::Arena arena;
  cedar::Request request{EntityUid("User", "alice"), EntityUid("Action", "call"), EntityUid("Tool", "create_issue")};
  request.context = Value::record(arena, {{"agent", Value::entity(arena, EntityUid("Agent", "cursor"))}, {"args", Value::record(arena, {{"repo", Value::string("writ")}})}});
  const cedar::Answer answer = cedar::authorize(*policies, *entities, request, arena);
  EXPECT_EQ(answer.decision, cedar::Decision::allow);
  ASSERT_EQ(answer.determining.size(), 1u);
  EXPECT_EQ(answer.determining[0]->annotation("message"), "ask for the maintainer group");
  EXPECT_TRUE(answer.errors.empty());

  using cedar::PartialEntity, cedar::PartialValue;
  const cedar::PartialRequest partial{
      PartialEntity::known(request.principal), request.action, PartialEntity::known(request.resource),
      PartialValue::record(arena, {{"agent", PartialValue::known(Value::entity(arena, EntityUid("Agent", "cursor")))},
                                   {"args", PartialValue::record(arena, {{"repo", PartialValue::unknown()}, {"force", PartialValue::unknown(), /*may_be_absent*/ true}})}}), {}};
  EXPECT_EQ(cedar::authorize_partially(*policies, *entities, partial, arena).decision, cedar::PartialDecision::undecided);
}

}  // namespace
}  // namespace writ
