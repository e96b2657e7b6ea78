// Authorization details of an ID-JAG (RFC 9396; RAS-22, RAS-23, RAS-71, OB-100, OB-101): understood or refused, narrowed, reflected.
#include "token_service/resource_as/details.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/authorization_detail.h"
#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service::resource_as::test {
namespace {

using json::Array;
using json::Value;

// Everything but details of which `rule` says no.
class DetailPolicy final : public policy::Policy {
 public:
  using Rule = std::function<bool(const Value& detail)>;
  explicit DetailPolicy(Rule rule) : rule_(std::move(rule)) {}
  policy::Decision decide(const policy::Question& question) const override {
    policy::Decision decision;
    decision.allowed = !policy::is_about_detail(question) || rule_(*question.arguments);
    decision.kind = decision.allowed ? policy::Kind::allowed : policy::Kind::no_permit;
    return decision;
  }
  bool could_allow(const policy::Question&) const override { return true; }
  const std::string& version() const override { return version_; }

 private:
  Rule rule_;
  std::string version_ = "v1";
};

struct Redeeming {
  Redeeming() {
    world.change_objects([](registry::Objects& o) {
      o.servers[0].authorization_details_types = {"payment"};
      o.servers[1].authorization_details_types = {"payment", "ticket"};
    });
    allow([](const Value&) { return true; });
  }
  void allow(DetailPolicy::Rule rule) { world.policy.set(std::make_shared<DetailPolicy>(std::move(rule))); }
  void claim(const char* text) { claims.set("authorization_details", *json::parse(text)); }
  Answer redeem(Form more = {}) { return world.redeem(World::signed_id_jag(claims), std::move(more)); }
  World world;
  Value claims = world.good_claims();
};

struct Row {
  std::string name;
  std::function<void(Redeeming&, Form&)> change;
  std::string reason;      // "issued", or why not
  std::string granted{};   // JSON: what the token says
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }
class Details : public testing::TestWithParam<Row> {};

TEST_P(Details, AreUnderstoodNarrowedAndReflected) {
  const Row& row = GetParam();
  Redeeming redeeming;
  Form more;
  row.change(redeeming, more);
  const Answer answer = redeeming.redeem(more);
  EXPECT_EQ(redeeming.world.last_record().reason, row.reason);
  if (row.reason != "issued") {
    EXPECT_EQ(answer.error(), "invalid_authorization_details");
    return;
  }
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  const Value token = redeeming.world.claims_of_access_token(answer);
  const Value* said = answer.body.find("authorization_details");
  ASSERT_NE(said, nullptr);
  EXPECT_EQ(json::write(*said), row.granted);
  const Value* carried = token.find("authorization_details");
  EXPECT_EQ(carried == nullptr ? "[]" : json::write(*carried), row.granted);
  const Answer introspected = redeeming.world.send(World::post("/introspect", Form{{"token", answer.text("access_token")}}, World::basic("cursor-at-ras", kSecret)));
  const Value* there = introspected.body.find("authorization_details");
  EXPECT_EQ(there == nullptr ? "[]" : json::write(*there), row.granted);
}

auto claimed(const char* text) {
  return [text](Redeeming& r, Form&) { r.claim(text); };
}
auto asked(const char* text, const char* parameter) {
  return [text, parameter](Redeeming& r, Form& more) { r.claim(text), more.emplace_back("authorization_details", parameter); };
}
// With both servers in the claim, the request chooses notes.
auto of_two(const char* text) {
  return [text](Redeeming& r, Form& more) { r.claims.set("resource", Array{kNotes, kTickets}), r.claim(text), more.emplace_back("resource", std::string(kNotes)); };
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9396, Details,
    testing::Values(
        Row{"one", claimed(R"([{"type":"payment","actions":["read"]}])"), "issued", R"([{"type":"payment","actions":["read"]}])"},
        Row{"location_here", claimed(R"([{"type":"payment","locations":["https://mcp.larkspur.example/notes"]}])"), "issued", R"([{"type":"payment","locations":["https://mcp.larkspur.example/notes"]}])"},
        Row{"unknown_type", claimed(R"([{"type":"payment"},{"type":"x"}])"), "details_not_understood"},
        Row{"type_of_a_server_that_is_not_granted", claimed(R"([{"type":"ticket"}])"), "details_not_understood"},
        Row{"unknown_member", claimed(R"([{"type":"payment","amount":1}])"), "details_not_understood"},
        Row{"actions_are_a_text", claimed(R"([{"type":"payment","actions":"read"}])"), "details_not_understood"},
        Row{"type_is_a_number", claimed(R"([{"type":1}])"), "malformed_authorization_details"},
        Row{"are_an_object", claimed(R"({"type":"payment"})"), "malformed_authorization_details"},
        Row{"location_elsewhere", claimed(R"([{"type":"payment","locations":["https://mcp.larkspur.example/tickets"]}])"), "details_location_elsewhere"},
        Row{"of_the_other_server_stay_out", of_two(R"([{"type":"ticket"},{"type":"payment"}])"), "issued", R"([{"type":"payment"}])"},
        Row{"located_at_the_other_server_stay_out", of_two(R"([{"type":"payment","locations":["https://mcp.larkspur.example/tickets"]}])"), "issued", "[]"},
        Row{"located_at_both_servers_name_the_one", of_two(R"([{"type":"payment","locations":["https://mcp.larkspur.example/tickets","https://mcp.larkspur.example/notes"]}])"), "issued",
            R"([{"type":"payment","locations":["https://mcp.larkspur.example/notes"]}])"},
        Row{"located_at_a_server_that_does_not_know_the_type", of_two(R"([{"type":"ticket","locations":["https://mcp.larkspur.example/notes"]}])"), "details_not_understood"},
        Row{"request_narrows", asked(R"([{"type":"payment","actions":["read","pay"]}])", R"([{"type":"payment","actions":["read"]}])"), "issued", R"([{"type":"payment","actions":["read"]}])"},
        Row{"request_widens", asked(R"([{"type":"payment","actions":["read"]}])", R"([{"type":"payment","actions":["read","pay"]}])"), "details_parameter_not_granted"},
        Row{"request_leaves_the_restriction_out", asked(R"([{"type":"payment","actions":["read"]}])", R"([{"type":"payment"}])"), "details_parameter_not_granted"},
        Row{"request_is_no_json", asked(R"([{"type":"payment"}])", "payment"), "details_parameter_malformed"},
        Row{"request_of_an_unknown_type", asked(R"([{"type":"payment"}])", R"([{"type":"x"}])"), "details_parameter_malformed"},
        Row{"request_without_a_claim", [](Redeeming&, Form& more) { more.emplace_back("authorization_details", R"([{"type":"payment"}])"); }, "details_parameter_not_granted"},
        Row{"policy_takes_one_away",
            [](Redeeming& r, Form&) {
              r.claim(R"([{"type":"payment","actions":["read"]},{"type":"payment","actions":["pay"]}])");
              r.allow([](const Value& detail) { return *detail.find("actions") == Value(Array{"read"}); });
            },
            "issued", R"([{"type":"payment","actions":["read"]}])"},
        Row{"policy_takes_all_away", [](Redeeming& r, Form&) { r.claim(R"([{"type":"payment"}])"), r.allow([](const Value&) { return false; }); }, "issued", "[]"}),
    [](const auto& row) { return row.param.name; });

TEST(DetailsStory, AreNamedInTheMetadataByTheTypesOfActiveServersHere) {
  World world;
  http::Request request;
  request.method = "GET", request.path = "/.well-known/oauth-authorization-server";
  EXPECT_EQ(world.send(request).body.find("authorization_details_types_supported"), nullptr);
  world.change_objects([](registry::Objects& o) {
    o.servers[0].authorization_details_types = {"ticket", "payment"};
    o.servers[1].authorization_details_types = {"hidden"}, o.servers[1].active = false;
    o.servers[2].authorization_details_types = {"of another authorization server"};
  });
  EXPECT_EQ(json::write(*world.send(request).body.find("authorization_details_types_supported")), R"(["payment","ticket"])");
}

TEST(DetailsStory, LeaveNoTraceWhereThereAreNone) {
  Redeeming redeeming;
  const Answer answer = redeeming.redeem();
  ASSERT_EQ(answer.response.status, 200);
  EXPECT_EQ(answer.body.find("authorization_details"), nullptr);
  EXPECT_EQ(redeeming.world.claims_of_access_token(answer).find("authorization_details"), nullptr);
}

TEST(DetailsStory, AreNotGrantedByRowsOfTheGrantsTable) {
  World world;
  world.change_objects([](registry::Objects& o) { o.servers[0].authorization_details_types = {"payment"}; });
  Value claims = world.good_claims();
  claims.set("authorization_details", Array{Value{{"type", "payment"}}});
  const Answer answer = world.redeem(World::signed_id_jag(claims));
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  EXPECT_EQ(json::write(*answer.body.find("authorization_details")), "[]");
  EXPECT_THAT(world.last_record().more, testing::Contains(testing::Pair(std::string("dropped_details"), "payment")));
}

}  // namespace
}  // namespace writ::token_service::resource_as::test
