#include "saml/conditions.h"

#include <gtest/gtest.h>

#include <functional>

namespace writ::saml {
namespace {

const Instant kNow = from_unix_seconds(1'795'000'000);

Assertion good_assertion() {
  Assertion is;
  is.id = "_a1", is.issuer = "https://login.corp.example/saml", is.issued = kNow - Seconds{10};
  is.name_id = NameId{"up-carol", {}, {}, {}, {}};
  is.bearers = {{"https://cursor.example/acs", "_r1", std::nullopt, kNow + Seconds{300}}};
  is.has_conditions = true, is.not_before = kNow - Seconds{40}, is.not_on_or_after = kNow + Seconds{300};
  is.audience_restrictions = {{"https://cursor.example/sp"}};
  is.authenticated = kNow - Seconds{70};
  return is;
}
Rules good_rules() { return {"https://login.corp.example/saml", {"https://cursor.example/sp"}, "https://cursor.example/acs", "", Seconds{30}, Seconds{3600}, kNow}; }

std::string outcome_of(const Assertion& assertion, const Rules& rules = good_rules()) {
  const auto checked = check(assertion, rules);
  return checked ? "holds" : std::string(to_string(checked.error()));
}

TEST(Conditions, AGoodOneHolds) {
  const Assertion assertion = good_assertion();
  const auto bearer = check(assertion, good_rules());
  ASSERT_TRUE(bearer);
  EXPECT_EQ((*bearer)->in_response_to, "_r1");
  EXPECT_EQ(forgotten_after(assertion, good_rules()), kNow - Seconds{10} + Seconds{3630});
}

struct Row {
  const char* name;
  std::function<void(Assertion&)> change;
  const char* outcome;
};
class OneChange : public testing::TestWithParam<Row> {};
TEST_P(OneChange, Decides) {
  Assertion assertion = good_assertion();
  GetParam().change(assertion);
  EXPECT_EQ(outcome_of(assertion), GetParam().outcome);
}

const Row kRows[] = {
    {"AnotherIssuer", [](auto& is) { is.issuer += "/"; }, "saml_issuer"},
    {"NoConditions", [](auto& is) { is.has_conditions = false; }, "saml_no_conditions"},
    {"AConditionThatIsNotKnown", [](auto& is) { is.has_unknown_condition = true; }, "saml_condition_unknown"},
    {"NotBeforeJustInside", [](auto& is) { is.not_before = kNow + Seconds{30}; }, "holds"},
    {"NotBeforeJustOutside", [](auto& is) { is.not_before = kNow + Seconds{31}; }, "saml_not_yet_valid"},
    {"NotBeforeAbsent", [](auto& is) { is.not_before.reset(); }, "holds"},
    {"NotOnOrAfterJustInside", [](auto& is) { is.not_on_or_after = kNow - Seconds{29}; }, "holds"},
    {"NotOnOrAfterJustOutside", [](auto& is) { is.not_on_or_after = kNow - Seconds{30}; }, "saml_expired"},
    {"NotOnOrAfterAbsent", [](auto& is) { is.not_on_or_after.reset(); }, "holds"},
    {"IssuedTooLongAgo", [](auto& is) { is.issued = kNow - Seconds{3601}; }, "saml_too_old"},
    {"IssuedJustLongEnoughAgo", [](auto& is) { is.issued = kNow - Seconds{3600}; }, "holds"},
    {"IssuedInTheFuture", [](auto& is) { is.issued = kNow + Seconds{31}; }, "saml_not_yet_valid"},
    {"NoAudience", [](auto& is) { is.audience_restrictions.clear(); }, "saml_audience"},
    {"AnEmptyRestriction", [](auto& is) { is.audience_restrictions = {{}}; }, "saml_audience"},
    {"AnotherAudience", [](auto& is) { is.audience_restrictions = {{"https://other.example/sp"}}; }, "saml_audience"},
    {"OneAudienceOfSeveral", [](auto& is) { is.audience_restrictions[0].push_back("https://other.example/sp"); }, "holds"},
    {"OneRestrictionOfSeveral", [](auto& is) { is.audience_restrictions.push_back({"https://other.example/sp"}); }, "saml_audience"},
    {"NoBearer", [](auto& is) { is.bearers.clear(); }, "saml_no_bearer_confirmation"},
    {"AnotherRecipient", [](auto& is) { is.bearers[0].recipient += "/"; }, "saml_recipient"},
    {"NoRecipient", [](auto& is) { is.bearers[0].recipient.clear(); }, "saml_recipient"},
    {"ASecondBearerThatHolds", [](auto& is) { is.bearers.push_back(is.bearers[0]), is.bearers[0].recipient = "x"; }, "holds"},
    {"ConfirmationEndsNever", [](auto& is) { is.bearers[0].not_on_or_after.reset(); }, "saml_confirmation_times"},
    {"ConfirmationBegins", [](auto& is) { is.bearers[0].not_before = kNow - Seconds{1}; }, "saml_confirmation_times"},
    {"ConfirmationJustInside", [](auto& is) { is.bearers[0].not_on_or_after = kNow - Seconds{29}; }, "holds"},
    {"ConfirmationJustOutside", [](auto& is) { is.bearers[0].not_on_or_after = kNow - Seconds{30}; }, "saml_confirmation_expired"},
    {"NobodySignedIn", [](auto& is) { is.authenticated.reset(); }, "saml_no_authentication"},
    {"SignedInLater", [](auto& is) { is.authenticated = kNow + Seconds{31}; }, "saml_not_yet_valid"},
    {"TheSessionIsOver", [](auto& is) { is.session_ends = kNow; }, "saml_session_over"},
    {"TheSessionIsAlmostOver", [](auto& is) { is.session_ends = kNow + Seconds{1}; }, "holds"},
};
INSTANTIATE_TEST_SUITE_P(Conditions, OneChange, testing::ValuesIn(kRows), [](const auto& row) { return row.param.name; });

TEST(InResponseTo, IsComparedWhereTheQuestionIsKnown) {
  const auto outcome = [](const char* question, const char* answers) {
    Assertion assertion = good_assertion();
    assertion.bearers[0].in_response_to = answers;
    Rules rules = good_rules();
    rules.request_id = question;
    return outcome_of(assertion, rules);
  };
  EXPECT_EQ(outcome("_r1", "_r1"), "holds");
  EXPECT_EQ(outcome("_r1", "_r2"), "saml_in_response_to");
  EXPECT_EQ(outcome("_r1", "_R1"), "saml_in_response_to");
  EXPECT_EQ(outcome("_r1", ""), "saml_in_response_to") << "nobody asked for it";
  EXPECT_EQ(outcome("", "_r2"), "holds") << "the agent compares it itself";
  EXPECT_EQ(outcome("", ""), "holds");
}

TEST(InResponseTo, OneBearerThatAnswersTheQuestionIsEnough) {
  Assertion assertion = good_assertion();
  assertion.bearers.push_back(assertion.bearers[0]);
  assertion.bearers[0].in_response_to = "_other";
  Rules rules = good_rules();
  rules.request_id = "_r1";
  EXPECT_EQ(outcome_of(assertion, rules), "holds");
  assertion.bearers[1].recipient = "x";
  EXPECT_EQ(outcome_of(assertion, rules), "saml_recipient") << "the right question, received elsewhere";
}

}  // namespace
}  // namespace writ::saml
