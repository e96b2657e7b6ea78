// The validation table of the resource authorization server, threats C1 to C14, and the cross table of token types (J10). Each row is one
// change to a request that is good; it names the reason that audit must hold and what the caller must hear.
#include "token_service/resource_as/jwt_bearer_grant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "policy/recorded_questions.h"
#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service::resource_as::test {
namespace {

using json::Array;
using json::Object;
using json::Value;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Attempt {
  World& world;
  Value claims;
  std::string type = std::string(oauth::kTypIdJag);
  std::string kid = "idp";
  Form more = {};
  std::string client = "cursor-at-ras";
  std::optional<std::string> assertion = {};   // instead of what claims, type and kid make
};

struct Row {
  std::string name;
  std::function<void(Attempt&)> change;
  std::string reason;
  std::string error = "invalid_grant";
  int status = 400;
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }

Answer make(Attempt& attempt) {
  const std::string assertion =
      attempt.assertion ? *attempt.assertion : jose::sign(key_named(attempt.kid), attempt.type, attempt.claims);
  return attempt.world.send(World::post("/token", World::grant_form(assertion, attempt.more), World::basic(attempt.client, kSecret)));
}

std::function<void(Attempt&)> claim(std::string name, Value value) {
  return [name, value](Attempt& attempt) { attempt.claims.set(name, value); };
}
std::function<void(Attempt&)> without(std::string name) {
  return [name](Attempt& attempt) { attempt.claims.erase(name); };
}
std::function<void(Attempt&)> objects(std::function<void(registry::Objects&)> change) {
  return [change](Attempt& attempt) { attempt.world.change_objects(change); };
}
std::function<void(Attempt&)> parameter(std::string name, std::string value) {
  return [name, value](Attempt& attempt) { attempt.more.emplace_back(name, value); };
}

class Redemption : public testing::TestWithParam<Row> {};

TEST_P(Redemption, IsRefusedForItsReason) {
  const Row& row = GetParam();
  World world;
  const std::string good = world.good_id_jag();
  Attempt attempt{world, world.good_claims()};
  row.change(attempt);
  const std::size_t before = world.log.records().size();
  const Answer answer = make(attempt);

  EXPECT_EQ(world.last_record().reason, row.reason);
  EXPECT_EQ(answer.error(), row.error);
  EXPECT_EQ(answer.response.status, row.status);
  EXPECT_EQ(answer.body.find("access_token"), nullptr);
  ASSERT_NE(answer.response.headers.find_single("Cache-Control"), nullptr);
  EXPECT_EQ(*answer.response.headers.find_single("Cache-Control"), "no-store");
  EXPECT_EQ(world.log.records().size(), before + 1) << "one record for each answer (S1)";
  EXPECT_EQ(world.last_record().effect, audit::Effect::deny);
  EXPECT_EQ(world.last_record().event, audit::Event::access_token);

  // The honest request right after.
  world.set_objects(sample_objects());
  world.clock.seconds = kNow;
  EXPECT_EQ(world.redeem(good).response.status, 200);
}

std::string name_of(const testing::TestParamInfo<Row>& info) { return info.param.name; }

// ---- steps 3 to 7: what is presented, whose it is, and whether it is genuine

std::string none_token(const World& world, std::string_view algorithm) {
  return base64url::encode(R"({"alg":")" + std::string(algorithm) + R"(","typ":"oauth-id-jag+jwt"})") + "." +
         base64url::encode(json::write(world.good_claims())) + ".";
}
std::string with_header(const World& world, std::string header) {
  const std::string input = base64url::encode(header) + "." + base64url::encode(json::write(world.good_claims()));
  return input + "." + base64url::encode(key_named("idp").key.sign(crypto::Algorithm::es256, input));
}

INSTANTIATE_TEST_SUITE_P(
    Assertion, Redemption,
    testing::Values(
        Row{"assertion_is_absent", [](Attempt& a) { a.assertion = ""; }, "assertion_missing", "invalid_request"},
        Row{"assertion_is_no_jwt", [](Attempt& a) { a.assertion = "hello"; }, "not_a_jwt"},
        Row{"assertion_is_encrypted", [](Attempt& a) { a.assertion = "a.b.c.d.e"; }, "jwe_unknown_key"},
        Row{"assertion_is_over_16_kib", claim("padding", std::string(17'000, 'x')), "not_a_jwt"},
        Row{"algorithm_none", [](Attempt& a) { a.assertion = none_token(a.world, "none"); }, "algorithm_not_allowed"},
        Row{"algorithm_None", [](Attempt& a) { a.assertion = none_token(a.world, "NonE"); }, "algorithm_not_allowed"},
        Row{"algorithm_symmetric", [](Attempt& a) { a.assertion = none_token(a.world, "HS256"); }, "algorithm_not_allowed"},
        Row{"algorithm_not_of_this_issuer",
            [](Attempt& a) {
              a.world.issuer_keys.sets[std::string(kIdp)] = std::make_shared<const jose::KeySet>(
                  std::vector{key_named("idp").public_jwk(), key_named("ed", crypto::Algorithm::eddsa).public_jwk()});
              a.kid = "ed";
            },
            "algorithm_not_allowed"},
        Row{"type_is_plain_jwt", [](Attempt& a) { a.type = "JWT"; }, "wrong_type"},
        Row{"type_is_absent", [](Attempt& a) { a.assertion = with_header(a.world, R"({"alg":"ES256","kid":"idp"})"); }, "wrong_type"},
        Row{"type_is_access_token", [](Attempt& a) { a.type = "at+jwt"; }, "wrong_type"},
        Row{"type_is_client_authentication", [](Attempt& a) { a.type = "client-authentication+jwt"; }, "wrong_type"},
        Row{"type_is_logout_token", [](Attempt& a) { a.type = "logout+jwt"; }, "wrong_type"},
        Row{"type_is_dpop_proof", [](Attempt& a) { a.type = "dpop+jwt"; }, "wrong_type"},
        Row{"type_is_a_number",
            [](Attempt& a) { a.assertion = with_header(a.world, R"({"alg":"ES256","kid":"idp","typ":1})"); }, "wrong_type"},
        Row{"critical_header",
            [](Attempt& a) {
              a.assertion = with_header(a.world, R"({"alg":"ES256","kid":"idp","typ":"oauth-id-jag+jwt","crit":[]})");
            },
            "critical_header"},
        Row{"kid_is_unknown", [](Attempt& a) { a.kid = "stranger"; }, "unknown_key"},
        Row{"kid_is_too_long",
            [](Attempt& a) {
              a.assertion = with_header(a.world, R"({"alg":"ES256","typ":"oauth-id-jag+jwt","kid":")" + std::string(257, 'k') + "\"}");
            },
            "malformed_kid"},
        Row{"signed_by_another_key_under_this_kid",
            [](Attempt& a) {
              const jose::SigningKey forged{"idp", crypto::Algorithm::es256, key_named("stranger").key};
              a.assertion = jose::sign(forged, oauth::kTypIdJag, a.claims);
            },
            "bad_signature"},
        Row{"signature_is_cut",
            [](Attempt& a) {
              a.assertion = World::signed_id_jag(a.claims);
              a.assertion->resize(a.assertion->rfind('.') + 1);
            },
            "bad_signature"},
        Row{"key_of_another_trusted_issuer", [](Attempt& a) { a.kid = "foreign"; }, "unknown_key"}),
    name_of);

TEST(RedemptionStory, RefusesEveryFlippedSignatureBit) {
  World world;
  const std::string good = world.good_id_jag();
  const std::size_t dot = good.rfind('.');
  const std::string signature = *base64url::decode(good.substr(dot + 1));
  for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
    std::string flipped = signature;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_EQ(world.redeem(good.substr(0, dot + 1) + base64url::encode(flipped)).error(), "invalid_grant") << bit;
    ASSERT_EQ(world.last_record().reason, "bad_signature") << bit;
  }
  EXPECT_EQ(world.redeem(good).response.status, 200) << "none of them used it up (C7)";
}

// ---- C1, RAS-12: the audience, byte for byte

std::vector<Row> audiences() {
  const std::string us(kRas);
  std::vector<Row> rows;
  int number = 0;
  for (const Value& value : std::vector<Value>{
           us + "/", us + "/token", us + "#", us + "?", us + "/.", "HTTPS://ras.larkspur.example", "https://RAS.larkspur.example",
           "https://ras.larkspur.example:443", "https://x@ras.larkspur.example", "https://ras.larkspur.example.", "http://ras.larkspur.example",
           "https://ras.larkspur.example%2F", "https://r%61s.larkspur.example", us + std::string(1, '\0'), us + "\u200b",
           "https://ra\uff53.larkspur.example", "https://r\u0430s.larkspur.example", " " + us, us + " ", us + "\n", "ras.larkspur.example", "",
           "*", Array{}, Array{us, us}, Array{us, "https://other.example"}, Array{"https://other.example"}, Array{Array{us}}, Array{1},
           Object{{"aud", us}}, 1, true, Value{}, std::string(kIdp), std::string(kNotes)})
    rows.push_back({"audience_" + std::to_string(++number), claim("aud", value), "audience_not_us"});
  rows.push_back({"audience_is_absent", without("aud"), "audience_not_us"});
  return rows;
}
INSTANTIATE_TEST_SUITE_P(C1_Audience, Redemption, testing::ValuesIn(audiences()), name_of);

TEST(RedemptionStory, TakesAnArrayOfExactlyOurIdentifier) {
  World world;
  Value claims = world.good_claims();
  claims.set("aud", Array{kRas});
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims)).response.status, 200);
}

// ---- C2: issuer look-alikes, and no network for a stranger

std::vector<Row> issuers() {
  const std::string idp(kIdp);
  std::vector<Row> rows;
  int number = 0;
  for (const std::string& value : std::vector<std::string>{
           idp + "/", idp + "#", idp + "?", idp + "/.", idp + "/..", "HTTPS://id.larkspur.example", "https://ID.larkspur.example",
           "https://id.larkspur.example:443", "https://x@id.larkspur.example", "https://id.larkspur.example.", "http://id.larkspur.example",
           "https://id.larkspur.example%2F", "https://%69d.larkspur.example", idp + std::string(1, '\0'), idp + "\u200b",
           "https://\u0456d.larkspur.example", "https://i\uff44.larkspur.example", " " + idp, idp + "\t", "id.larkspur.example",
           "https://evil.example", std::string(kNotes)})
    rows.push_back({"issuer_" + std::to_string(++number), claim("iss", value), "issuer_not_trusted"});
  number = 0;
  for (const Value& value : std::vector<Value>{Array{idp}, 1, Value{}, "", Object{}})
    rows.push_back({"issuer_of_another_type_" + std::to_string(++number), claim("iss", value), "issuer_missing"});
  rows.push_back({"issuer_is_absent", without("iss"), "issuer_missing"});
  rows.push_back({"issuer_is_us", claim("iss", kRas), "issuer_is_us"});
  return rows;
}
INSTANTIATE_TEST_SUITE_P(C2_Issuer, Redemption, testing::ValuesIn(issuers()), name_of);

TEST(RedemptionStory, AsksForNoKeysOnBehalfOfAStranger) {
  World world;
  Value claims = world.good_claims();
  claims.set("iss", "https://evil.example");
  world.redeem(World::signed_id_jag(claims));
  EXPECT_EQ(world.issuer_keys.asked.load(), 0);
}

TEST(RedemptionStory, RefusesItsOwnIssuerEvenWhenItIsConfigured) {
  World world;
  world.change_objects([](registry::Objects& o) {
    o.trusted_issuers.push_back(o.trusted_issuers.front());
    o.trusted_issuers.back().issuer = kRas;
  });
  world.issuer_keys.sets[std::string(kRas)] = std::make_shared<const jose::KeySet>(std::vector{key_named("ras").public_jwk()});
  Value claims = world.good_claims();
  claims.set("iss", kRas);
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims, "ras")).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "issuer_is_us");
}

// ---- C3, rules §1.8: disabled, before policy, also for ID-JAGs signed earlier

INSTANTIATE_TEST_SUITE_P(
    C3_Disabled, Redemption,
    testing::Values(Row{"issuer_is_disabled", objects([](auto& o) { o.trusted_issuers[0].active = false; }), "issuer_disabled"},
                    Row{"issuer_is_removed", objects([](auto& o) { o.trusted_issuers.erase(o.trusted_issuers.begin()); }), "issuer_not_trusted"},
                    Row{"user_is_disabled", objects([](auto& o) { o.users[0].active = false; }), "user_disabled"},
                    Row{"user_is_removed", objects([](auto& o) { o.users.erase(o.users.begin()); }), "subject_unknown"},
                    Row{"user_was_signed_out_of_everything",
                        objects([](auto& o) { o.users[0].not_before = from_unix_seconds(kNow + 1); }), "issued_before_not_before"},
                    Row{"server_is_disabled", objects([](auto& o) { o.servers[0].active = false; }), "server_disabled"},
                    Row{"issuer_is_for_other_clients",
                        objects([](auto& o) { o.trusted_issuers[0].all_clients = false, o.trusted_issuers[0].clients = {"robot"}; }),
                        "client_not_allowed", "unauthorized_client"},
                    Row{"issuer_is_for_no_client", objects([](auto& o) { o.trusted_issuers[0].all_clients = false; }),
                        "client_not_allowed", "unauthorized_client"}),
    name_of);

TEST(RedemptionStory, RefusesADisabledClientAtOnce) {
  World world;
  const std::string good = world.good_id_jag();
  world.change_objects([](registry::Objects& o) { o.agents[0].active = false; });
  const Answer answer = world.redeem(good);
  EXPECT_EQ(answer.response.status, 401);
  EXPECT_EQ(world.last_record().reason, "disabled_client");
}

TEST(RedemptionStory, RefusesWhenTheSessionHasEnded) {
  World world;
  ASSERT_TRUE(run(world.revocations->end_session("ses_1", from_unix_seconds(kNow + 1000))));
  EXPECT_EQ(world.redeem(world.good_id_jag()).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "session_ended");
}

// ---- C4: times are integers, in order, and not far apart

std::vector<Row> times() {
  const std::int64_t now = kNow;
  const auto both = [](std::int64_t iat, std::int64_t exp) {
    return [=](Attempt& a) { a.claims.set("iat", iat).set("exp", exp); };
  };
  return {
      {"exp_is_absent", without("exp"), "time_missing"},
      {"iat_is_absent", without("iat"), "time_missing"},
      {"exp_is_a_string", claim("exp", std::to_string(now + 300)), "time_malformed"},
      {"exp_is_a_fraction", claim("exp", static_cast<double>(now) + 300.5), "time_malformed"},
      {"exp_is_huge", claim("exp", 1e300), "time_malformed"},
      {"exp_is_2_to_the_64", claim("exp", 18446744073709551616.0), "time_malformed"},
      {"exp_is_null", claim("exp", Value{}), "time_malformed"},
      {"iat_is_a_string", claim("iat", std::to_string(now)), "time_malformed"},
      {"nbf_is_a_string", claim("nbf", "now"), "time_malformed"},
      {"exp_has_passed_by_the_skew", both(now - 100, now - 30), "expired"},
      {"exp_is_ten_years_ahead", claim("exp", now + 315'360'000), "lives_too_long"},
      {"exp_is_the_largest_integer", claim("exp", std::numeric_limits<std::int64_t>::max()), "lives_too_long"},
      {"life_is_one_second_too_long", both(now, now + 601), "lives_too_long"},
      {"iat_is_past_the_skew_ahead", both(now + 31, now + 300), "issued_in_the_future"},
      {"nbf_is_past_the_skew_ahead", claim("nbf", now + 31), "not_yet_valid"},
      {"exp_is_before_iat", both(now + 20, now + 10), "expires_before_issued"},
      {"exp_is_iat", both(now, now), "expires_before_issued"},
      {"session_has_expired", claim("session_expiry", now), "session_expired"},
      {"session_expiry_is_a_string", claim("session_expiry", "soon"), "malformed_claim"},
  };
}
INSTANTIATE_TEST_SUITE_P(C4_Times, Redemption, testing::ValuesIn(times()), name_of);

TEST(RedemptionStory, TakesTimesJustInsideTheirLimits) {
  for (const auto& [iat, exp] : {std::pair{kNow - 100, kNow - 29}, std::pair{kNow, kNow + 600}, std::pair{kNow + 30, kNow + 300}}) {
    World world;
    Value claims = world.good_claims();
    claims.set("iat", iat).set("exp", exp).set("nbf", kNow + 30);
    EXPECT_EQ(world.redeem(World::signed_id_jag(claims)).response.status, 200) << iat - kNow << " " << exp - kNow;
  }
}

TEST(RedemptionStory, CapsTheLifetimeWhateverTheIssuersRecordSays) {
  World world;
  world.change_objects([](registry::Objects& o) { o.trusted_issuers[0].lifetime_seconds_max = 1'000'000; });
  Value claims = world.good_claims();
  claims.set("exp", kNow + 3'601);
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims)).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "lives_too_long");
  claims.set("exp", kNow + 3'600);
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims)).response.status, 200);
}

TEST(RedemptionStory, AllowsNoMoreSkewThanAMinute) {
  World world([](Settings& s) { s.skew_seconds = 100'000; });
  Value claims = world.good_claims();
  claims.set("iat", kNow - 200).set("exp", kNow - 60);
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims)).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "expired");
  claims.set("exp", kNow - 59);
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims)).response.status, 200);
}

// C4 in its raw spellings, which no writer of JSON of ours would produce.
TEST(RedemptionStory, RefusesNumbersThatOnlyLookLikeTimes) {
  for (const char* exp : {"1e400", "18446744073709551616", "1.8e9", "-0", "01", "0x6B000000", "1795000300.0"}) {
    World world;
    Value claims = world.good_claims();
    claims.set("exp", "EXP");
    std::string payload = json::write(claims);
    payload.replace(payload.find("\"EXP\""), 5, exp);
    const std::string input =
        base64url::encode(R"({"alg":"ES256","kid":"idp","typ":"oauth-id-jag+jwt"})") + "." + base64url::encode(payload);
    const std::string token = input + "." + base64url::encode(key_named("idp").key.sign(crypto::Algorithm::es256, input));
    EXPECT_EQ(world.redeem(token).error(), "invalid_grant") << exp;
    EXPECT_THAT(world.last_record().reason, testing::AnyOf("time_malformed", "not_a_jwt", "expired")) << exp;
  }
}

// ---- C5, C9, C13 and what else the claims may get wrong

INSTANTIATE_TEST_SUITE_P(
    C5_C9_C13_Claims, Redemption,
    testing::Values(
        Row{"jti_is_absent", without("jti"), "malformed_jti"}, Row{"jti_is_empty", claim("jti", ""), "malformed_jti"},
        Row{"jti_is_a_number", claim("jti", 7), "malformed_jti"}, Row{"jti_is_an_array", claim("jti", Array{"a"}), "malformed_jti"},
        Row{"jti_has_257_bytes", claim("jti", std::string(257, 'j')), "malformed_jti"},
        Row{"client_id_is_another_client", claim("client_id", "thief-at-ras"), "client_mismatch"},
        Row{"client_id_is_absent", without("client_id"), "client_mismatch"},
        Row{"client_id_is_an_array", claim("client_id", Array{"cursor-at-ras"}), "client_mismatch"},
        Row{"client_id_differs_in_case", claim("client_id", "Cursor-at-ras"), "client_mismatch"},
        Row{"presented_by_another_client", [](Attempt& a) { a.client = "thief-at-ras"; }, "client_mismatch"},
        Row{"cnf_with_jkt_that_is_no_thumbprint", claim("cnf", Object{{"jkt", "thumbprint"}}), "sender_constrained"},
        Row{"cnf_with_jkt_that_is_a_number", claim("cnf", Object{{"jkt", 7}}), "sender_constrained"},
        Row{"cnf_is_empty", claim("cnf", Object{}), "sender_constrained"},
        Row{"cnf_is_text", claim("cnf", "jkt"), "sender_constrained"},
        Row{"cnf_with_jkt_and_x5t", claim("cnf", Object{{"jkt", std::string(43, 'A')}, {"x5t#S256", "hash"}}), "sender_constrained"},
        Row{"cnf_with_jkt_and_no_proof", claim("cnf", Object{{"jkt", std::string(43, 'A')}}), "proof_absent"},
        Row{"cnf_with_x5t", claim("cnf", Object{{"x5t#S256", "hash"}}), "sender_constrained"},
        Row{"cnf_is_null", claim("cnf", Value{}), "sender_constrained"},
        Row{"sub_is_absent", without("sub"), "subject_missing"}, Row{"sub_is_empty", claim("sub", ""), "subject_missing"},
        Row{"sub_is_an_array", claim("sub", Array{"usr_alice"}), "subject_missing"},
        Row{"sub_is_unknown", claim("sub", "usr_nobody"), "subject_unknown"},
        Row{"sub_is_the_name_instead_of_the_id", claim("sub", "alice"), "subject_unknown"},
        Row{"tenant_that_our_idp_has_not", claim("tenant", "t2"), "tenant_not_expected"},
        Row{"tenant_is_a_number", claim("tenant", 2), "malformed_claim"},
        Row{"acr_is_an_array", claim("acr", Array{"x"}), "malformed_claim"},
        Row{"amr_is_a_string", claim("amr", "pwd"), "malformed_claim"},
        Row{"auth_time_is_negative", claim("auth_time", -1), "malformed_claim"},
        Row{"authorization_details_is_an_object", claim("authorization_details", Object{}), "malformed_authorization_details", "invalid_authorization_details"},
        Row{"authorization_details_without_type", claim("authorization_details", Array{Object{}}), "malformed_authorization_details", "invalid_authorization_details"},
        Row{"authorization_details_instead_of_scope",
            [](Attempt& a) {
              a.claims.erase("scope");
              a.claims.set("authorization_details", Array{Object{{"type", "x"}}});
            },
            "only_authorization_details"}),
    name_of);

// ---- C11, EMA-28, rules §3.2: the resource

INSTANTIATE_TEST_SUITE_P(
    C11_Resource, Redemption,
    testing::Values(
        Row{"resource_is_absent", without("resource"), "resource_missing"},
        Row{"resource_is_a_number", claim("resource", 1), "malformed_resource"},
        Row{"resource_is_empty", claim("resource", ""), "malformed_resource"},
        Row{"resource_is_an_empty_array", claim("resource", Array{}), "malformed_resource"},
        Row{"resource_array_has_a_number", claim("resource", Array{kNotes, 1}), "malformed_resource"},
        Row{"resource_is_unknown", claim("resource", "https://mcp.larkspur.example/other"), "resource_not_registered"},
        Row{"resource_has_a_slash_more", claim("resource", std::string(kNotes) + "/"), "resource_not_registered"},
        Row{"resource_has_a_fragment", claim("resource", std::string(kNotes) + "#x"), "resource_not_registered"},
        Row{"resource_has_dots", claim("resource", "https://mcp.larkspur.example/tickets/../notes"), "resource_not_registered"},
        Row{"resource_is_relative", claim("resource", "/notes"), "resource_not_registered"},
        Row{"resource_of_another_authorization_server", claim("resource", "https://mcp.other.example/"), "resource_of_another_server"},
        Row{"one_of_two_is_not_ours", claim("resource", Array{kNotes, "https://mcp.other.example/"}), "resource_of_another_server"},
        Row{"two_and_the_request_names_none", claim("resource", Array{kNotes, kTickets}), "resource_ambiguous", "invalid_target"},
        Row{"parameter_names_another", parameter("resource", std::string(kTickets)), "resource_parameter_not_granted", "invalid_target"},
        Row{"parameter_has_a_fragment", parameter("resource", std::string(kNotes) + "#"), "resource_parameter_not_granted", "invalid_target"},
        Row{"parameter_stands_twice",
            [](Attempt& a) { a.more = {{"resource", std::string(kNotes)}, {"resource", std::string(kNotes)}}; },
            "resource_parameter_repeated", "invalid_target"}),
    name_of);

TEST(RedemptionStory, ChoosesAmongSeveralResourcesByTheParameter) {
  World world;
  Value claims = world.good_claims();
  claims.set("resource", Array{kNotes, kTickets}).set("scope", "notes:read tickets:read");
  const Answer answer = world.redeem(World::signed_id_jag(claims), {{"resource", std::string(kTickets)}});
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  EXPECT_EQ(*world.claims_of_access_token(answer).find_string("aud"), kTickets);
  EXPECT_EQ(answer.text("resource"), kTickets);
  EXPECT_EQ(answer.text("scope"), "tickets:read") << "a token has the scopes of its own server only";
}

TEST(RedemptionStory, DefaultsToOneResourceWhereThatIsConfigured) {
  World world([](Settings& s) { s.default_resource = kNotes; });
  Value claims = world.good_claims();
  claims.erase("resource");
  EXPECT_EQ(*world.claims_of_access_token(world.redeem(World::signed_id_jag(claims))).find_string("aud"), kNotes);
}

// ---- C10, EMA-9, EMA-29, rules §3.3: scopes

INSTANTIATE_TEST_SUITE_P(
    C10_Scope, Redemption,
    testing::Values(
        Row{"claim_names_an_unregistered_scope", claim("scope", "notes:read root"), "scope_not_registered"},
        Row{"claim_names_a_scope_of_another_server", claim("scope", "tickets:read"), "scope_not_registered"},
        Row{"claim_is_an_array", claim("scope", Array{"notes:read"}), "malformed_scope"},
        Row{"claim_is_empty", claim("scope", ""), "malformed_scope"},
        Row{"claim_is_separated_by_a_tab", claim("scope", "notes:read\tnotes:write"), "malformed_scope"},
        Row{"claim_is_separated_by_a_newline", claim("scope", "notes:read\nnotes:write"), "malformed_scope"},
        Row{"claim_is_separated_by_nbsp", claim("scope", "notes:read\u00a0notes:write"), "malformed_scope"},
        Row{"claim_has_two_spaces", claim("scope", "notes:read  notes:write"), "malformed_scope"},
        Row{"claim_ends_in_a_space", claim("scope", "notes:read "), "malformed_scope"},
        Row{"parameter_has_nbsp", parameter("scope", "notes:read\u00a0notes:admin"), "scope_parameter_malformed", "invalid_scope"},
        Row{"parameter_asks_for_nothing_that_was_granted", parameter("scope", "notes:admin"), "no_grantable_scope", "invalid_scope"},
        Row{"policy_grants_none_of_the_claim", claim("scope", "notes:admin"), "no_grantable_scope", "invalid_scope"}),
    name_of);

std::string granted_scope(World& world, const Value& claims, Form more = {}) {
  const Answer answer = world.redeem(World::signed_id_jag(claims), std::move(more));
  EXPECT_EQ(answer.response.status, 200) << answer.response.body;
  const Value token = world.claims_of_access_token(answer);
  EXPECT_EQ(answer.text("scope"), *token.find_string("scope"));
  return answer.text("scope");
}

TEST(C10_Scope, IsTheIntersectionOfParameterClaimAndPolicy) {
  World world;
  Value claims = world.good_claims();
  EXPECT_EQ(granted_scope(world, claims), "notes:read notes:write");
  claims = world.good_claims();
  EXPECT_EQ(granted_scope(world, claims, {{"scope", "notes:write notes:admin unknown"}}), "notes:write");
  claims = world.good_claims();
  claims.set("scope", "notes:read notes:admin");
  EXPECT_EQ(granted_scope(world, claims), "notes:read") << "policy does not grant notes:admin";
  EXPECT_THAT(world.last_record().more, testing::Contains(std::pair<std::string, std::string>("dropped_scopes", "notes:admin")));
  EXPECT_EQ(world.last_record().action, "grant_scope");
  EXPECT_EQ(world.last_record().acr, "urn:mfa");
  EXPECT_EQ(world.last_record().amr, "pwd,otp");
}

TEST(C10_Scope, WithoutAClaimIsWhatTheServerGivesByDefault) {
  World world;
  Value claims = world.good_claims();
  claims.erase("scope");
  EXPECT_EQ(granted_scope(world, claims), "notes:read");
  claims.set("jti", "another");
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims), {{"scope", "notes:write"}}).error(), "invalid_scope");
  EXPECT_EQ(world.last_record().reason, "no_grantable_scope");
}

TEST(C10_Scope, CanDefaultToTheServersInsteadOfTheClaims) {
  World world([](Settings& s) { s.no_scope_asked = Settings::NoScopeAsked::server_default; });
  EXPECT_EQ(granted_scope(world, world.good_claims()), "notes:read");
}

TEST(C10_Scope, StaysBelowTheIssuersCeiling) {
  World world;
  world.change_objects([](registry::Objects& o) { o.trusted_issuers[1].scope_ceiling = {"notes:read"}; });
  Value claims = world.good_claims();
  claims.set("iss", kForeignIdp).set("sub", "00u1");
  const Answer answer = world.redeem(World::signed_id_jag(claims, "foreign"));
  EXPECT_EQ(answer.text("scope"), "notes:read");
  EXPECT_THAT(world.last_record().more, testing::Contains(std::pair<std::string, std::string>("above_ceiling", "notes:write")));
}

// ---- policy (step 15)

TEST(Policy, DenialHasACodeAndBurnsNothing) {
  World world;
  Value claims = world.good_claims();
  claims.set("sub", "usr_bob");
  const std::string id_jag = World::signed_id_jag(claims);
  const Answer answer = world.redeem(id_jag);
  EXPECT_EQ(answer.response.status, 400);
  EXPECT_EQ(answer.error(), "access_denied");
  EXPECT_EQ(world.last_record().reason, "no_permit");
  EXPECT_EQ(world.last_record().user, "usr_bob");
  EXPECT_EQ(world.last_record().policy_version, "v1");
  const auto asked = policy::read_recorded_questions(json::parse(audit::to_json_line(world.last_record(), 1, "n")).value());
  ASSERT_TRUE(asked);
  ASSERT_EQ(asked->questions.size(), 1u) << "no scope was asked after that";
  EXPECT_FALSE(asked->questions[0].allowed);
  EXPECT_GT(asked->object_sequence, 0u);
  const auto position = audit::parse_denial_code(answer.text("denial_code"));
  ASSERT_TRUE(position);
  EXPECT_EQ(position->position, 1u);

  world.change_objects([](registry::Objects& o) { o.users[1].groups = {"eng"}; });
  EXPECT_EQ(world.redeem(id_jag).response.status, 200) << "a denial does not use the ID-JAG up (rules §3.5)";
}

TEST(Policy, DenialMayBeSpelledInvalidGrant) {
  World world([](Settings& s) { s.policy_denial = Settings::PolicyDenial::invalid_grant; });
  Value claims = world.good_claims();
  claims.set("sub", "usr_bob");
  const Answer answer = world.redeem(World::signed_id_jag(claims));
  EXPECT_EQ(answer.error(), "invalid_grant");
  EXPECT_THAT(answer.text("denial_code"), Not(IsEmpty()));
}

TEST(Policy, IsDenyUntilThereIsOne) {
  World world;
  world.policy.set(std::make_shared<policy::GrantsTable>(std::vector<policy::AccessGrant>{}, "empty"));
  EXPECT_EQ(world.redeem(world.good_id_jag()).error(), "access_denied");
}

// ---- J10: every kind of token as an assertion, although its key is one that is trusted

TEST(J10_TypeConfusion, NoOtherTokenIsAnIdJag) {
  World world;
  const Answer issued = world.redeem(world.good_id_jag());
  const Value claims = world.good_claims();
  const std::vector<std::pair<std::string, std::string>> tokens = {
      {"id token", jose::sign(key_named("idp"), oauth::kTypIdToken, claims)},
      {"access token of our own", issued.text("access_token")},
      {"access token by the idp", jose::sign(key_named("idp"), oauth::kTypAccessToken, claims)},
      {"client assertion", jose::sign(key_named("robot"), oauth::kTypClientAuthentication, world.good_assertion_claims())},
      {"logout token", jose::sign(key_named("idp"), "logout+jwt", claims)},
      {"dpop proof", jose::sign(key_named("idp"), "dpop+jwt", claims)},
      {"plain jwt", jose::sign(key_named("idp"), "JWT", claims)},
  };
  for (const auto& [name, token] : tokens) {
    EXPECT_EQ(world.redeem(token).error(), "invalid_grant") << name;
    EXPECT_EQ(world.last_record().reason, "wrong_type") << name;
  }
}

TEST(J10_TypeConfusion, TheTypeComparesAsAMediaType) {
  for (const char* type : {"oauth-id-jag+jwt", "OAuth-ID-JAG+JWT", "application/oauth-id-jag+jwt"}) {
    World world;
    EXPECT_EQ(world.redeem(jose::sign(key_named("idp"), type, world.good_claims())).response.status, 200) << type;
  }
}

// ---- C6, C7, C8: replay

TEST(C6_Replay, TheSecondUseIsRefusedWithItsOwnReason) {
  World world;
  const std::string id_jag = world.good_id_jag();
  EXPECT_EQ(world.redeem(id_jag).response.status, 200);
  const Answer again = world.redeem(id_jag);
  EXPECT_EQ(again.error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "replayed");
  EXPECT_THAT(world.last_record().access_token_jti, IsEmpty());
  EXPECT_EQ(world.log.records().size(), 2u);
}

TEST(C6_Replay, ANewSignatureOverTheSameJtiIsTheSameIdJag) {
  World world;
  Value claims = world.good_claims();
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims)).response.status, 200);
  claims.set("iat", kNow - 1);
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims)).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "replayed");
}

// J5: other spellings of a used ID-JAG. Those that are no canonical token fail as such; the twin (r, n − s), whose signature is as good as
// the first, meets the key of (issuer, jti), which no spelling changes.
TEST(C6_Replay, NoTwinOfAUsedIdJagIsAnotherOne) {
  World world;
  const std::string good = world.good_id_jag();
  const std::size_t dot = good.rfind('.');
  std::string signature = *base64url::decode(good.substr(dot + 1));
  ASSERT_EQ(signature.size(), 64u);
  const std::string order = *base64::decode("/////wAAAAD//////////7zm+q2nF56E87nKwvxjJVE=");   // of P-256
  int borrow = 0;
  for (int i = 31; i >= 0; --i) {
    const int difference = static_cast<unsigned char>(order[i]) - static_cast<unsigned char>(signature[32 + i]) - borrow;
    signature[32 + i] = static_cast<char>(difference & 0xFF);
    borrow = difference < 0;
  }
  const std::string twin = good.substr(0, dot + 1) + base64url::encode(signature);
  ASSERT_NE(twin, good);

  EXPECT_EQ(world.redeem(good).response.status, 200);
  EXPECT_EQ(world.redeem(twin).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "replayed");
  std::string other_alphabet = good;
  other_alphabet.back() = '+';
  for (const std::string& spelling : {good + "=", good + "==", " " + good, good + " ", good + ".", "\t" + good, other_alphabet}) {
    EXPECT_EQ(world.redeem(spelling).error(), spelling[0] == '\t' ? "invalid_request" : "invalid_grant") << spelling;
    EXPECT_THAT(world.last_record().reason, testing::AnyOf("not_a_jwt", "malformed_form")) << spelling;
  }
}

TEST(C6_Replay, IsRememberedUntilTheLastMomentOfTheSkew) {
  World world;
  const std::string id_jag = world.good_id_jag();
  EXPECT_EQ(world.redeem(id_jag).response.status, 200);
  world.clock.seconds = kNow + 300 + 29;
  EXPECT_EQ(world.redeem(id_jag).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "replayed");
}

TEST(C6_Replay, TwoHundredInParallelGetOneToken) {
  World world;
  const std::string id_jag = world.good_id_jag();
  const http::Request request = World::grant_request(id_jag);
  std::atomic<int> issued = 0, refused = 0;
  std::atomic<bool> go = false;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      while (!go) std::this_thread::yield();
      for (int i = 0; i < 25; ++i) {
        const http::Response response = run(world.router.handle(request));
        (response.status == 200 ? issued : refused)++;
      }
    });
  }
  go = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(issued, 1);
  EXPECT_EQ(refused, 199);
  const auto records = world.log.records();
  EXPECT_EQ(records.size(), 200u) << "one record each (S1)";
  EXPECT_EQ(std::count_if(records.begin(), records.end(), [](const auto& r) { return r.effect == audit::Effect::allow; }), 1);
  EXPECT_EQ(std::count_if(records.begin(), records.end(), [](const auto& r) { return r.reason == "replayed"; }), 199);
}

TEST(C6_Replay, MayBeAllowedToTheSameClientAndEachUseIsOnRecord) {
  World world;
  world.change_objects([](registry::Objects& o) {
    o.trusted_issuers[0].replay = registry::TrustedIssuer::Replay::same_client_until_expiry;
  });
  const std::string id_jag = world.good_id_jag();
  const Answer first = world.redeem(id_jag), second = world.redeem(id_jag);
  EXPECT_EQ(first.response.status, 200);
  EXPECT_EQ(second.response.status, 200);
  EXPECT_NE(first.text("access_token"), second.text("access_token"));
  EXPECT_EQ(world.log.records().size(), 2u);
  // Another client still gets nothing, and after the expiry nobody does.
  EXPECT_EQ(world.send(World::post("/token", World::grant_form(id_jag), World::basic("thief-at-ras", kSecret))).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "client_mismatch");
  world.clock.seconds = kNow + 330;
  EXPECT_EQ(world.redeem(id_jag).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "expired");
}

TEST(C7_Burning, AForgeryAndAThiefDoNotUseTheOwnersIdJagUp) {
  World world;
  const Value claims = world.good_claims();
  const std::string good = World::signed_id_jag(claims);
  const jose::SigningKey forged{"idp", crypto::Algorithm::es256, key_named("stranger").key};
  EXPECT_EQ(world.redeem(jose::sign(forged, oauth::kTypIdJag, claims)).error(), "invalid_grant");
  EXPECT_EQ(world.send(World::post("/token", World::grant_form(good), World::basic("thief-at-ras", kSecret))).error(), "invalid_grant");
  EXPECT_EQ(world.redeem(good, {{"resource", std::string(kTickets)}}).error(), "invalid_target");
  EXPECT_EQ(world.redeem(good, {{"scope", "notes:admin"}}).error(), "invalid_scope");
  EXPECT_EQ(world.redeem(good).response.status, 200);
}

TEST(C8_ReplayKey, OneJtiOfTwoIssuersAndOfAnotherUseStayApart) {
  World world;
  Value own = world.good_claims(), foreign = world.good_claims();
  own.set("jti", "same");
  foreign.set("jti", "same").set("iss", kForeignIdp).set("sub", "00u1");
  EXPECT_EQ(world.redeem(World::signed_id_jag(own)).response.status, 200);
  EXPECT_EQ(world.redeem(World::signed_id_jag(foreign, "foreign")).response.status, 200);

  Value assertion = world.good_assertion_claims(), third = world.good_claims();
  assertion.set("jti", "both");
  third.set("jti", "both").set("client_id", "robot-at-ras");
  const Form form = World::with_assertion(World::grant_form(World::signed_id_jag(third)),
                                          jose::sign(key_named("robot"), oauth::kTypClientAuthentication, assertion));
  EXPECT_EQ(world.send(World::post("/token", form)).response.status, 200);
}

// ---- C12, C14: what is in the token, and what is not

TEST(C14_AccessToken, IsForOneResourceShortAndWithoutRefreshToken) {
  World world;
  const Answer answer = world.redeem(world.good_id_jag());
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  EXPECT_EQ(answer.text("token_type"), "Bearer");
  EXPECT_EQ(*answer.body.find_int("expires_in"), 300);
  EXPECT_EQ(answer.text("scope"), "notes:read notes:write");
  EXPECT_EQ(answer.text("resource"), kNotes);
  EXPECT_EQ(answer.body.find("refresh_token"), nullptr);
  EXPECT_EQ(*answer.response.headers.find_single("Cache-Control"), "no-store");
  EXPECT_EQ(*answer.response.headers.find_single("Pragma"), "no-cache");

  const auto jwt = jose::UnverifiedJwt::parse(answer.text("access_token"));
  ASSERT_TRUE(jwt);
  EXPECT_TRUE(jwt->has_type("at+jwt"));
  EXPECT_EQ(jwt->algorithm(), crypto::Algorithm::es256);
  const std::vector allowed{crypto::Algorithm::es256};
  ASSERT_TRUE(jose::VerifiedJwt::verify(*jwt, world.signing_keys.current()->published, allowed));
  const Value& claims = jwt->claimed();
  EXPECT_EQ(*claims.find_string("iss"), kRas);
  EXPECT_EQ(*claims.find_string("aud"), kNotes);
  EXPECT_EQ(*claims.find_string("sub"), "usr_alice");
  EXPECT_EQ(*claims.find_string("client_id"), "cursor-at-ras");
  EXPECT_EQ(*claims.find_int("iat"), kNow);
  EXPECT_EQ(*claims.find_int("exp"), kNow + 300);
  EXPECT_EQ(*claims.find_int("auth_time"), kNow - 60);
  EXPECT_EQ(*claims.find_string("acr"), "urn:mfa");
  EXPECT_EQ(*json::to_strings(*claims.find("amr")), (std::vector<std::string>{"pwd", "otp"}));
  EXPECT_EQ(*claims.find_string("sid"), "ses_1");

  const audit::Record record = world.last_record();   // RAS-76: the chain
  EXPECT_EQ(record.effect, audit::Effect::allow);
  EXPECT_EQ(record.access_token_jti, *claims.find_string("jti"));
  EXPECT_THAT(record.id_jag_jti, Not(IsEmpty()));
  EXPECT_EQ(record.issuer, kIdp);
  EXPECT_EQ(record.user, "usr_alice");
  EXPECT_EQ(record.agent, "cursor");
  EXPECT_EQ(record.server, "notes");
  EXPECT_EQ(record.policy, "grants.yaml:1");
}

TEST(C14_AccessToken, NeverOutlivesTheSessionOrAnHour) {
  World world([](Settings& s) { s.access_token_lifetime_seconds = 1'000'000; });
  Value claims = world.good_claims();
  EXPECT_EQ(*world.redeem(World::signed_id_jag(claims)).body.find_int("expires_in"), 3'600);
  claims.set("jti", "second").set("session_expiry", kNow + 40);
  EXPECT_EQ(*world.redeem(World::signed_id_jag(claims)).body.find_int("expires_in"), 40);
}

TEST(C14_AccessToken, TakesNoSessionFromAForeignIssuer) {
  World world;
  Value claims = world.good_claims();
  claims.set("iss", kForeignIdp).set("sub", "00u1");
  const Answer answer = world.redeem(World::signed_id_jag(claims, "foreign"));
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  const std::string sid = *world.claims_of_access_token(answer).find_string("sid");
  EXPECT_TRUE(sid.starts_with("sub_") && sid.ends_with("@" + std::to_string(kNow))) << sid << ": what its issuer may end, and no session of ours";
  EXPECT_EQ(*world.claims_of_access_token(answer).find_string("sub"), "usr_alice") << "the user's id here, not the issuer's";
}

TEST(C12_Privileges, NoClaimOfTheGrantBecomesAClaimOfTheToken) {
  World world;
  Value claims = world.good_claims();
  for (const char* name : {"roles", "groups", "entitlements", "admin", "may_act", "act", "azp", "permissions", "email", "tenant_admin", "cty"})
    claims.set(name, Array{"root"});
  const Answer answer = world.redeem(World::signed_id_jag(claims));
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  const Value token = world.claims_of_access_token(answer);
  std::vector<std::string> names;
  for (const json::Member& member : *token.as_object()) names.push_back(member.name);
  EXPECT_THAT(names, testing::UnorderedElementsAre("iss", "sub", "aud", "client_id", "scope", "jti", "iat", "exp", "auth_time", "acr",
                                                   "amr", "sid"));
}

// ---- subjects

TEST(Subject, OfAForeignIssuerIsFoundByLinkOnly) {
  World world;
  Value claims = world.good_claims();
  claims.set("iss", kForeignIdp).set("sub", "usr_alice").set("email", "alice@larkspur.example");
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims, "foreign")).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "subject_unknown") << "neither a user id nor an e-mail address is a link (RAS-42)";
  claims.set("sub", "00u1").set("tenant", "t9");
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims, "foreign")).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "tenant_not_expected");
  world.change_objects([](registry::Objects& o) { o.trusted_issuers[1].tenants = {"t9"}; });
  EXPECT_EQ(world.redeem(World::signed_id_jag(claims, "foreign")).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "subject_unknown") << "the key is (issuer, tenant, sub)";
}

// ---- a device key speaks for its own user only (rules §1.5)

TEST(DeviceKey, RedeemsForItsUserOnly) {
  World world;
  world.change_objects([](registry::Objects& o) { o.users[1].groups = {"eng"}; });
  jose::SigningKey device = key_named("device");
  device.kid = world.device_keys.keys[0].thumbprint;
  const auto redeem_as_device = [&](std::string_view user) {
    Value claims = world.good_claims();
    claims.set("client_id", "writ-cli").set("sub", user);
    const std::string assertion = jose::sign(device, oauth::kTypClientAuthentication, world.good_assertion_claims("writ-cli"));
    return world.send(World::post("/token", World::with_assertion(World::grant_form(World::signed_id_jag(claims)), assertion)));
  };
  EXPECT_EQ(redeem_as_device("usr_alice").response.status, 200);
  EXPECT_EQ(redeem_as_device("usr_bob").error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "device_of_another_user");
  world.device_keys.keys[0].active = false;
  EXPECT_EQ(redeem_as_device("usr_alice").response.status, 401);
  EXPECT_EQ(world.last_record().reason, "device_unknown");
}

// ---- what cannot answer is never a yes (S3)

TEST(Unavailable, KeysOrLogMean503) {
  World world;
  const std::string good = world.good_id_jag();
  world.issuer_keys.unavailable = true;
  Answer answer = world.redeem(good);
  EXPECT_EQ(answer.response.status, 503);
  EXPECT_EQ(answer.error(), "temporarily_unavailable");
  EXPECT_NE(answer.response.headers.find_single("Retry-After"), nullptr);
  EXPECT_EQ(world.last_record().reason, "unavailable");
  world.issuer_keys.unavailable = false;
  world.log.fail_from_now_on(true);
  EXPECT_EQ(world.redeem(good).response.status, 503);
  EXPECT_EQ(world.redeem("rubbish").response.status, 503) << "a refusal without a record is no answer";
  world.log.fail_from_now_on(false);
  EXPECT_EQ(world.redeem(good).response.status, 200);
}

TEST(Secrets, StandInNoRecord) {
  World world;
  const std::string id_jag = world.good_id_jag();
  const Answer answer = world.redeem(id_jag);
  world.redeem(id_jag);
  for (const audit::Record& record : world.log.records()) {
    const std::string line = audit::to_json_line(record, 1, "n");
    EXPECT_THAT(line, Not(HasSubstr(id_jag.substr(id_jag.rfind('.')))));
    EXPECT_THAT(line, Not(HasSubstr(answer.text("access_token").substr(0, 40))));
    EXPECT_THAT(line, Not(HasSubstr(std::string(kSecret))));
  }
}

}  // namespace
}  // namespace writ::token_service::resource_as::test
