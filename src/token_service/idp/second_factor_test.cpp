// One-time codes: RFC 6238 as it is written, the sign-in with them, and what acr_values, max_age and prompt make of it.
#include "token_service/idp/authentication_context.h"
#include "token_service/idp/browser_fixture.h"
#include "token_service/idp/totp.h"

namespace writ::token_service::idp {
namespace {

// RFC 6238, Appendix B (SHA-1), the last six of the eight digits.
TEST(Totp, is_that_of_the_rfc) {
  const Secret secret("12345678901234567890");
  for (const auto& [seconds, code] : std::vector<std::pair<std::int64_t, const char*>>{
           {59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"}, {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}}) {
    EXPECT_EQ(totp_code(secret, totp_step(from_unix_seconds(seconds))), code) << seconds;
  }
}

TEST(Totp, accepts_one_step_to_each_side_and_each_code_once) {
  const Secret secret("12345678901234567890");
  const std::int64_t present = totp_step(kNow);
  for (const std::int64_t off : {-2, -1, 0, 1, 2}) {
    const auto match = match_totp(secret, totp_code(secret, present + off), kNow, 0);
    EXPECT_EQ(match.step.has_value(), off >= -1 && off <= 1) << off;
  }
  const auto replayed = match_totp(secret, totp_code(secret, present), kNow, present);
  EXPECT_FALSE(replayed.step);
  EXPECT_EQ(replayed.problem, CodeProblem::replayed);
  // What is older than a code that was used is as spent as that one.
  EXPECT_EQ(match_totp(secret, totp_code(secret, present - 1), kNow, present).problem, CodeProblem::replayed);
  EXPECT_EQ(match_totp(secret, totp_code(secret, present + 1), kNow, present).step, present + 1);
  EXPECT_EQ(match_totp(secret, "", kNow, 0).problem, CodeProblem::wrong);
}

TEST(Totp, texts_for_apps_and_people) {
  EXPECT_EQ(base32("foobar"), "MZXW6YTBOI");
  EXPECT_EQ(base32("foob"), "MZXW6YQ");
  EXPECT_EQ(base32(""), "");
  EXPECT_EQ(otpauth_uri("Acme & Co", "alice", Secret("foobar")), "otpauth://totp/Acme%20%26%20Co:alice?secret=MZXW6YTBOI&issuer=Acme%20%26%20Co");
  EXPECT_EQ(normalized_code(" 123 456 "), "123456");
  for (const char* wrong : {"", "12345", "1234567", "12345a", "-12345"}) EXPECT_EQ(normalized_code(wrong), "") << wrong;
}

TEST(RecoveryCodes, are_long_all_different_and_read_as_people_type_them) {
  const auto codes = new_recovery_codes(8);
  ASSERT_EQ(codes.size(), 8u);
  EXPECT_EQ(std::set<std::string>(codes.begin(), codes.end()).size(), 8u);
  std::string typed;
  for (const char c : codes[0]) typed += c == '-' ? ' ' : static_cast<char>(std::tolower(c));
  EXPECT_EQ(recovery_digest(typed), recovery_digest(codes[0]));
  EXPECT_EQ(recovery_digest(codes[0].substr(1)), "");
  EXPECT_EQ(recovery_digest(codes[0] + "A"), "");
}

registry::AuthenticationLevel level(const char* id, std::int64_t strength, const char* acr, const char* expected, std::vector<std::string> amr) {
  registry::AuthenticationLevel made;
  made.id = id, made.strength = strength, made.acr = acr, made.expected_acr = expected, made.expected_amr = std::move(amr);
  return made;
}

TEST(AuthenticationContext, what_is_asked_decides_the_means_and_the_acr) {
  const std::vector<registry::AuthenticationLevel> levels{level("basic", 1, "urn:a:basic", "", {"pwd"}), level("mfa", 2, "urn:a:mfa", "urn:a:gold", {"mfa"}),
                                                          level("key", 3, "urn:a:key", "", {"hwk"}), level("vague", 4, "urn:a:vague", "", {})};
  const Settings settings;
  struct Case {
    std::vector<std::string> asked;
    std::optional<Means> means;
    std::string acr;   // by those means
  };
  for (const Case& one : std::vector<Case>{{{}, Means::password, "urn:a:basic"},
                                           {{"urn:a:basic"}, Means::password, "urn:a:basic"},
                                           {{"urn:writ:acr:password"}, Means::password, "urn:writ:acr:password"},
                                           {{"urn:a:mfa"}, Means::password_and_code, "urn:a:gold"},
                                           {{"urn:writ:acr:mfa"}, Means::password_and_code, "urn:writ:acr:mfa"},
                                           {{"urn:a:key", "urn:a:mfa"}, Means::password_and_code, "urn:a:gold"},
                                           {{"urn:a:mfa", "urn:a:basic"}, Means::password, "urn:a:basic"},
                                           {{"urn:a:key"}, std::nullopt, ""},
                                           // A level that does not say by what it is recognised is not claimed here; nor is what comes back asked for.
                                           {{"urn:a:vague"}, std::nullopt, ""},
                                           {{"urn:a:gold"}, std::nullopt, ""},
                                           {{"unknown"}, std::nullopt, ""}}) {
    const std::string shown = one.asked.empty() ? "nothing" : one.asked.front();
    EXPECT_EQ(means_for(one.asked, levels, settings), one.means) << shown;
    if (one.means) {
      EXPECT_EQ(acr_of(*one.means, one.asked, levels, settings), one.acr) << shown;
    }
  }
  EXPECT_EQ(acr_of(Means::password_and_code, {}, levels, settings), "urn:a:gold");
  EXPECT_EQ(acr_of(Means::password_and_code, {}, {}, settings), "urn:writ:acr:mfa");
  Session session;
  session.acr = "urn:a:gold";
  EXPECT_TRUE(meets(session, {}, levels));
  EXPECT_TRUE(meets(session, {"urn:a:mfa"}, levels));
  EXPECT_FALSE(meets(session, {"urn:a:basic"}, levels)) << "exactly: a policy may name it";
  const std::vector<registry::AuthenticationLevel> renamed{level("x", 1, "urn:a:gold", "urn:other", {"mfa"})};
  EXPECT_FALSE(meets(session, {"urn:a:gold"}, renamed));
}

// ---- in the browser

struct FactorSite : Site {
  FactorSite() {
    world.change([](registry::Objects& objects) { objects.authentication_levels = {level("mfa", 1, "urn:a:mfa", "", {"pwd", "otp", "mfa"})}; });
  }
  static Secret secret_on(const http::Response& page) {
    const std::string shown = between(page.body, "<code id=\"secret\">", "</code>");
    std::string bytes;
    std::uint32_t buffer = 0;
    int bits = 0;
    for (const char c : shown) {
      if (c == ' ') continue;
      const auto value = std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").find(c);
      EXPECT_NE(value, std::string_view::npos);
      buffer = buffer << 5 | static_cast<std::uint32_t>(value);
      if ((bits += 5) >= 8) bytes += static_cast<char>(buffer >> (bits -= 8) & 255);
    }
    return Secret(bytes);
  }
  std::string code_now(const Secret& secret, std::int64_t off = 0) const { return totp_code(secret, totp_step(world.clock.time) + off); }
  const Pairs mfa{{"acr_values", "urn:a:mfa"}};
  // Enrols alice and signs her in; the secret of her app.
  Secret enrol() {
    const auto page = sign_in("alice", "wonderland", mfa);
    EXPECT_EQ(page.status, 200) << page.body;
    const Secret secret = secret_on(page);
    EXPECT_EQ(secret.reveal().size(), 20u);
    last = browser.submit(page, {{"code", code_now(secret)}});
    EXPECT_EQ(last.status, 303) << last.body;
    recovery_code = between(page.body, "<ul><li><code>", "</code>");
    return secret;
  }
  http::Response last;
  std::string recovery_code;
  std::string denied() const {
    const auto records = world.log.records();
    for (auto record = records.rbegin(); record != records.rend(); ++record) {
      if (record->event == audit::Event::sign_in) return record->effect == audit::Effect::deny ? record->reason : "allowed";
    }
    return "";
  }
  json::Value id_claims() {
    const auto tokens = token({{"grant_type", "authorization_code"}, {"code", in_location(last, "code")}, {"redirect_uri", kCallback}, {"code_verifier", kVerifier}});
    return claims_in(*body(tokens).find_string("id_token"));
  }
};

TEST(SecondFactor, is_enrolled_at_first_need_and_flows_into_the_id_token) {
  FactorSite site;
  site.enrol();
  const auto claims = site.id_claims();
  EXPECT_EQ(*claims.find_string("acr"), "urn:a:mfa");
  EXPECT_EQ(json::write(*claims.find("amr")), R"(["pwd","otp","mfa"])");
  EXPECT_EQ(*claims.find_int("auth_time"), to_unix_seconds(site.world.clock.time));
  EXPECT_EQ(site.world.log.records().front().reason, "password_and_code");
  // It meets what was asked for: nobody is asked again.
  EXPECT_EQ(site.ask(site.mfa).status, 303);
  // What rests is sealed.
  const auto stored = site.world.documents.load("second_factors");
  ASSERT_EQ(stored->size(), 1u);
  EXPECT_EQ(stored->front().json.find(site.recovery_code), std::string::npos);
}

TEST(SecondFactor, a_weak_session_is_not_enough_and_prompt_none_says_so) {
  FactorSite site;
  ASSERT_EQ(site.sign_in().status, 303);
  EXPECT_EQ(site.ask().status, 303);
  EXPECT_EQ(site.ask(site.mfa).status, 200);
  EXPECT_EQ(in_location(site.ask({{"acr_values", "urn:a:mfa"}, {"prompt", "none"}}), "error"), "login_required");
  EXPECT_EQ(in_location(site.ask({{"acr_values", "urn:a:retina"}}), "error"), "unmet_authentication_requirements");
  EXPECT_EQ(in_location(site.ask({{"acr_values", "a  b"}}), "error"), "invalid_request");
  EXPECT_EQ(site.ask({{"max_age", "60"}}).status, 303);
  site.world.advance(61);
  EXPECT_EQ(site.ask({{"max_age", "60"}}).status, 200);
}

TEST(SecondFactor, who_is_enrolled_shows_a_code_at_every_sign_in) {
  FactorSite site;
  const Secret secret = site.enrol();
  site.world.advance(60);
  site.browser.cookies.clear();
  const auto page = site.sign_in();
  ASSERT_EQ(page.status, 200);
  EXPECT_EQ(page.body.find("id=\"secret\""), std::string::npos) << "the secret is shown once";
  site.last = site.browser.submit(page, {{"code", site.code_now(secret)}});
  ASSERT_EQ(site.last.status, 303) << site.last.body;
  EXPECT_EQ(*site.id_claims().find_string("acr"), "urn:a:mfa");
}

struct CodeRow {
  const char* name;
  std::function<std::string(FactorSite&, const Secret&)> code;
  const char* reason;      // allowed, or why not
};
class SecondFactorCodes : public testing::TestWithParam<CodeRow> {};

TEST_P(SecondFactorCodes, are_judged) {
  FactorSite site;
  const Secret secret = site.enrol();
  site.browser.cookies.clear();
  const auto page = site.sign_in("alice", "wonderland", site.mfa);
  const auto back = site.browser.submit(page, {{"code", GetParam().code(site, secret)}});
  EXPECT_EQ(site.denied(), GetParam().reason);
  EXPECT_EQ(back.status, std::string(GetParam().reason) == "allowed" ? 303 : 400);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, SecondFactorCodes,
    testing::Values(CodeRow{"the_next_one", [](FactorSite& site, const Secret& secret) { return site.code_now(secret, 1); }, "allowed"},
                    CodeRow{"the_one_that_enrolled", [](FactorSite& site, const Secret& secret) { return site.code_now(secret); }, "code_replayed"},
                    CodeRow{"too_far_ahead", [](FactorSite& site, const Secret& secret) { return site.code_now(secret, 2); }, "wrong_code"},
                    CodeRow{"too_old", [](FactorSite& site, const Secret& secret) { site.world.advance(90); return site.code_now(secret, -2); }, "wrong_code"},
                    CodeRow{"empty", [](FactorSite&, const Secret&) { return std::string(); }, "wrong_code"},
                    CodeRow{"of_another_secret", [](FactorSite& site, const Secret&) { return site.code_now(Secret("another secret of 20 ")); }, "wrong_code"},
                    CodeRow{"a_recovery_code", [](FactorSite& site, const Secret&) { return site.recovery_code; }, "allowed"},
                    CodeRow{"a_recovery_code_of_nobody", [](FactorSite&, const Secret&) { return std::string("AAAAA-AAAAA-AAAAA-AAAAA"); }, "wrong_code"}),
    [](const auto& row) { return row.param.name; });

TEST(SecondFactor, codes_are_spent_for_good) {
  FactorSite site;
  const Secret secret = site.enrol();
  site.world.advance(30);
  // The store is opened anew, as after a restart.
  auto again = std::move(*SecondFactors::open(site.world.documents, crypto::SealingKey(Secret("0123456789abcdef0123456789abcdef"))));
  EXPECT_TRUE(again->is_enrolled("usr_alice"));
  const std::string code = site.code_now(secret);
  EXPECT_EQ(*run(again->use("usr_alice", code, site.world.clock.time)), SecondFactors::Used::totp);
  EXPECT_EQ(*run(again->use("usr_alice", site.recovery_code, site.world.clock.time)), SecondFactors::Used::recovery_code);
  auto later = std::move(*SecondFactors::open(site.world.documents, crypto::SealingKey(Secret("0123456789abcdef0123456789abcdef"))));
  EXPECT_EQ(*run(later->use("usr_alice", code, site.world.clock.time)), SecondFactors::Used::replayed);
  EXPECT_EQ(*run(later->use("usr_alice", site.recovery_code, site.world.clock.time)), SecondFactors::Used::wrong);
  EXPECT_EQ(*run(later->use("usr_bob", code, site.world.clock.time)), SecondFactors::Used::not_enrolled);
  EXPECT_FALSE(SecondFactors::open(site.world.documents, crypto::SealingKey(Secret("another key of thirty-two bytes!")))) << "a factor that cannot be read is not no factor";
  EXPECT_TRUE(*run(later->reset("usr_alice")));
  EXPECT_FALSE(*run(later->reset("usr_alice")));
  EXPECT_FALSE(later->is_enrolled("usr_alice"));
}

TEST(SecondFactor, the_step_belongs_to_its_browser_its_request_and_its_password) {
  struct Case {
    const char* name;
    std::function<void(FactorSite&, Pairs&)> change;
  };
  for (const Case& one : std::vector<Case>{
           {"another browser", [](FactorSite& site, Pairs&) { site.browser.cookies["__Host-writ_browser"] = "another"; }},
           {"another request", [](FactorSite& site, Pairs& pairs) { Pairs asked = site.asked; asked.emplace_back("acr_values", "urn:a:mfa"); asked.emplace_back("login_hint", "x"); pairs.emplace_back("continue", form::write(asked)); }},
           {"a forged step", [](FactorSite&, Pairs& pairs) { pairs.emplace_back("step", "AAAA"); }},
           {"another site's page", [](FactorSite& site, Pairs&) { site.browser.origin = "https://evil.example"; }},
           {"too late", [](FactorSite& site, Pairs&) { site.world.advance(300); }},
           {"a new password", [](FactorSite& site, Pairs&) { site.world.change([](registry::Objects& objects) { objects.users[0].password_hash = "plain:new"; }); }},
           {"a disabled person", [](FactorSite& site, Pairs&) { site.world.change([](registry::Objects& objects) { objects.users[0].active = false; }); }}}) {
    FactorSite site;
    const Secret secret = site.enrol();
    site.world.advance(60);
    site.browser.cookies.clear();
    const auto page = site.sign_in("alice", "wonderland", site.mfa);
    ASSERT_EQ(page.status, 200);
    Pairs pairs;
    one.change(site, pairs);
    pairs.emplace_back("code", site.code_now(secret));
    const auto back = site.browser.submit(page, pairs);
    EXPECT_TRUE(location(back).starts_with(std::string(kIssuer) + "/authorize?")) << one.name << ": " << back.status << " " << location(back);
  }
}

TEST(SecondFactor, guessing_is_slowed_down_per_person_from_whatever_source) {
  FactorSite site;
  site.enrol();
  site.browser.cookies.clear();
  auto page = site.sign_in("alice", "wonderland", site.mfa);
  int refused = 0, heard = 0;
  for (int i = 0; i < 12; ++i) {
    site.browser.peer = "198.51.100." + std::to_string(i);
    const auto back = site.browser.submit(page, {{"code", "000000"}});
    (back.status == 429 ? refused : heard) += 1;
  }
  EXPECT_EQ(heard, 6) << "five, and the first of the queue";
  EXPECT_EQ(refused, 6);
}

TEST(SecondFactor, a_code_that_cannot_be_recorded_as_spent_lets_nobody_in) {
  FactorSite site;
  const Secret secret = site.enrol();
  site.world.advance(60);
  site.browser.cookies.clear();
  const auto page = site.sign_in("alice", "wonderland", site.mfa);
  site.world.documents.fail_from_now_on(true);
  EXPECT_EQ(site.browser.submit(page, {{"code", site.code_now(secret)}}).status, 503);
  site.world.documents.fail_from_now_on(false);
  EXPECT_EQ(site.browser.submit(page, {{"code", site.code_now(secret)}}).status, 400) << "spent all the same";
}

}  // namespace
}  // namespace writ::token_service::idp
