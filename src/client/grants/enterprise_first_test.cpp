#include "client/grants/enterprise_first.h"

#include <gtest/gtest.h>

namespace writ::client {
namespace {

class Scripted final : public TokenSource {
 public:
  Task<Result<GrantedAccess, Failure>> token_for(std::string, Challenge, std::string, StepUp) override {
    ++asked;
    if (failure) co_return unexpected(Failure{*failure, "no", {}, {}, {}, {}});
    co_return GrantedAccess{name, "", "", "", {}, false};
  }
  std::string name;
  std::optional<FailureKind> failure;
  int asked = 0;
};

class TheEnterprisesWay : public testing::Test {
 protected:
  TheEnterprisesWay() { enterprise_.name = "enterprise", own_.name = "own"; }
  Scripted enterprise_, own_;
  EnterpriseFirst first_{enterprise_, own_};
  Result<GrantedAccess, Failure> token(std::string url = "https://mcp.example/mcp") { return run(first_.token_for(std::move(url), {}, "", TokenSource::StepUp::may)); }
};

TEST_F(TheEnterprisesWay, IsGoneWhereTheServerKnowsIt) {
  EXPECT_EQ(token()->access_token, "enterprise");
  EXPECT_EQ(own_.asked, 0);
}
TEST_F(TheEnterprisesWay, GivesWayWhereItIsNotKnown) {
  enterprise_.failure = FailureKind::not_supported;
  EXPECT_EQ(token()->access_token, "own");
}

// IDJAG-133, rules: never offered to whom the enterprise refused.
TEST_F(TheEnterprisesWay, GivesWayToNothingElse) {
  for (const FailureKind kind : {FailureKind::unreachable, FailureKind::bad_metadata, FailureKind::configuration, FailureKind::sign_in_needed, FailureKind::step_up_needed, FailureKind::denied,
                                 FailureKind::refused, FailureKind::protocol, FailureKind::cancelled}) {
    enterprise_.failure = kind;
    const auto granted = token();
    ASSERT_FALSE(granted);
    EXPECT_EQ(granted.error().kind, kind);
  }
  EXPECT_EQ(own_.asked, 0);
}

TEST_F(TheEnterprisesWay, IsNotUnlearned) {
  for (const auto& before : {std::optional<FailureKind>(), std::optional<FailureKind>(FailureKind::denied)}) {
    EnterpriseFirst first(enterprise_, own_);
    enterprise_.failure = before;
    (void)run(first.token_for("https://a.example/mcp", {}, "", TokenSource::StepUp::may));
    enterprise_.failure = FailureKind::not_supported;   // the server changed its mind, or somebody changed it
    EXPECT_FALSE(run(first.token_for("https://a.example/mcp", {}, "", TokenSource::StepUp::may)));
    EXPECT_EQ(own_.asked, 0);
    EXPECT_TRUE(run(first.token_for("https://b.example/mcp", {}, "", TokenSource::StepUp::may))) << "of another server that says nothing";
    own_.asked = 0;
  }
}

}  // namespace
}  // namespace writ::client
