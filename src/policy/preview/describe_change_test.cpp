#include "policy/preview/describe_change.h"

#include <gtest/gtest.h>

namespace writ::policy::preview {
namespace {

AccessDifference three_people() {
  AccessDifference difference;
  difference.users = {{"usr_1", "alice"}, {"usr_2", "bob"}, {"usr_3", "carol"}};
  return difference;
}

AccessChange change(Access before, Access after, std::vector<Thing> things = {{Thing::Kind::tool, "delete_repo"}}) { return {"github", {"cursor"}, before, after, std::move(things), {0, 1, 2}}; }

struct Case {
  const char* name;
  AccessChange change;
  std::string sentence;
};
class ChangeSentence : public testing::TestWithParam<Case> {};
TEST_P(ChangeSentence, Says) { EXPECT_EQ(describe(GetParam().change, three_people(), {2, 2}), GetParam().sentence); }

AccessChange of_one() {
  AccessChange one = change(Access::always, Access::never);
  one.users = {1};
  one.agents = {"cursor", "desk"};
  return one;
}

INSTANTIATE_TEST_SUITE_P(
    DescribeChange, ChangeSentence,
    testing::Values(
        Case{"loss", change(Access::always, Access::never), "3 people lose github (tool delete_repo) through cursor: alice, bob and 1 more"},
        Case{"loss_of_one", of_one(), "1 person loses github (tool delete_repo) through cursor, desk: bob"},
        Case{"gain", change(Access::never, Access::always), "3 people gain github (tool delete_repo) through cursor: alice, bob and 1 more"},
        Case{"gain_under_conditions", change(Access::never, Access::depends), "3 people gain, under conditions, github (tool delete_repo) through cursor: alice, bob and 1 more"},
        Case{"now_under_conditions", change(Access::always, Access::depends), "3 people keep, but only under conditions, github (tool delete_repo) through cursor: alice, bob and 1 more"},
        Case{"without_conditions", change(Access::depends, Access::always), "3 people have, now without conditions, github (tool delete_repo) through cursor: alice, bob and 1 more"},
        Case{"other_conditions", change(Access::depends, Access::depends), "3 people have, under other conditions than before, github (tool delete_repo) through cursor: alice, bob and 1 more"},
        Case{"many_things", change(Access::always, Access::never, {{Thing::Kind::connect, ""}, {Thing::Kind::scope, "read"}, {Thing::Kind::tool, "a"}, {Thing::Kind::tool, "b"}, {Thing::Kind::tool, "c"}, {Thing::Kind::get_prompt, ""}}),
             "3 people lose github (connect, scope read, 3 tools such as a, b, prompts) through cursor: alice, bob and 1 more"}),
    [](const auto& test) { return test.param.name; });

TEST(DescribeChange, SumsUp) {
  AccessDifference difference = three_people();
  difference.losing = 1;
  EXPECT_EQ(summary(difference), "1 person loses access, nobody gains access");
  difference.losing = 0, difference.gaining = 2, difference.changing = 3;
  EXPECT_EQ(summary(difference), "nobody loses access, 2 people gain access, 3 people under other conditions");
}

}  // namespace
}  // namespace writ::policy::preview
