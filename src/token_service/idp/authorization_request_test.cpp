#include "token_service/idp/authorization_request.h"

#include "token_service/idp/idp_fixture.h"

namespace writ::token_service::idp {
namespace {

struct Ask {
  World world;
  Pairs parameters{{"response_type", "code"},        {"client_id", "cursor-idp"}, {"redirect_uri", kCallback},
                   {"scope", "openid email"},        {"state", "st"},             {"nonce", "n"},
                   {"code_challenge", kChallenge},   {"code_challenge_method", "S256"}};
  void set(const char* name, std::string value) {
    drop(name);
    parameters.emplace_back(name, std::move(value));
  }
  void drop(const char* name) {
    std::erase_if(parameters, [&](const auto& pair) { return pair.first == name; });
  }
  std::string outcome() {
    const auto snapshot = world.registry.get();
    const auto request = check_authorization_request(form::Parameters(parameters), *snapshot);
    if (request) return "accepted";
    if (const auto* page = std::get_if<PageProblem>(&request.error())) return "page: " + std::string(to_string(*page));
    const auto& error = std::get<RedirectedError>(request.error());
    return std::string(error.error) + ": " + error.description;
  }
};

struct Row {
  const char* name;
  std::function<void(Ask&)> change;
  const char* outcome;
};
class AuthorizationRequestRules : public testing::TestWithParam<Row> {};
TEST_P(AuthorizationRequestRules, decide_who_may_hear_of_it) {
  Ask ask;
  GetParam().change(ask);
  EXPECT_EQ(ask.outcome(), GetParam().outcome);
}
const auto row_name = [](const auto& row) { return std::string(row.param.name); };

// OB-134: exact match; a loopback IP is free in its port, and in nothing else.
INSTANTIATE_TEST_SUITE_P(RedirectUri, AuthorizationRequestRules, testing::Values(
    Row{"loopback_with_another_port", [](Ask& a) { a.set("redirect_uri", "http://127.0.0.1:1/callback"); }, "accepted"},
    Row{"loopback_without_port", [](Ask& a) { a.set("redirect_uri", "http://127.0.0.1/callback"); }, "accepted"},
    Row{"registered_with_query", [](Ask& a) { a.set("redirect_uri", "https://app.example/cb?tenant=1"); }, "accepted"},
    Row{"absent", [](Ask& a) { a.drop("redirect_uri"); }, "page: redirect_uri_missing"},
    Row{"twice", [](Ask& a) { a.parameters.emplace_back("redirect_uri", kCallback); }, "page: repeated_parameter"},
    Row{"another_query", [](Ask& a) { a.set("redirect_uri", "https://app.example/cb?tenant=2"); }, "page: redirect_uri_not_registered"},
    Row{"without_its_query", [](Ask& a) { a.set("redirect_uri", "https://app.example/cb"); }, "page: redirect_uri_not_registered"},
    Row{"https_with_another_port", [](Ask& a) { a.set("redirect_uri", "https://app.example:444/cb?tenant=1"); },
        "page: redirect_uri_not_registered"},
    Row{"another_path", [](Ask& a) { a.set("redirect_uri", "http://127.0.0.1:49800/callback/x"); }, "page: redirect_uri_not_registered"},
    Row{"path_climbs", [](Ask& a) { a.set("redirect_uri", "http://127.0.0.1/x/../callback"); }, "page: redirect_uri_not_registered"},
    Row{"localhost_for_the_address", [](Ask& a) { a.set("redirect_uri", "http://localhost:49800/callback"); },
        "page: redirect_uri_not_registered"},
    Row{"address_that_begins_like_loopback", [](Ask& a) { a.set("redirect_uri", "http://127.0.0.1.evil.example/callback"); },
        "page: redirect_uri_not_registered"},
    Row{"loopback_as_user_information", [](Ask& a) { a.set("redirect_uri", "http://127.0.0.1:80@evil.example/callback"); },
        "page: redirect_uri_not_registered"},
    Row{"fragment", [](Ask& a) { a.set("redirect_uri", std::string(kCallback) + "#x"); }, "page: redirect_uri_not_registered"},
    Row{"other_scheme", [](Ask& a) { a.set("redirect_uri", "https://127.0.0.1/callback"); }, "page: redirect_uri_not_registered"},
    Row{"script", [](Ask& a) { a.set("redirect_uri", "javascript:alert(1)"); }, "page: redirect_uri_not_registered"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(Client, AuthorizationRequestRules, testing::Values(
    Row{"good", [](Ask&) {}, "accepted"},
    Row{"absent", [](Ask& a) { a.drop("client_id"); }, "page: client_unknown"},
    Row{"unknown", [](Ask& a) { a.set("client_id", "nobody"); }, "page: client_unknown"},
    Row{"known_elsewhere_only", [](Ask& a) { a.set("client_id", "cursor-at-acme"); }, "page: client_unknown"},
    Row{"twice", [](Ask& a) { a.parameters.emplace_back("client_id", "cursor-idp"); }, "page: repeated_parameter"},
    Row{"disabled", [](Ask& a) { a.set("client_id", "off-idp"); }, "page: client_disabled"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(Redirected, AuthorizationRequestRules, testing::Values(
    Row{"parameter_repeated", [](Ask& a) { a.parameters.emplace_back("nonce", "m"); }, "invalid_request: a parameter is repeated"},
    Row{"state_repeated", [](Ask& a) { a.parameters.emplace_back("state", "m"); }, "invalid_request: a parameter is repeated"},
    Row{"response_type_absent", [](Ask& a) { a.drop("response_type"); }, "invalid_request: response_type is missing"},
    Row{"implicit", [](Ask& a) { a.set("response_type", "id_token"); }, "unsupported_response_type: only response_type=code is supported"},
    Row{"hybrid", [](Ask& a) { a.set("response_type", "code id_token"); }, "unsupported_response_type: only response_type=code is supported"},
    Row{"response_mode_query", [](Ask& a) { a.set("response_mode", "query"); }, "accepted"},
    Row{"response_mode_fragment", [](Ask& a) { a.set("response_mode", "fragment"); }, "invalid_request: only response_mode=query is supported"},
    Row{"request_object", [](Ask& a) { a.set("request", "x"); }, "request_not_supported: request objects are not supported"},
    Row{"request_uri", [](Ask& a) { a.set("request_uri", "https://x.example"); }, "request_uri_not_supported: request_uri is not supported"},
    Row{"scope_absent", [](Ask& a) { a.drop("scope"); }, "invalid_scope: scope must contain openid"},
    Row{"scope_without_openid", [](Ask& a) { a.set("scope", "email"); }, "invalid_scope: scope must contain openid"},
    Row{"unknown_scope_is_ignored", [](Ask& a) { a.set("scope", "openid address"); }, "accepted"},
    Row{"state_at_the_limit", [](Ask& a) { a.set("state", std::string(2048, 's')); }, "accepted"},
    Row{"state_too_long", [](Ask& a) { a.set("state", std::string(2049, 's')); }, "invalid_request: state is too long"},
    Row{"nonce_too_long", [](Ask& a) { a.set("nonce", std::string(2049, 's')); }, "invalid_request: nonce is too long"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(Pkce, AuthorizationRequestRules, testing::Values(
    Row{"challenge_absent", [](Ask& a) { a.drop("code_challenge"); }, "invalid_request: code_challenge is missing: PKCE is required"},
    Row{"method_absent", [](Ask& a) { a.drop("code_challenge_method"); }, "invalid_request: code_challenge_method must be S256"},
    Row{"method_plain", [](Ask& a) { a.set("code_challenge_method", "plain"); }, "invalid_request: code_challenge_method must be S256"},
    Row{"method_in_small_letters", [](Ask& a) { a.set("code_challenge_method", "s256"); }, "invalid_request: code_challenge_method must be S256"},
    Row{"challenge_is_no_hash", [](Ask& a) { a.set("code_challenge", "abc"); }, "invalid_request: code_challenge must be base64url of a SHA-256"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(PromptAndMaxAge, AuthorizationRequestRules, testing::Values(
    Row{"none", [](Ask& a) { a.set("prompt", "none"); }, "accepted"},
    Row{"login_and_consent", [](Ask& a) { a.set("prompt", "login consent"); }, "accepted"},
    Row{"none_with_login", [](Ask& a) { a.set("prompt", "none login"); }, "invalid_request: prompt=none stands alone"},
    Row{"unknown", [](Ask& a) { a.set("prompt", "create"); }, "invalid_request: prompt has a value that is not known here"},
    Row{"max_age_zero", [](Ask& a) { a.set("max_age", "0"); }, "accepted"},
    Row{"max_age_negative", [](Ask& a) { a.set("max_age", "-1"); }, "invalid_request: max_age must be a number of seconds"},
    Row{"max_age_text", [](Ask& a) { a.set("max_age", "5m"); }, "invalid_request: max_age must be a number of seconds"},
    Row{"max_age_too_large", [](Ask& a) { a.set("max_age", "99999999999999999999"); }, "invalid_request: max_age must be a number of seconds"}),
    row_name);

// ---- whether a sign-in is needed

struct NeedRow {
  const char* name;
  const char* prompt;
  const char* max_age;
  std::int64_t age;       // of the session; negative: no session
  const char* hinted;     // user of the id_token_hint
  SignInNeed need;
};
class SignInNeeded : public testing::TestWithParam<NeedRow> {};
TEST_P(SignInNeeded, follows_prompt_max_age_and_hint) {
  Ask ask;
  const NeedRow& row = GetParam();
  if (*row.prompt) ask.set("prompt", row.prompt);
  if (*row.max_age) ask.set("max_age", row.max_age);
  const auto snapshot = ask.world.registry.get();
  const auto request = check_authorization_request(form::Parameters(ask.parameters), *snapshot);
  ASSERT_TRUE(request);
  const LiveSession live{ask.world.begin_session(), snapshot->user("usr_alice")};
  const auto hinted = *row.hinted ? std::optional<std::string>(row.hinted) : std::nullopt;
  EXPECT_EQ(to_string(sign_in_need(*request, row.age < 0 ? nullptr : &live, hinted, {}, kNow + Seconds{std::max<std::int64_t>(row.age, 0)})),
            to_string(row.need));
}
INSTANTIATE_TEST_SUITE_P(Rows, SignInNeeded, testing::Values(
    NeedRow{"nobody_there", "", "", -1, "", SignInNeed::no_session},
    NeedRow{"somebody_there", "", "", 3600, "", SignInNeed::none},
    NeedRow{"none_and_somebody_there", "none", "", 3600, "", SignInNeed::none},
    NeedRow{"login", "login", "", 0, "", SignInNeed::asked_for},
    NeedRow{"select_account", "select_account", "", 0, "", SignInNeed::asked_for},
    NeedRow{"consent_is_no_sign_in", "consent", "", 3600, "", SignInNeed::none},
    NeedRow{"max_age_reached_but_not_passed", "", "60", 60, "", SignInNeed::none},
    NeedRow{"max_age_passed", "", "60", 61, "", SignInNeed::too_long_ago},
    NeedRow{"max_age_zero_is_always_a_sign_in", "", "0", 0, "", SignInNeed::too_long_ago},
    NeedRow{"hint_of_the_same_person", "", "", 1, "usr_alice", SignInNeed::none},
    NeedRow{"hint_of_another_person", "", "", 1, "usr_bob", SignInNeed::other_person}),
    row_name);

// ---- the way back

TEST(AuthorizationAnswer, carries_code_state_and_issuer_and_keeps_the_registered_query) {
  AuthorizationRequest request;
  request.redirect_uri = "https://app.example/cb?tenant=1";
  request.state = "a&b=c";
  EXPECT_EQ(success_location(request, "the-code", kIssuer),
            "https://app.example/cb?tenant=1&code=the-code&state=a%26b%3Dc&iss=https%3A%2F%2Fid.acme.example%2Fidp");
  request.redirect_uri = kCallback, request.state.clear();
  EXPECT_EQ(error_location(redirected(request, "login_required", "nobody"), kIssuer),
            std::string(kCallback) + "?error=login_required&error_description=nobody&iss=https%3A%2F%2Fid.acme.example%2Fidp");
}

TEST(AuthorizationAnswer, cannot_be_given_another_line_by_state) {
  AuthorizationRequest request;
  request.redirect_uri = kCallback;
  request.state = "x\r\nSet-Cookie: a=b";
  const std::string location = success_location(request, "c", kIssuer);
  EXPECT_EQ(location.find_first_of("\r\n"), std::string::npos) << location;
}

}  // namespace
}  // namespace writ::token_service::idp
