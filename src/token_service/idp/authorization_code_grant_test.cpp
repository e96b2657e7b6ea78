#include "token_service/idp/authorization_code_grant.h"

#include "token_service/idp/idp_fixture.h"
#include "token_service/pkce.h"

namespace writ::token_service::idp {
namespace {

struct Redeem {
  World world;
  Session session = world.begin_session();
  std::string code = "code-1";
  AuthorizationCode stored;
  std::string agent = "cursor", device, device_user;
  Pairs parameters{{"code", code}, {"redirect_uri", kCallback}, {"code_verifier", kVerifier}};

  explicit Redeem(const char* for_agent = "cursor", const char* scope = "openid offline_access") : agent(for_agent) {
    stored.digest = digest_of(code), stored.grant_id = "grt_9", stored.client_id = agent + "-idp", stored.agent_id = agent;
    stored.user_id = "usr_alice", stored.sid = session.id, stored.redirect_uri = kCallback, stored.code_challenge = kChallenge;
    stored.nonce = "nonce-1", stored.scope = scope, stored.expires = kNow + Seconds{60};
    EXPECT_TRUE(run(world.codes->add(stored)));
  }
  void set(const char* name, std::string value) {
    std::erase_if(parameters, [&](const auto& pair) { return pair.first == name; });
    if (!value.empty()) parameters.emplace_back(name, std::move(value));
  }
  Outcome decide() {
    TokenRequest request = token_request(world, parameters);
    AuthorizationCodeGrant grant(world.idp);
    return idp::decide(grant, request, world.client(agent.c_str(), device, device_user));
  }
};

TEST(CodeGrant, gives_an_id_token_an_access_token_for_userinfo_and_a_refresh_token_when_asked) {
  Redeem redeem;
  const Outcome outcome = redeem.decide();
  ASSERT_EQ(reason_of(outcome), "granted");
  const auto& body = std::get<Granted>(outcome).body;
  const auto jwt = jose::UnverifiedJwt::parse(text_member(body, "id_token"));
  ASSERT_TRUE(jwt);
  EXPECT_TRUE(jwt->has_type("JWT"));
  const auto& claims = jwt->claimed();
  EXPECT_EQ(*claims.find_string("iss"), kIssuer);
  EXPECT_EQ(*claims.find_string("aud"), "cursor-idp");
  EXPECT_EQ(*claims.find_string("nonce"), "nonce-1");
  EXPECT_EQ(*claims.find_string("sid"), redeem.session.id);
  EXPECT_EQ(*claims.find_string("acr"), "urn:writ:acr:password");
  EXPECT_EQ(*claims.find("amr"), json::Value(json::Array{"pwd"}));
  EXPECT_EQ(*claims.find_int("exp") - *claims.find_int("iat"), 3600);
  EXPECT_FALSE(claims.find("email"));
  const auto access = jose::UnverifiedJwt::parse(text_member(body, "access_token"));
  ASSERT_TRUE(access);
  EXPECT_TRUE(access->has_type("at+jwt"));
  EXPECT_EQ(*access->claimed().find_string("aud"), std::string(kIssuer) + "/userinfo");
  carry_out(outcome);
  EXPECT_TRUE(redeem.world.refresh_tokens->find(text_member(body, "refresh_token")));
  EXPECT_TRUE(redeem.world.codes->find("code-1")->used);
}

TEST(CodeGrant, releases_what_the_scopes_name) {
  Redeem redeem("cursor", "openid email profile groups");
  const Outcome outcome = redeem.decide();
  const auto claims = claims_in(text_member(std::get<Granted>(outcome).body, "id_token"));
  EXPECT_EQ(*claims.find_string("email"), "alice@acme.example");
  EXPECT_EQ(*claims.find_string("name"), "Alice A.");
  EXPECT_EQ(*claims.find("groups"), json::Value(json::Array{"eng"}));
  EXPECT_EQ(text_member(std::get<Granted>(outcome).body, "refresh_token"), "");
}

struct Row {
  const char* name;
  std::function<void(Redeem&)> change;
  const char* reason;
  const char* error;
};
class CodeRefusal : public testing::TestWithParam<Row> {};
TEST_P(CodeRefusal, names_its_reason_and_leaves_the_code_good_for_its_owner) {
  Redeem redeem;
  GetParam().change(redeem);
  const Outcome outcome = redeem.decide();
  EXPECT_EQ(reason_of(outcome), GetParam().reason);
  EXPECT_EQ(error_of(outcome), GetParam().error);
  EXPECT_FALSE(redeem.world.codes->find("code-1")->used);
  EXPECT_FALSE(redeem.world.revocations->is_token_revoked("grt_9"));
}
INSTANTIATE_TEST_SUITE_P(Rows, CodeRefusal, testing::Values(
    Row{"code_absent", [](Redeem& r) { r.set("code", ""); }, "missing_parameter", "invalid_request"},
    Row{"redirect_uri_absent", [](Redeem& r) { r.set("redirect_uri", ""); }, "missing_parameter", "invalid_request"},
    Row{"verifier_absent", [](Redeem& r) { r.set("code_verifier", ""); }, "missing_parameter", "invalid_request"},
    Row{"code_unknown", [](Redeem& r) { r.set("code", "code-2"); }, "code_unknown", "invalid_grant"},
    Row{"code_is_the_stored_digest", [](Redeem& r) { r.set("code", digest_of("code-1")); }, "code_unknown", "invalid_grant"},
    Row{"another_client", [](Redeem& r) { r.agent = "unmapped"; }, "code_of_another_client", "invalid_grant"},
    Row{"another_port", [](Redeem& r) { r.set("redirect_uri", "http://127.0.0.1:49801/callback"); }, "code_redirect_uri_mismatch",
        "invalid_grant"},
    Row{"verifier_of_another", [](Redeem& r) { r.set("code_verifier", std::string(43, 'a')); }, "code_verifier_mismatch", "invalid_grant"},
    Row{"verifier_is_the_challenge", [](Redeem& r) { r.set("code_verifier", kChallenge); }, "code_verifier_mismatch", "invalid_grant"},
    Row{"verifier_too_short", [](Redeem& r) { r.set("code_verifier", std::string(42, 'a')); }, "code_verifier_malformed", "invalid_grant"},
    Row{"verifier_with_a_plus", [](Redeem& r) { r.set("code_verifier", std::string(43, '+')); }, "code_verifier_malformed", "invalid_grant"},
    Row{"expired_this_second", [](Redeem& r) { r.world.advance(60); }, "code_expired", "invalid_grant"},
    Row{"signed_out_meanwhile", [](Redeem& r) { EXPECT_TRUE(run(r.world.sessions->end(r.session.id))); }, "session_ended", "invalid_grant"},
    Row{"user_disabled_meanwhile", [](Redeem& r) { r.world.change([](auto& objects) { objects.users[0].active = false; }); },
        "user_disabled", "invalid_grant"},
    Row{"agent_disabled_meanwhile", [](Redeem& r) { r.world.change([](auto& objects) { objects.agents[0].active = false; }); },
        "agent_disabled", "unauthorized_client"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(CodeGrant, is_good_until_its_last_second) {
  Redeem redeem;
  redeem.world.advance(59);
  EXPECT_EQ(reason_of(redeem.decide()), "granted");
}

TEST(CodeReplay, revokes_what_the_code_gave_also_when_it_is_seen_after_its_expiry) {
  for (const std::int64_t later : {1, 61, 599}) {
    Redeem redeem;
    const Outcome first = redeem.decide();
    carry_out(first);
    redeem.world.advance(later);
    const Outcome second = redeem.decide();
    EXPECT_EQ(reason_of(second), "code_replayed") << later;
    EXPECT_TRUE(redeem.world.revocations->is_token_revoked("grt_9"));
    EXPECT_TRUE(redeem.world.refresh_tokens->find(text_member(std::get<Granted>(first).body, "refresh_token"))->family.revoked);
  }
}

TEST(CodeReplay, with_a_wrong_verifier_revokes_nothing) {
  Redeem redeem;
  carry_out(redeem.decide());
  redeem.set("code_verifier", std::string(43, 'a'));
  EXPECT_EQ(reason_of(redeem.decide()), "code_verifier_mismatch");
  EXPECT_FALSE(redeem.world.revocations->is_token_revoked("grt_9"));
}

TEST(CodeReplay, at_the_same_moment_is_settled_by_the_claim_and_the_loser_takes_the_winners_tokens) {
  Redeem redeem;
  const Outcome one = redeem.decide(), two = redeem.decide();
  const auto& winner = std::get<Granted>(one);
  const auto& loser = std::get<Granted>(two);
  ASSERT_TRUE(winner.claim && loser.claim && loser.if_replayed);
  EXPECT_EQ(winner.claim->key, loser.claim->key);
  EXPECT_EQ(loser.if_replayed->reason, "code_replayed");
  // The loser's revocation may come before the winner has written its family: then the winner hands out nothing.
  EXPECT_TRUE(run(loser.after_replay()));
  EXPECT_FALSE(run(winner.after_commit()));
}

// ---- PKCE

TEST(Pkce, follows_appendix_b_of_rfc_7636) {
  EXPECT_TRUE(answers(kVerifier, kChallenge));
  EXPECT_FALSE(answers(kChallenge, kVerifier));
}
TEST(Pkce, verifiers_are_43_to_128_unreserved_characters) {
  EXPECT_FALSE(is_code_verifier(std::string(42, 'a')));
  EXPECT_TRUE(is_code_verifier(std::string(43, 'a')));
  EXPECT_TRUE(is_code_verifier(std::string(128, '~')));
  EXPECT_FALSE(is_code_verifier(std::string(129, 'a')));
  for (const char c : {' ', '+', '/', '=', '%', '\0', '\n'}) EXPECT_FALSE(is_code_verifier(std::string(42, 'a') + c)) << c;
}
TEST(Pkce, challenges_are_canonical_base64url_of_32_bytes) {
  EXPECT_TRUE(is_code_challenge(kChallenge));
  EXPECT_FALSE(is_code_challenge(std::string(kChallenge) + "="));
  EXPECT_FALSE(is_code_challenge(std::string(kChallenge).substr(1)));
  EXPECT_FALSE(is_code_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"));   // unused bits set
  EXPECT_FALSE(is_code_challenge(""));
}

// ---- device keys (the first credential on a laptop)

struct Register : Redeem {
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::Algorithm::es256);
  json::Value jwk = jose::to_json(jose::Jwk{"", crypto::Algorithm::es256, key.public_key()});
  json::Value proof{{"iss", "writ-cli-idp"},
                    {"sub", "writ-cli-idp"},
                    {"aud", kIssuer},
                    {"iat", to_unix_seconds(kNow)},
                    {"exp", to_unix_seconds(kNow) + 300},
                    {"jti", "p1"},
                    {"code", digest_of("code-1")}};
  std::string type = "writ-device+jwt";
  bool with_key = true, with_proof = true, other_signer = false;

  explicit Register(const char* for_agent = "writ-cli") : Redeem(for_agent, "openid") {}
  std::string thumbprint() const { return jose::thumbprint(key.public_key()); }
  Outcome decide() {
    if (with_key) set("writ_device_key", json::write(jwk));
    const auto signer = other_signer ? crypto::PrivateKey::generate(crypto::Algorithm::es256) : key;
    if (with_proof) set("writ_device_proof", jose::sign({"k", crypto::Algorithm::es256, signer}, type, proof));
    return Redeem::decide();
  }
};

TEST(DeviceRegistration, makes_the_key_the_persons_and_binds_the_refresh_token_to_it) {
  Register device;
  device.set("writ_device_name", "Alice's \x1b[31mlaptop");
  const Outcome outcome = device.decide();
  ASSERT_EQ(reason_of(outcome), "granted");
  const auto& granted = std::get<Granted>(outcome);
  EXPECT_EQ(granted.record.event, audit::Event::device_registered);
  carry_out(outcome);
  const auto key = device.world.device_keys->find(device.thumbprint());
  ASSERT_TRUE(key);
  EXPECT_EQ(key->id, text_member(granted.body, "device_id"));
  EXPECT_EQ(key->user_id, "usr_alice");
  EXPECT_EQ(key->agent_id, "writ-cli");
  EXPECT_EQ(key->session, device.session.id);
  EXPECT_EQ(key->name, "Alice's [31mlaptop");   // no control characters
  const auto family = device.world.refresh_tokens->find(text_member(granted.body, "refresh_token"));
  ASSERT_TRUE(family);
  EXPECT_EQ(family->family.device_id, key->id);
}

TEST(DeviceRegistration, without_a_key_is_an_ordinary_sign_in) {
  Register device;
  device.with_key = device.with_proof = false;
  const Outcome outcome = device.decide();
  ASSERT_EQ(reason_of(outcome), "granted");
  EXPECT_EQ(text_member(std::get<Granted>(outcome).body, "device_id"), "");
  EXPECT_EQ(text_member(std::get<Granted>(outcome).body, "refresh_token"), "");
}

TEST(DeviceRegistration, of_the_same_key_by_the_same_person_keeps_its_id) {
  Register device;
  EXPECT_TRUE(run(device.world.device_keys->add(
      DeviceKey{"dev_1", "usr_alice", "writ-cli", "laptop", device.thumbprint(), "{}", "ses_0", true, kNow - Seconds{9}})));
  const Outcome outcome = device.decide();
  ASSERT_EQ(reason_of(outcome), "granted");
  EXPECT_EQ(text_member(std::get<Granted>(outcome).body, "device_id"), "dev_1");
}

TEST(DeviceRegistration, signing_in_again_with_the_devices_key_binds_to_it_without_registering_it_again) {
  Redeem redeem("writ-cli", "openid");
  redeem.device = "dev_1", redeem.device_user = "usr_alice";
  const Outcome outcome = redeem.decide();
  ASSERT_EQ(reason_of(outcome), "granted");
  carry_out(outcome);
  const auto family = redeem.world.refresh_tokens->find(text_member(std::get<Granted>(outcome).body, "refresh_token"));
  ASSERT_TRUE(family);
  EXPECT_EQ(family->family.device_id, "dev_1");
}

TEST(DeviceRegistration, the_key_of_one_person_redeems_no_code_of_another) {
  Redeem redeem("writ-cli");
  redeem.device = "dev_1", redeem.device_user = "usr_bob";
  EXPECT_EQ(reason_of(redeem.decide()), "subject_of_another_device_user");
}

struct DeviceRow {
  const char* name;
  std::function<void(Register&)> change;
  const char* reason;
};
class DeviceRefusal : public testing::TestWithParam<DeviceRow> {};
TEST_P(DeviceRefusal, names_its_reason_and_registers_nothing) {
  Register device;
  GetParam().change(device);
  const Outcome outcome = device.decide();
  EXPECT_EQ(reason_of(outcome), GetParam().reason);
  const auto key = device.world.device_keys->find(device.thumbprint());
  EXPECT_TRUE(!key || !key->active || key->user_id == "usr_bob");
}
void known_key(Register& r, const char* user, bool active) {
  EXPECT_TRUE(run(r.world.device_keys->add(DeviceKey{"dev_1", user, "writ-cli", "laptop", r.thumbprint(), "{}", "s", active, kNow})));
}
INSTANTIATE_TEST_SUITE_P(Rows, DeviceRefusal, testing::Values(
    DeviceRow{"proof_absent", [](Register& r) { r.with_proof = false; }, "missing_parameter"},
    DeviceRow{"key_absent", [](Register& r) { r.with_key = false; }, "missing_parameter"},
    DeviceRow{"key_with_private_part", [](Register& r) { r.jwk.set("d", "AAAA"); }, "device_key_malformed"},
    DeviceRow{"key_off_the_curve", [](Register& r) { r.jwk.set("x", *r.jwk.find_string("y")); }, "device_key_malformed"},
    DeviceRow{"key_of_another_curve",
              [](Register& r) {
                const auto other = crypto::PrivateKey::generate(crypto::Algorithm::es384);
                r.jwk = jose::to_json(jose::Jwk{"", crypto::Algorithm::es384, other.public_key()});
              },
              "device_key_malformed"},
    DeviceRow{"key_symmetric", [](Register& r) { r.jwk = json::Value{{"kty", "oct"}, {"k", "AAAA"}}; }, "device_key_malformed"},
    DeviceRow{"key_is_no_object", [](Register& r) { r.jwk = json::Value("x"); }, "device_key_malformed"},
    DeviceRow{"signed_by_another_key", [](Register& r) { r.other_signer = true; }, "device_proof_invalid"},
    DeviceRow{"proof_of_another_type", [](Register& r) { r.type = "client-authentication+jwt"; }, "device_proof_invalid"},
    DeviceRow{"issuer_is_another_client", [](Register& r) { r.proof.set("iss", "cursor-idp"); }, "device_proof_invalid"},
    DeviceRow{"subject_is_another_client", [](Register& r) { r.proof.set("sub", "cursor-idp"); }, "device_proof_invalid"},
    DeviceRow{"audience_is_another_idp", [](Register& r) { r.proof.set("aud", kOtherRas); }, "device_proof_invalid"},
    DeviceRow{"two_audiences", [](Register& r) { r.proof.set("aud", json::Array{kIssuer, kOtherRas}); }, "device_proof_invalid"},
    DeviceRow{"expired", [](Register& r) { r.proof.set("exp", to_unix_seconds(kNow) - 30); }, "device_proof_invalid"},
    DeviceRow{"lives_longer_than_five_minutes", [](Register& r) { r.proof.set("exp", to_unix_seconds(kNow) + 301); }, "device_proof_invalid"},
    DeviceRow{"issue_time_absent", [](Register& r) { r.proof.erase("iat"); }, "device_proof_invalid"},
    DeviceRow{"jti_absent", [](Register& r) { r.proof.erase("jti"); }, "device_proof_invalid"},
    DeviceRow{"made_for_another_code", [](Register& r) { r.proof.set("code", digest_of("code-2")); }, "device_proof_invalid"},
    DeviceRow{"code_in_the_clear", [](Register& r) { r.proof.set("code", "code-1"); }, "device_proof_invalid"},
    DeviceRow{"code_absent", [](Register& r) { r.proof.erase("code"); }, "device_proof_invalid"},
    DeviceRow{"key_of_somebody_else", [](Register& r) { known_key(r, "usr_bob", true); }, "device_key_of_another_user"},
    DeviceRow{"key_that_was_revoked", [](Register& r) { known_key(r, "usr_alice", false); }, "device_key_revoked"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(DeviceRegistration, is_not_for_clients_that_have_credentials_of_their_own) {
  Register device("cursor");
  device.proof.set("iss", "cursor-idp"), device.proof.set("sub", "cursor-idp");
  EXPECT_EQ(reason_of(device.decide()), "device_key_not_offered");
}

}  // namespace
}  // namespace writ::token_service::idp
