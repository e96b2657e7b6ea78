#include "cedar/request_validation.h"

#include <gtest/gtest.h>

#include "cedar/value_json.h"

namespace writ::cedar {
namespace {

constexpr const char* kSchema = R"(
  entity User; entity Group; entity Color enum ["red"]; entity Doc;
  action all;
  action view in [all] appliesTo { principal: [User, Color], resource: [Doc, Color],
    context: { n: Long, s?: Set<String>, who?: User, what?: Action, color?: Color, r?: { a: Bool } } };)";

const Schema& schema() {
  static const Schema kParsed = std::move(*Schema::parse(kSchema));
  return kParsed;
}

struct Good {
  EntityUid principal{"User", "a"};
  EntityUid action{"Action", "view"};
  EntityUid resource{"Doc", "a"};
  const char* context = R"({"n": 1})";
};

struct Case {
  const char* name;
  void (*change)(Good&);
  const char* refused_for;   // empty: valid
};

class RequestValidation : public testing::TestWithParam<Case> {};
TEST_P(RequestValidation, Refuses) {
  Good request;
  GetParam().change(request);
  Arena arena;
  // Read without a schema, so that the validator is the only judge.
  const auto context = read_context(*json::parse(request.context), arena);
  ASSERT_TRUE(context);
  const auto valid = validate_request({request.principal, request.action, request.resource, *context}, schema());
  EXPECT_EQ(valid ? "" : to_string(valid.error().problem), GetParam().refused_for) << (valid ? "" : valid.error().detail);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, RequestValidation,
    testing::Values(
        Case{"nothing", [](Good&) {}, ""}, Case{"principal_type", [](Good& r) { r.principal = {"Usr", "a"}; }, "unknown_principal_type"},
        Case{"principal_is_an_action", [](Good& r) { r.principal = {"Action", "view"}; }, "unknown_principal_type"}, Case{"principal_id_not_listed", [](Good& r) { r.principal = {"Color", "blue"}; }, "unknown_principal_id"},
        Case{"principal_id_listed", [](Good& r) { r.principal = {"Color", "red"}; }, ""}, Case{"principal_of_no_use", [](Good& r) { r.principal = {"Group", "a"}; }, "principal_not_applicable"},
        Case{"resource_type", [](Good& r) { r.resource = {"Dok", "a"}; }, "unknown_resource_type"}, Case{"resource_id_not_listed", [](Good& r) { r.resource = {"Color", "blue"}; }, "unknown_resource_id"},
        Case{"resource_of_no_use", [](Good& r) { r.resource = {"User", "a"}; }, "resource_not_applicable"}, Case{"action_unknown", [](Good& r) { r.action = {"Action", "veiw"}; }, "unknown_action"},
        Case{"action_is_a_group", [](Good& r) { r.action = {"Action", "all"}; }, "principal_not_applicable"}, Case{"context_lacks_a_member", [](Good& r) { r.context = "{}"; }, "wrong_context"},
        Case{"context_has_another_member", [](Good& r) { r.context = R"({"n": 1, "x": 1})"; }, "wrong_context"}, Case{"context_member_before_the_first", [](Good& r) { r.context = R"({"n": 1, "a": 1})"; }, "wrong_context"},
        Case{"context_of_another_type", [](Good& r) { r.context = R"({"n": "1"})"; }, "wrong_context"}, Case{"empty_set_fits", [](Good& r) { r.context = R"({"n": 1, "s": []})"; }, ""},
        Case{"set_element_of_another_type", [](Good& r) { r.context = R"({"n": 1, "s": ["a", 1]})"; }, "wrong_context"}, Case{"entity", [](Good& r) { r.context = R"({"n": 1, "who": {"__entity": {"type": "User", "id": "x"}}})"; }, ""},
        Case{"entity_of_another_type", [](Good& r) { r.context = R"({"n": 1, "who": {"__entity": {"type": "Doc", "id": "x"}}})"; }, "wrong_context"},
        Case{"enumerated_id_not_listed", [](Good& r) { r.context = R"({"n": 1, "color": {"__entity": {"type": "Color", "id": "x"}}})"; }, "wrong_context"},
        Case{"action_not_declared", [](Good& r) { r.context = R"({"n": 1, "what": {"__entity": {"type": "Action", "id": "x"}}})"; }, "wrong_context"},
        Case{"action_declared", [](Good& r) { r.context = R"({"n": 1, "what": {"__entity": {"type": "Action", "id": "all"}}})"; }, ""},
        Case{"record_lacks_a_member", [](Good& r) { r.context = R"({"n": 1, "r": {}})"; }, "wrong_context"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(RequestValidationDetail, NamesThePlace) {
  Arena arena;
  const auto context = read_context(*json::parse(R"({"n": 1, "r": {"a": 2}})"), arena);
  const auto valid = validate_request({{"User", "a"}, {"Action", "view"}, {"Doc", "a"}, *context}, schema());
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().detail.substr(0, 33), "`context.r.a` is of another type ");
}

}  // namespace
}  // namespace writ::cedar
