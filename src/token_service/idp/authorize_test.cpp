// The IdP as a browser and a client see it: requests in, responses out, no sockets.
#include "token_service/idp/authorize.h"

#include "token_service/idp/browser_fixture.h"
#include "token_service/idp/session_administration.h"

namespace writ::token_service::idp {
namespace {

// ---- the whole way

TEST(Flow, authorize_sign_in_code_tokens_id_jag) {
  Site site;
  const auto page = site.ask();
  ASSERT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("cursor app"), std::string::npos);
  const auto back = site.browser.submit(page, {{"username", "alice"}, {"password", "wonderland"}});
  ASSERT_EQ(back.status, 303) << back.body;
  EXPECT_TRUE(location(back).starts_with(kCallback));
  EXPECT_EQ(in_location(back, "state"), "st");
  EXPECT_EQ(in_location(back, "iss"), kIssuer);

  const auto tokens = site.token({{"grant_type", "authorization_code"}, {"code", in_location(back, "code")}, {"redirect_uri", kCallback},
                                  {"code_verifier", kVerifier}});
  ASSERT_EQ(tokens.status, 200) << tokens.body;
  EXPECT_EQ(*tokens.headers.find("Cache-Control"), "no-store");
  const auto given = body(tokens);

  const Pairs exchange{{"grant_type", std::string(oauth::kGrantTokenExchange)},
                       {"requested_token_type", std::string(oauth::kTokenTypeIdJag)},
                       {"audience", kOwnRas},
                       {"resource", kNotes},
                       {"scope", "notes:read"},
                       {"subject_token_type", std::string(oauth::kTokenTypeIdToken)},
                       {"subject_token", *given.find_string("id_token")}};
  const auto leg1 = site.token(exchange);
  ASSERT_EQ(leg1.status, 200) << leg1.body;
  EXPECT_EQ(*claims_in(*body(leg1).find_string("access_token")).find_string("sub"), "usr_alice");
  EXPECT_EQ(site.recorded(audit::Event::sign_in, "password"), 1u);
  EXPECT_EQ(site.recorded(audit::Event::token_refreshed, "code_redeemed"), 1u);
  EXPECT_EQ(site.recorded(audit::Event::id_jag, "issued"), 1u);

  // X8: what was just issued is no subject token here.
  Pairs posted_back = exchange;
  posted_back.back().second = *body(leg1).find_string("access_token");
  EXPECT_EQ(*body(site.token(posted_back)).find_string("error"), "invalid_grant");
  EXPECT_EQ(site.recorded(audit::Event::id_jag, "subject_token_wrong_type"), 1u);

  // Refresh, and what it gives works again.
  const auto refreshed = site.token({{"grant_type", "refresh_token"}, {"refresh_token", *given.find_string("refresh_token")}});
  ASSERT_EQ(refreshed.status, 200) << refreshed.body;
  Pairs again = exchange;
  again.back().second = *body(refreshed).find_string("id_token");
  EXPECT_EQ(site.token(again).status, 200);

  // Signing out ends it for every token of the sign-in, whatever its `exp`.
  const auto out = site.browser.get("/idp/logout", form::write({{"id_token_hint", *given.find_string("id_token")}}));
  EXPECT_EQ(out.status, 200);
  EXPECT_EQ(*body(site.token(again)).find_string("error"), "invalid_grant");
  EXPECT_EQ(*body(site.token({{"grant_type", "refresh_token"}, {"refresh_token", *body(refreshed).find_string("refresh_token")}}))
                 .find_string("error"),
            "invalid_grant");
  EXPECT_EQ(site.with_bearer("/userinfo", *given.find_string("access_token")).status, 401);
}

TEST(Flow, a_denial_by_policy_has_a_code_that_leads_to_its_record) {
  Site site;
  site.world.allow([](const auto&) { return false; });
  const auto back = site.sign_in("bob", "builder");
  const auto tokens = site.token({{"grant_type", "authorization_code"}, {"code", in_location(back, "code")}, {"redirect_uri", kCallback},
                                  {"code_verifier", kVerifier}});
  const auto denied = site.token({{"grant_type", std::string(oauth::kGrantTokenExchange)},
                                  {"requested_token_type", std::string(oauth::kTokenTypeIdJag)},
                                  {"audience", kOwnRas},
                                  {"resource", kNotes},
                                  {"subject_token_type", std::string(oauth::kTokenTypeIdToken)},
                                  {"subject_token", *body(tokens).find_string("id_token")}});
  EXPECT_EQ(denied.status, 400);
  EXPECT_EQ(*body(denied).find_string("error"), "access_denied");
  const auto code = audit::parse_denial_code(*body(denied).find_string("denial_code"));
  ASSERT_TRUE(code);
  EXPECT_EQ(site.world.log.records().at(code->position - 1).reason, "no_permit");
  EXPECT_EQ(site.world.log.records().at(code->position - 1).user, "usr_bob");
}

TEST(Flow, a_code_works_once_and_its_replay_takes_the_tokens) {
  Site site;
  const auto back = site.sign_in();
  const Pairs redeem{{"grant_type", "authorization_code"}, {"code", in_location(back, "code")}, {"redirect_uri", kCallback},
                     {"code_verifier", kVerifier}};
  const auto given = body(site.token(redeem));
  EXPECT_EQ(site.with_bearer("/userinfo", *given.find_string("access_token")).status, 200);
  EXPECT_EQ(*body(site.token(redeem)).find_string("error"), "invalid_grant");
  EXPECT_EQ(site.with_bearer("/userinfo", *given.find_string("access_token")).status, 401);
  EXPECT_EQ(*body(site.token({{"grant_type", "refresh_token"}, {"refresh_token", *given.find_string("refresh_token")}})).find_string("error"),
            "invalid_grant");
}

TEST(Flow, a_public_client_signs_in_but_gets_no_id_jag) {
  Site site;
  http::Request request;
  request.method = "POST", request.path = "/idp/token";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = form::write({{"grant_type", std::string(oauth::kGrantTokenExchange)}, {"client_id", "public-idp"}});
  const auto refused = run(site.router.handle(request));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(*body(refused).find_string("error"), "invalid_client");
}

// A laptop's first credential, from the sign-in to the ID-JAG: registered at the code grant, then the only way to use what it gave.
TEST(Flow, a_device_key_is_registered_at_sign_in_and_needed_from_then_on) {
  Site site;
  for (auto& [name, value] : site.asked) {
    if (name == "client_id") value = "writ-cli-idp";
  }
  const auto key = crypto::PrivateKey::generate(crypto::Algorithm::es256);
  const std::string thumbprint = jose::thumbprint(key.public_key());
  const jose::SigningKey signer{thumbprint, crypto::Algorithm::es256, key};
  const auto post = [&](Pairs parameters) {
    http::Request request;
    request.method = "POST", request.path = "/idp/token";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = form::write(parameters);
    return run(site.router.handle(request));
  };
  int assertions = 0;
  const auto with_key = [&](Pairs parameters, const jose::SigningKey& by) {
    const std::int64_t now = to_unix_seconds(site.world.clock.time);
    parameters.emplace_back("client_assertion_type", std::string(oauth::kClientAssertionJwtBearer));
    parameters.emplace_back("client_assertion",
                            jose::sign(by, oauth::kTypClientAuthentication,
                                       json::Value{{"iss", "writ-cli-idp"}, {"sub", "writ-cli-idp"}, {"aud", kIssuer}, {"iat", now},
                                                   {"exp", now + 60}, {"jti", "a" + std::to_string(++assertions)}}));
    return post(std::move(parameters));
  };

  const std::string code = in_location(site.sign_in(), "code");
  const std::int64_t now = to_unix_seconds(kNow);
  const json::Value proof{{"iss", "writ-cli-idp"}, {"sub", "writ-cli-idp"}, {"aud", kIssuer}, {"iat", now}, {"exp", now + 60},
                          {"jti", "p"}, {"code", digest_of(code)}};
  const auto tokens = post({{"grant_type", "authorization_code"}, {"client_id", "writ-cli-idp"}, {"code", code}, {"redirect_uri", kCallback},
                            {"code_verifier", kVerifier},
                            {"writ_device_key", json::write(jose::to_json(jose::Jwk{"", crypto::Algorithm::es256, key.public_key()}))},
                            {"writ_device_name", "laptop"}, {"writ_device_proof", jose::sign(signer, "writ-device+jwt", proof)}});
  ASSERT_EQ(tokens.status, 200) << tokens.body;
  const std::string refresh_token = *body(tokens).find_string("refresh_token");

  const Pairs refresh{{"grant_type", "refresh_token"}, {"refresh_token", refresh_token}};
  Pairs bare = refresh;
  bare.emplace_back("client_id", "writ-cli-idp");
  EXPECT_EQ(*body(post(bare)).find_string("error"), "unauthorized_client");
  EXPECT_EQ(site.recorded(audit::Event::token_refreshed, "device_key_required"), 1u);
  const jose::SigningKey stranger{thumbprint, crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  EXPECT_EQ(with_key(refresh, stranger).status, 401);
  const auto refreshed = with_key(refresh, signer);
  ASSERT_EQ(refreshed.status, 200) << refreshed.body;

  const auto exchange = [&](const char* type, const std::string& subject) {
    return with_key({{"grant_type", std::string(oauth::kGrantTokenExchange)}, {"requested_token_type", std::string(oauth::kTokenTypeIdJag)},
                     {"audience", kOwnRas}, {"resource", kNotes}, {"subject_token_type", type}, {"subject_token", subject}},
                    signer);
  };
  const auto leg1 = exchange("urn:ietf:params:oauth:token-type:refresh_token", *body(refreshed).find_string("refresh_token"));
  ASSERT_EQ(leg1.status, 200) << leg1.body;
  EXPECT_EQ(*claims_in(*body(leg1).find_string("access_token")).find_string("client_id"), "writ-cli-at-acme");

  // The laptop's key does not speak for anybody else.
  const auto bobs = site.world.id_token(site.world.begin_session("usr_bob"), "writ-cli-idp");
  EXPECT_EQ(*body(exchange("urn:ietf:params:oauth:token-type:id_token", bobs)).find_string("error"), "invalid_grant");
  EXPECT_EQ(site.recorded(audit::Event::id_jag, "subject_of_another_device_user"), 1u);

  // A lost laptop.
  EXPECT_TRUE(run(revoke_device(site.world.idp, *body(tokens).find_string("device_id"), "usr_alice", "admin", "")));
  EXPECT_EQ(exchange("urn:ietf:params:oauth:token-type:id_token", *body(refreshed).find_string("id_token")).status, 401);
}

// ---- single sign-on, prompt, hints

TEST(Authorize, with_a_session_needs_no_form) {
  Site site;
  site.sign_in();
  const auto back = site.ask();
  EXPECT_EQ(back.status, 303);
  EXPECT_NE(in_location(back, "code"), "");
  EXPECT_NE(in_location(site.ask({{"prompt", "none"}}), "code"), "");
  EXPECT_NE(in_location(site.ask({{"prompt", "consent"}}), "code"), "");
  EXPECT_EQ(site.ask({{"prompt", "login"}}).status, 200);
}

TEST(Authorize, prompt_none_without_a_session_says_login_required) {
  Site site;
  const auto back = site.ask({{"prompt", "none"}});
  EXPECT_EQ(in_location(back, "error"), "login_required");
  EXPECT_EQ(in_location(back, "state"), "st");
  EXPECT_EQ(in_location(back, "iss"), kIssuer);
}

TEST(Authorize, prompt_login_is_answered_by_one_sign_in_and_a_fresh_auth_time) {
  Site site;
  site.sign_in();
  site.world.advance(100);
  const auto back = site.sign_in("alice", "wonderland", {{"prompt", "login"}});
  ASSERT_NE(in_location(back, "code"), "");
  const auto given = body(site.token({{"grant_type", "authorization_code"}, {"code", in_location(back, "code")},
                                      {"redirect_uri", kCallback}, {"code_verifier", kVerifier}}));
  EXPECT_EQ(*claims_in(*given.find_string("id_token")).find_int("auth_time"), to_unix_seconds(kNow) + 100);
}

TEST(Authorize, max_age_asks_again_when_the_sign_in_is_too_old) {
  Site site;
  site.sign_in();
  site.world.advance(61);
  EXPECT_EQ(site.ask({{"max_age", "61"}}).status, 303);
  EXPECT_EQ(site.ask({{"max_age", "60"}}).status, 200);
  EXPECT_EQ(in_location(site.ask({{"max_age", "60"}, {"prompt", "none"}}), "error"), "login_required");
}

TEST(Authorize, an_id_token_hint_wants_that_person_and_no_other) {
  Site site;
  const auto bobs = site.world.id_token(site.world.begin_session("usr_bob"), "cursor-idp");
  site.sign_in();
  EXPECT_EQ(site.ask({{"id_token_hint", bobs}}).status, 200);
  EXPECT_EQ(in_location(site.sign_in("alice", "wonderland", {{"id_token_hint", bobs}}), "error"), "login_required");
  EXPECT_NE(in_location(site.sign_in("bob", "builder", {{"id_token_hint", bobs}}), "code"), "");
  EXPECT_EQ(in_location(site.ask({{"id_token_hint", "x"}}), "error"), "invalid_request");
}

TEST(Authorize, nobody_is_sent_to_an_address_that_is_not_registered) {
  Site site;
  for (const char* evil : {"https://evil.example/", "http://127.0.0.1:1/other", "//evil.example"}) {
    std::erase_if(site.asked, [](const auto& pair) { return pair.first == "redirect_uri"; });
    site.asked.emplace_back("redirect_uri", evil);
    const auto page = site.ask();
    EXPECT_EQ(page.status, 400);
    EXPECT_EQ(location(page), "");
    EXPECT_EQ(page.body.find("evil.example"), std::string::npos);   // T11: input is not repeated
  }
}

TEST(Authorize, a_session_ends_by_idleness_age_and_disabling) {
  Site site;
  site.sign_in();
  site.world.advance(12 * 3600 - 1);
  EXPECT_EQ(site.ask().status, 303);   // used in time, so it goes on
  site.world.advance(12 * 3600);
  EXPECT_EQ(site.ask().status, 200);
  site.sign_in();
  site.world.change([](auto& objects) { objects.users[0].active = false; });
  EXPECT_EQ(site.ask().status, 200);
}

TEST(Authorize, takes_the_request_as_a_form_too) {
  Site site;
  EXPECT_EQ(site.browser.post("/idp/authorize", site.asked).status, 200);
}

// ---- the page, the form, the cookies

TEST(SignInPage, forbids_frames_scripts_and_storing) {
  Site site;
  const auto page = site.ask();
  const std::string policy = *page.headers.find("Content-Security-Policy");
  for (const char* part : {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' http://127.0.0.1:49800;"}) {
    EXPECT_NE(policy.find(part), std::string::npos) << policy;
  }
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(*page.headers.find("X-Frame-Options"), "DENY");
  EXPECT_EQ(*page.headers.find("Cache-Control"), "no-store");
  EXPECT_EQ(page.body.find("<script"), std::string::npos);
  EXPECT_NE(page.body.find("name=\"viewport\""), std::string::npos);
}

TEST(SignInPage, shows_what_others_wrote_as_text) {
  Site site;
  site.world.change([](auto& objects) { objects.agents[0].display_name = "<script>alert(1)</script>"; });
  const auto page = site.ask({{"login_hint", "\"><img src=x>"}});
  EXPECT_EQ(page.body.find("<script"), std::string::npos);
  EXPECT_EQ(page.body.find("<img"), std::string::npos);
  EXPECT_NE(page.body.find("&lt;script&gt;alert(1)"), std::string::npos);
}

TEST(Cookies, off_loopback_are_host_bound_secure_and_lax) {
  Site site;
  site.ask();
  ASSERT_EQ(site.browser.set_cookies.size(), 1u);
  EXPECT_TRUE(site.browser.set_cookies[0].starts_with("__Host-writ_browser="));
  EXPECT_TRUE(site.browser.set_cookies[0].ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
  site.sign_in();
  ASSERT_EQ(site.browser.set_cookies.size(), 2u);
  EXPECT_TRUE(site.browser.set_cookies[0].starts_with("__Host-writ_session="));
  EXPECT_TRUE(site.browser.set_cookies[0].ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
  EXPECT_TRUE(site.browser.set_cookies[1].ends_with("Max-Age=0"));
}

TEST(Cookies, on_loopback_http_have_no_prefix_and_no_secure) {
  Site site("http://127.0.0.1:8420/idp");
  site.sign_in();
  EXPECT_TRUE(site.browser.set_cookies.at(0).starts_with("writ_session="));
  EXPECT_TRUE(site.browser.set_cookies.at(0).ends_with("; Path=/; HttpOnly; SameSite=Lax"));
}

TEST(Cookies, a_presented_session_id_is_never_adopted) {   // A4
  Site site;
  site.browser.cookies["__Host-writ_session"] = "planted";
  site.sign_in();
  EXPECT_NE(site.browser.cookies.at("__Host-writ_session"), "planted");
  EXPECT_FALSE(site.world.sessions->find_by_cookie("planted"));
  const std::string first = site.browser.cookies.at("__Host-writ_session");
  site.sign_in("alice", "wonderland", {{"prompt", "login"}});
  EXPECT_NE(site.browser.cookies.at("__Host-writ_session"), first);
  EXPECT_FALSE(site.world.sessions->find_by_cookie(first));   // the old value opens nothing any more
}

TEST(Cookies, two_of_one_name_count_as_none) {
  http::Request request;
  request.headers = {{"Cookie", "a=1; b=2; a=3"}, {"Cookie", " c = 4"}, {"Cookie", "d=5"}};
  EXPECT_FALSE(Cookies::find(request, "a"));
  EXPECT_EQ(Cookies::find(request, "b"), "2");
  EXPECT_FALSE(Cookies::find(request, "c"));   // its name is `c `, another one
  EXPECT_EQ(Cookies::find(request, "d"), "5");
}

struct CsrfRow {
  const char* name;
  std::function<void(Site&, Pairs&)> change;
};
class SignInForm : public testing::TestWithParam<CsrfRow> {};
TEST_P(SignInForm, of_another_page_or_browser_signs_nobody_in) {   // A1
  Site site;
  const auto page = site.ask();
  Pairs filled{{"username", "alice"}, {"password", "wonderland"}};
  GetParam().change(site, filled);
  const auto answer = site.browser.submit(page, filled);
  EXPECT_EQ(answer.status, 403);
  EXPECT_FALSE(site.browser.cookies.contains("__Host-writ_session"));
  EXPECT_TRUE(site.world.passwords.checked.empty());
  // The page that came back works.
  site.browser.origin.reset();
  EXPECT_EQ(site.browser.submit(answer, {{"username", "alice"}, {"password", "wonderland"}}).status, 303);
}
INSTANTIATE_TEST_SUITE_P(Rows, SignInForm, testing::Values(
    CsrfRow{"token_absent", [](Site&, Pairs& f) { f.emplace_back("csrf", ""); }},
    CsrfRow{"token_changed", [](Site&, Pairs& f) { f.emplace_back("csrf", std::string(43, 'A')); }},
    CsrfRow{"cookie_absent", [](Site& s, Pairs&) { s.browser.cookies.clear(); }},
    CsrfRow{"cookie_of_another_browser", [](Site& s, Pairs&) { s.browser.cookies["__Host-writ_browser"] = "another"; }},
    CsrfRow{"request_exchanged",
            [](Site& s, Pairs& f) {
              Pairs other = s.asked;
              other.emplace_back("login_hint", "mallory");
              f.emplace_back("continue", form::write(other));
            }},
    CsrfRow{"from_another_site", [](Site& s, Pairs&) { s.browser.origin = "https://evil.example"; }},
    CsrfRow{"from_nowhere", [](Site& s, Pairs&) { s.browser.origin = "null"; }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(SignInForm, brought_back_with_a_foreign_redirect_uri_leads_nowhere) {
  Site site;
  const auto page = site.ask();
  Pairs evil = site.asked;
  for (auto& [name, value] : evil) {
    if (name == "redirect_uri") value = "https://evil.example/";
  }
  const auto answer = site.browser.submit(page, {{"username", "alice"}, {"password", "wonderland"}, {"continue", form::write(evil)}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(location(answer), "");
}

struct PasswordRow {
  const char* name;
  const char* user;
  const char* password;
  const char* reason;
  const char* told;
};
class WrongPassword : public testing::TestWithParam<PasswordRow> {};
TEST_P(WrongPassword, is_recorded_with_its_reason_and_told_alike) {
  Site site;
  const auto answer = site.sign_in(GetParam().user, GetParam().password);
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find(GetParam().told), std::string::npos) << answer.body;
  EXPECT_EQ(site.recorded(audit::Event::sign_in, GetParam().reason), 1u);
  EXPECT_FALSE(site.browser.cookies.contains("__Host-writ_session"));
  // T6: the same work for people who do not exist.
  EXPECT_EQ(site.world.passwords.checked.size(), 1u);
}
INSTANTIATE_TEST_SUITE_P(Rows, WrongPassword, testing::Values(
    PasswordRow{"wrong_password", "alice", "x", "wrong_password", "User name or password is wrong"},
    PasswordRow{"password_of_another", "alice", "builder", "wrong_password", "User name or password is wrong"},
    PasswordRow{"password_absent", "alice", "", "wrong_password", "User name or password is wrong"},
    PasswordRow{"user_unknown", "nobody", "x", "unknown_user", "User name or password is wrong"},
    PasswordRow{"name_absent", "", "x", "unknown_user", "User name or password is wrong"},
    PasswordRow{"hostile_name", "alice' OR '1'='1", "x", "unknown_user", "User name or password is wrong"},
    PasswordRow{"service_account", "robot", "beep", "no_password", "User name or password is wrong"},
    PasswordRow{"disabled_with_wrong_password", "gone", "x", "wrong_password", "User name or password is wrong"},
    PasswordRow{"disabled_with_right_password", "gone", "away", "user_disabled", "This account is disabled"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(SignInThrottled, guessing_is_slowed_down_and_the_right_password_still_served) {   // T7
  Site site;
  std::int64_t waited = 0;
  site.world.idp.pause = [&](Milliseconds wait) -> Task<void> {
    waited += wait.count();
    site.world.clock.time += wait;
    return []() -> Task<void> { co_return; }();
  };
  for (int i = 0; i < 200; ++i) EXPECT_EQ(site.sign_in("alice", "guess").status, 400);
  EXPECT_EQ(waited, 189 * 250);   // ten are free, the eleventh finds the queue empty, each further one waits its turn
  EXPECT_EQ(site.sign_in().status, 303);
}

TEST(SignInThrottled, a_flood_without_patience_is_refused_unheard_and_ends_when_it_ends) {
  Site site;
  int refused = 0;
  for (int i = 0; i < 100; ++i) refused += site.sign_in("alice", "guess").status == 429;
  EXPECT_GT(refused, 70);
  EXPECT_EQ(site.world.passwords.checked.size(), 100u - static_cast<std::size_t>(refused));
  site.browser.peer = "192.0.2.8";
  EXPECT_EQ(site.sign_in("bob", "builder").status, 303);   // others are not concerned
  site.browser.peer = "192.0.2.7";
  site.browser.cookies.clear();
  site.world.advance(4);
  EXPECT_EQ(site.sign_in().status, 303);
}

TEST(SignIn, that_cannot_be_recorded_does_not_happen) {
  Site site;
  const auto page = site.ask();
  site.world.log.fail_from_now_on(true);
  const auto answer = site.browser.submit(page, {{"username", "alice"}, {"password", "wonderland"}});
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(site.world.sessions->all().empty());
}

TEST(SignIn, without_an_application_ends_on_a_page) {
  Site site;
  const auto answer = site.browser.submit(site.browser.get("/idp/sign-in"), {{"username", "alice"}, {"password", "wonderland"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(site.browser.cookies.contains("__Host-writ_session"));
}

// ---- userinfo, catalogue

struct SignedIn : Site {
  json::Value given;
  explicit SignedIn(const char* scope = "openid email offline_access") {
    for (auto& [name, value] : asked) {
      if (name == "scope") value = scope;
    }
    const auto back = sign_in();
    given = body(token({{"grant_type", "authorization_code"}, {"code", in_location(back, "code")}, {"redirect_uri", kCallback},
                        {"code_verifier", kVerifier}}));
  }
  std::string access_token() const { return *given.find_string("access_token"); }
  std::string id_token() const { return *given.find_string("id_token"); }
  std::string refresh_token() const { return *given.find_string("refresh_token"); }
};

TEST(Userinfo, says_what_the_scopes_release) {
  SignedIn site;
  const auto answer = site.with_bearer("/userinfo", site.access_token());
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(*body(answer).find_string("sub"), "usr_alice");
  EXPECT_EQ(*body(answer).find_string("email"), "alice@acme.example");
  EXPECT_FALSE(body(answer).find("groups"));
  EXPECT_EQ(*answer.headers.find("Cache-Control"), "no-store");
}

struct BearerRow {
  const char* name;
  std::function<http::Response(SignedIn&)> send;
  int status;
  const char* challenge;
};
class BearerRefusal : public testing::TestWithParam<BearerRow> {};
TEST_P(BearerRefusal, challenges_with_the_right_words) {
  SignedIn site;
  const auto answer = GetParam().send(site);
  EXPECT_EQ(answer.status, GetParam().status);
  EXPECT_EQ(*answer.headers.find("WWW-Authenticate"), GetParam().challenge);
}
http::Response send_authorization(SignedIn& site, std::vector<std::string> values) {
  http::Request request;
  request.method = "GET", request.path = "/idp/userinfo";
  for (auto& value : values) request.headers.add("Authorization", value);
  return run(site.router.handle(request));
}
constexpr const char* kInvalidToken = "Bearer realm=\"writ\", error=\"invalid_token\"";
constexpr const char* kInvalidRequest = "Bearer realm=\"writ\", error=\"invalid_request\"";
INSTANTIATE_TEST_SUITE_P(Rows, BearerRefusal, testing::Values(
    BearerRow{"absent", [](SignedIn& s) { return send_authorization(s, {}); }, 401, "Bearer realm=\"writ\""},
    BearerRow{"basic", [](SignedIn& s) { return send_authorization(s, {"Basic x"}); }, 401, "Bearer realm=\"writ\""},
    BearerRow{"empty", [](SignedIn& s) { return send_authorization(s, {"Bearer "}); }, 400, kInvalidRequest},
    BearerRow{"twice", [](SignedIn& s) { return send_authorization(s, {"Bearer " + s.access_token(), "Bearer " + s.access_token()}); }, 400,
              kInvalidRequest},
    BearerRow{"an_id_token", [](SignedIn& s) { return s.with_bearer("/userinfo", s.id_token()); }, 401, kInvalidToken},
    BearerRow{"a_refresh_token", [](SignedIn& s) { return s.with_bearer("/userinfo", s.refresh_token()); }, 401, kInvalidToken},
    BearerRow{"for_another_resource",
              [](SignedIn& s) {
                auto claims = claims_in(s.access_token());
                claims.set("aud", kNotes);
                return s.with_bearer("/userinfo", s.world.sign(claims, "at+jwt"));
              },
              401, kInvalidToken},
    BearerRow{"expired",
              [](SignedIn& s) {
                s.world.advance(3600);
                return s.with_bearer("/userinfo", s.access_token());
              },
              401, kInvalidToken},
    BearerRow{"session_ended",
              [](SignedIn& s) {
                EXPECT_TRUE(run(end_session(s.world.idp, s.world.sessions->all()[0].id, SessionEnd::revoked, "admin", "")));
                return s.with_bearer("/userinfo", s.access_token());
              },
              401, kInvalidToken},
    BearerRow{"agent_disabled",
              [](SignedIn& s) {
                s.world.change([](auto& objects) { objects.agents[0].active = false; });
                return s.with_bearer("/userinfo", s.access_token());
              },
              401, kInvalidToken}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Catalog, lists_only_what_policy_opens_to_this_person_through_this_agent) {
  SignedIn site;
  site.world.allow([](const policy::Question& question) {
    return question.server.id != "wiki" && (!question.scope || question.scope->name != "notes:admin");
  });
  const auto listed = body(site.with_bearer("/catalog", site.access_token()));
  const auto& servers = *listed.find("servers")->as_array();
  ASSERT_EQ(servers.size(), 2u);   // notes and crm; wiki is closed, old is disabled
  EXPECT_EQ(*servers[0].find_string("id"), "notes");
  EXPECT_EQ(*servers[0].find_string("resource"), kNotes);
  EXPECT_EQ(*servers[0].find_string("authorization_server"), kOwnRas);
  EXPECT_EQ(*servers[0].find("scopes"), json::Value(json::Array{"notes:read", "notes:write"}));
  EXPECT_EQ(*servers[1].find_string("id"), "crm");
  site.world.policy.set(policy::Current().get());
  EXPECT_TRUE(body(site.with_bearer("/catalog", site.access_token())).find("servers")->as_array()->empty());
  EXPECT_EQ(site.with_bearer("/catalog", site.id_token()).status, 401);
}

// ---- revocation, introspection

http::Response operate(Site& site, const char* path, const std::string& token, const char* client = "cursor") {
  http::Request request;
  request.method = "POST", request.path = std::string("/idp") + path;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = form::write({{"token", token}, {"client_id", std::string(client) + "-idp"}, {"client_secret", std::string(client) + "-secret"}});
  return run(site.router.handle(request));
}
bool is_active(Site& site, const std::string& token, const char* client = "cursor") {
  const auto answer = body(operate(site, "/introspect", token, client));
  const bool active = *answer.find("active")->as_bool();
  if (!active) {
    EXPECT_EQ(answer, (json::Value{{"active", false}}));   // and nothing else (OB-81)
  }
  return active;
}

TEST(Introspection, tells_a_client_about_its_own_tokens_only) {
  SignedIn site;
  EXPECT_TRUE(is_active(site, site.access_token()));
  EXPECT_TRUE(is_active(site, site.refresh_token()));
  EXPECT_FALSE(is_active(site, site.access_token(), "unmapped"));
  EXPECT_FALSE(is_active(site, site.refresh_token(), "unmapped"));
  EXPECT_FALSE(is_active(site, site.id_token()));
  EXPECT_FALSE(is_active(site, "x"));
  EXPECT_EQ(*body(operate(site, "/introspect", site.access_token())).find_string("sub"), "usr_alice");
  EXPECT_EQ(operate(site, "/introspect", site.access_token(), "public").status, 401);   // OB-80
}

TEST(Introspection, of_a_rotated_refresh_token_says_inactive_and_is_no_reuse) {
  SignedIn site;
  const auto next = body(site.token({{"grant_type", "refresh_token"}, {"refresh_token", site.refresh_token()}}));
  site.world.advance(60);
  EXPECT_FALSE(is_active(site, site.refresh_token()));
  EXPECT_TRUE(is_active(site, *next.find_string("refresh_token")));
}

TEST(Revocation, of_a_refresh_token_takes_everything_of_its_grant) {
  SignedIn site;
  EXPECT_EQ(operate(site, "/revoke", site.refresh_token()).status, 200);
  EXPECT_FALSE(is_active(site, site.refresh_token()));
  EXPECT_FALSE(is_active(site, site.access_token()));
  EXPECT_EQ(site.recorded(audit::Event::token_revoked, "refresh_token"), 1u);
}

TEST(Revocation, of_an_access_token_leaves_the_rest) {
  SignedIn site;
  EXPECT_EQ(operate(site, "/revoke", site.access_token()).status, 200);
  EXPECT_FALSE(is_active(site, site.access_token()));
  EXPECT_TRUE(is_active(site, site.refresh_token()));
}

TEST(Revocation, of_unknown_tokens_and_those_of_others_is_a_yes_that_changes_nothing) {
  SignedIn site;
  EXPECT_EQ(operate(site, "/revoke", "x").status, 200);
  EXPECT_EQ(operate(site, "/revoke", site.refresh_token(), "unmapped").status, 200);
  EXPECT_EQ(operate(site, "/revoke", site.access_token(), "unmapped").status, 200);
  EXPECT_TRUE(is_active(site, site.refresh_token()));
  EXPECT_TRUE(is_active(site, site.access_token()));
}

// ---- signing out

TEST(Logout, without_a_hint_asks_first_so_that_no_other_site_signs_people_out) {
  SignedIn site;
  const auto page = site.browser.get("/idp/logout");
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("Sign out?"), std::string::npos);
  EXPECT_EQ(site.ask().status, 303);   // still signed in
  site.browser.origin = "https://evil.example";
  site.browser.submit(page, {});
  site.browser.origin.reset();
  EXPECT_EQ(site.ask().status, 303);
  const auto out = site.browser.submit(page, {});
  EXPECT_NE(out.body.find("You are signed out"), std::string::npos);
  EXPECT_EQ(site.ask().status, 200);
  EXPECT_EQ(site.recorded(audit::Event::sign_out, "signed_out"), 1u);
}

TEST(Logout, with_an_expired_hint_of_the_person_ends_at_once_and_leads_back) {
  SignedIn site;
  site.world.advance(4000);
  const auto out = site.browser.get("/idp/logout", form::write({{"id_token_hint", site.id_token()},
                                                                {"post_logout_redirect_uri", "https://app.example/cb?tenant=1"},
                                                                {"state", "s&1"}}));
  EXPECT_EQ(location(out), "https://app.example/cb?tenant=1&state=s%261");
  EXPECT_FALSE(site.browser.cookies.contains("__Host-writ_session"));
  EXPECT_TRUE(site.world.revocations->is_session_ended(*claims_in(site.id_token()).find_string("sid")));
}

TEST(Logout, with_a_hint_of_somebody_else_asks) {
  SignedIn site;
  const auto bobs = site.world.id_token(site.world.begin_session("usr_bob"), "cursor-idp");
  site.browser.get("/idp/logout", form::write({{"id_token_hint", bobs}}));
  EXPECT_EQ(site.ask().status, 303);
}

TEST(Logout, leads_nowhere_that_is_not_registered) {
  SignedIn site;
  const auto send = [&](Pairs pairs) { return site.browser.get("/idp/logout", form::write(pairs)); };
  for (const auto& page : {send({{"id_token_hint", site.id_token()}, {"post_logout_redirect_uri", "https://evil.example/"}}),
                           send({{"post_logout_redirect_uri", "https://app.example/cb?tenant=1"}}),
                           send({{"id_token_hint", "x"}}),
                           send({{"id_token_hint", site.id_token()}, {"client_id", "public-idp"},
                                 {"post_logout_redirect_uri", "https://app.example/cb?tenant=1"}})}) {
    EXPECT_EQ(page.status, 400);
    EXPECT_EQ(location(page), "");
  }
  EXPECT_EQ(site.ask().status, 303);
}

// ---- sessions for administrators

TEST(SessionAdministration, lists_live_sessions_and_ends_them_with_all_that_lives_on_them) {
  SignedIn site;
  site.sign_in("bob", "builder", {{"prompt", "login"}});
  const auto all = list_sessions(site.world.idp, {});
  ASSERT_EQ(all.size(), 2u);
  const auto alices = list_sessions(site.world.idp, "usr_alice");
  ASSERT_EQ(alices.size(), 1u);
  EXPECT_EQ(alices[0].refresh_families, 1u);
  EXPECT_EQ(alices[0].user_name, "alice");
  EXPECT_TRUE(run(end_sessions_of_user(site.world.idp, "usr_alice", "admin", "127.0.0.1")));
  EXPECT_TRUE(list_sessions(site.world.idp, "usr_alice").empty());
  EXPECT_EQ(list_sessions(site.world.idp, {}).size(), 1u);
  EXPECT_FALSE(is_active(site, site.refresh_token()));
  EXPECT_EQ(site.recorded(audit::Event::session_revoked, "revoked"), 1u);
}

TEST(SessionAdministration, a_session_that_cannot_be_recorded_is_ended_all_the_same) {
  SignedIn site;
  const std::string sid = list_sessions(site.world.idp, "usr_alice").at(0).session.id;
  site.world.log.fail_from_now_on(true);
  EXPECT_FALSE(run(end_session(site.world.idp, sid, SessionEnd::revoked, "admin", "")));
  EXPECT_TRUE(site.world.revocations->is_session_ended(sid));
}

TEST(SessionAdministration, a_lost_device_loses_its_key_and_its_refresh_tokens) {
  Site site;
  const Session session = site.world.begin_session();
  EXPECT_TRUE(run(site.world.device_keys->add(DeviceKey{"dev_1", "usr_alice", "writ-cli", "laptop", "t", "{}", session.id, true, kNow})));
  const auto begun = site.world.begin_refresh(session, "writ-cli", "dev_1");
  const auto other = site.world.begin_refresh(session);
  EXPECT_EQ(list_sessions(site.world.idp, "usr_alice").at(0).devices.size(), 1u);
  EXPECT_TRUE(run(revoke_device(site.world.idp, "dev_1", "usr_alice", "admin", "")));
  EXPECT_FALSE(site.world.device_keys->find("t")->active);
  EXPECT_TRUE(site.world.refresh_tokens->find(begun.token)->family.revoked);
  EXPECT_FALSE(site.world.refresh_tokens->find(other.token)->family.revoked);
}

// ---- discovery

TEST(Discovery, answers_under_both_spellings_with_the_issuer_that_signs) {
  Site site;
  const auto first = site.browser.get("/idp/.well-known/openid-configuration");
  for (const char* path : {"/idp/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/idp",
                           "/.well-known/openid-configuration/idp"}) {
    EXPECT_EQ(site.browser.get(path).body, first.body) << path;
  }
  const auto document = body(first);
  EXPECT_EQ(*document.find_string("issuer"), kIssuer);
  EXPECT_EQ(*document.find_string("token_endpoint"), "https://id.acme.example/idp/token");
  EXPECT_EQ(*document.find("code_challenge_methods_supported"), json::Value(json::Array{"S256"}));
  EXPECT_EQ(*document.find("identity_chaining_requested_token_types_supported"), json::Value(json::Array{oauth::kTokenTypeIdJag}));
  EXPECT_TRUE(*document.find("authorization_response_iss_parameter_supported")->as_bool());
  // Every endpoint that is named is there.
  for (const auto& member : *document.as_object()) {
    if (!member.name.ends_with("_endpoint") && member.name != "jwks_uri") continue;
    http::Request request;
    request.method = "PATCH", request.path = uri::parse(*member.value.as_string())->path;
    EXPECT_EQ(run(site.router.handle(request)).status, 405) << member.name;
  }
}

TEST(Discovery, keys_are_public_and_hold_the_one_that_signs) {
  Site site;
  const auto answer = site.browser.get("/idp/jwks");
  const auto set = jose::KeySet::parse(answer.body);
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->find("k1", crypto::Algorithm::es256));
  EXPECT_EQ(answer.body.find("\"d\""), std::string::npos);
  EXPECT_EQ(*answer.headers.find("Cache-Control"), "public, max-age=300");
}

TEST(Discovery, host_and_forwarding_headers_change_nothing) {   // T9
  Site site;
  http::Request request;
  request.method = "GET", request.path = "/idp/.well-known/openid-configuration", request.host = "evil.example";
  request.headers = {{"Host", "evil.example"}, {"X-Forwarded-Host", "evil.example"}, {"Forwarded", "host=evil.example"}};
  EXPECT_EQ(run(site.router.handle(request)).body.find("evil"), std::string::npos);
}

}  // namespace
}  // namespace writ::token_service::idp
