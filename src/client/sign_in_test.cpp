#include "client/sign_in.h"

#include <gtest/gtest.h>

#include "encoding/form.h"

namespace writ::client {
namespace {

const Instant kNow = from_unix_seconds(1'795'000'000);

AuthorizationServer idp() {
  AuthorizationServer server;
  server.issuer = "https://idp.example";
  server.authorization_endpoint = "https://idp.example/authorize";
  server.code_challenge_methods = {"S256"};
  server.sends_iss = true;
  return server;
}

SignInAttempt attempt() { return *begin_sign_in(idp(), "desk", "http://127.0.0.1:1/cb", {}); }

TEST(BeginSignIn, AsksForACodeWithPkceStateAndNonce) {
  const SignInAttempt begun = attempt();
  const auto query = form::parse(begun.authorization_url.substr(begun.authorization_url.find('?') + 1));
  ASSERT_TRUE(query);
  EXPECT_EQ(*query->find("response_type"), "code");
  EXPECT_EQ(*query->find("state"), begun.state);
  EXPECT_EQ(*query->find("nonce"), begun.nonce);
  EXPECT_EQ(*query->find("code_challenge_method"), "S256");
  EXPECT_GE(begun.code_verifier.size(), 43U);                                    // RFC 7636 §4.1
  EXPECT_EQ(begun.authorization_url.find(begun.code_verifier), std::string::npos);
  EXPECT_NE(begun.state, attempt().state);
}

// MCPA-56
TEST(BeginSignIn, RefusesAnIdpWithoutS256) {
  for (const std::vector<std::string>& methods : {std::vector<std::string>{}, {"plain"}}) {
    auto server = idp();
    server.code_challenge_methods = methods;
    const auto begun = begin_sign_in(server, "desk", "http://127.0.0.1:1/cb", {});
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().kind, FailureKind::bad_metadata);
  }
}

struct Answer {
  const char* name;
  bool idp_sends_iss;
  std::string query;            // STATE stands for the right state
  bool accepted;
  const char* error = "";
};
class AuthorizationResponse : public testing::TestWithParam<Answer> {};

// MCPA-91: the table of RFC 9207, and `state` before anything else.
TEST_P(AuthorizationResponse, IsJudgedBeforeTheCodeTravels) {
  auto server = idp();
  server.sends_iss = GetParam().idp_sends_iss;
  const SignInAttempt begun = *begin_sign_in(server, "desk", "http://127.0.0.1:1/cb", {});
  std::string query = GetParam().query;
  if (const auto at = query.find("STATE"); at != std::string::npos) query.replace(at, 5, begun.state);
  const auto code = read_authorization_response(begun, query);
  EXPECT_EQ(code.has_value(), GetParam().accepted);
  if (!code) {
    EXPECT_EQ(code.error().error, GetParam().error);
  }
}
INSTANTIATE_TEST_SUITE_P(
    Rfc9207, AuthorizationResponse,
    testing::Values(Answer{"advertised_and_equal", true, "code=c&state=STATE&iss=https%3A%2F%2Fidp.example", true},
                    Answer{"advertised_and_absent", true, "code=c&state=STATE", false},
                    Answer{"advertised_and_other", true, "code=c&state=STATE&iss=https%3A%2F%2Fevil.example", false},
                    Answer{"not_advertised_and_absent", false, "code=c&state=STATE", true},
                    Answer{"not_advertised_and_equal", false, "code=c&state=STATE&iss=https%3A%2F%2Fidp.example", true},
                    Answer{"not_advertised_and_other", false, "code=c&state=STATE&iss=https%3A%2F%2Fevil.example", false},
                    Answer{"trailing_slash_is_another_issuer", true, "code=c&state=STATE&iss=https%3A%2F%2Fidp.example%2F", false},
                    Answer{"wrong_state", false, "code=c&state=other", false}, Answer{"no_state", false, "code=c", false},
                    Answer{"state_twice", false, "code=c&state=STATE&state=STATE", false},
                    Answer{"no_code", false, "state=STATE", false},
                    Answer{"error_of_the_right_issuer_is_told", false, "error=access_denied&state=STATE", false, "access_denied"},
                    Answer{"error_of_another_issuer_is_not", false, "error=access_denied&state=STATE&iss=https%3A%2F%2Fevil.example", false, ""}),
    [](const auto& row) { return row.param.name; });

class IdToken : public testing::Test {
 protected:
  SignInAttempt attempt_ = attempt();
  jose::SigningKey key_{"k1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  jose::KeySet keys_{{key_.public_jwk()}};
  json::Value claims_{{"iss", "https://idp.example"}, {"aud", "desk"}, {"sub", "usr_1"}, {"nonce", attempt_.nonce},
                      {"iat", to_unix_seconds(kNow)}, {"exp", to_unix_seconds(kNow) + 3600}, {"auth_time", to_unix_seconds(kNow) - 100}};

  std::optional<IdTokenProblem> problem(std::optional<std::int64_t> max_age = std::nullopt, std::string_view type = "JWT") {
    const auto verified = verify_id_token(jose::sign(key_, type, claims_), keys_, attempt_, max_age, kNow);
    if (verified) return std::nullopt;
    return verified.error();
  }
};

// OB-131, row by row.
TEST_F(IdToken, GoodOneIsAccepted) { EXPECT_EQ(problem(), std::nullopt); }
TEST_F(IdToken, IssuerMustBeTheOneAsked) { claims_.set("iss", "https://idp.example/"); EXPECT_EQ(problem(), IdTokenProblem::wrong_issuer); }
TEST_F(IdToken, AudienceMustContainUs) { claims_.set("aud", "other"); EXPECT_EQ(problem(), IdTokenProblem::wrong_audience); }
TEST_F(IdToken, AudienceMustBeThere) { claims_.erase("aud"); EXPECT_EQ(problem(), IdTokenProblem::wrong_audience); }
TEST_F(IdToken, SeveralAudiencesNeedAnAuthorizedParty) {
  claims_.set("aud", json::Array{json::Value("desk"), json::Value("other")});
  EXPECT_EQ(problem(), IdTokenProblem::wrong_authorized_party);
  claims_.set("azp", "desk");
  EXPECT_EQ(problem(), std::nullopt);
}
TEST_F(IdToken, AuthorizedPartyMustBeUs) { claims_.set("azp", "other"); EXPECT_EQ(problem(), IdTokenProblem::wrong_authorized_party); }
TEST_F(IdToken, NonceMustBeOurs) { claims_.set("nonce", "other"); EXPECT_EQ(problem(), IdTokenProblem::wrong_nonce); }
TEST_F(IdToken, NonceMustBeThere) { claims_.erase("nonce"); EXPECT_EQ(problem(), IdTokenProblem::wrong_nonce); }
TEST_F(IdToken, MustNotBeExpired) { claims_.set("exp", to_unix_seconds(kNow) - 31); EXPECT_EQ(problem(), IdTokenProblem::bad_times); }
TEST_F(IdToken, ExpiryMayBeWithinTheSkew) { claims_.set("exp", to_unix_seconds(kNow) - 29); claims_.set("iat", to_unix_seconds(kNow) - 3600); EXPECT_EQ(problem(), std::nullopt); }
TEST_F(IdToken, AnAccessTokenIsNone) { EXPECT_EQ(problem(std::nullopt, "at+jwt"), IdTokenProblem::wrong_type); }
TEST_F(IdToken, AnIdJagIsNone) { EXPECT_EQ(problem(std::nullopt, "oauth-id-jag+jwt"), IdTokenProblem::wrong_type); }
TEST_F(IdToken, MaxAgeNeedsAFreshSignIn) {
  EXPECT_EQ(problem(100), std::nullopt);
  EXPECT_EQ(problem(69), IdTokenProblem::authenticated_too_long_ago);
  claims_.erase("auth_time");
  EXPECT_EQ(problem(100), IdTokenProblem::authenticated_too_long_ago);
}
TEST_F(IdToken, SignatureOfAnotherKeyIsRefused) {
  const jose::SigningKey other{"k1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  const auto verified = verify_id_token(jose::sign(other, "JWT", claims_), keys_, attempt_, std::nullopt, kNow);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error(), IdTokenProblem::bad_signature);
}

}  // namespace
}  // namespace writ::client
