#include "id_jag/issue.h"

#include <gtest/gtest.h>

namespace writ::id_jag {
namespace {

Statement good() {
  Statement statement;
  statement.issuer = "https://id.acme.example", statement.subject = "usr_alice", statement.audience = "https://as.quill.example";
  statement.client_id = "cursor-at-quill", statement.jti = "j1", statement.issued_at = 1'795'000'000, statement.expires = 1'795'000'300;
  return statement;
}

TEST(IdJagIssue, states_the_required_claims_and_nothing_that_was_not_said) {   // IDJAG-02
  const auto claims = claims_of(good());
  std::vector<std::string> names;
  for (const auto& member : *claims.as_object()) names.push_back(member.name);
  EXPECT_EQ(names, (std::vector<std::string>{"iss", "sub", "aud", "client_id", "jti", "iat", "exp"}));
  EXPECT_TRUE(claims.find("aud")->is_string());   // IDJAG-04: one audience, never an array
}

TEST(IdJagIssue, states_what_was_granted) {
  Statement statement = good();
  statement.resources = {"https://mcp.quill.example/mcp"}, statement.scope = "notes:read notes:write", statement.email = "a@acme.example";
  statement.aud_sub = "acct-9", statement.auth_time = 1'794'999'400, statement.acr = "phr", statement.amr = {"hwk", "mfa"};
  statement.sid = "ses_1";
  const auto claims = claims_of(statement);
  EXPECT_EQ(*claims.find_string("resource"), "https://mcp.quill.example/mcp");
  EXPECT_EQ(*claims.find_string("scope"), "notes:read notes:write");   // a string, never an array
  EXPECT_EQ(*claims.find_string("email"), "a@acme.example");
  EXPECT_EQ(*claims.find_string("aud_sub"), "acct-9");
  EXPECT_EQ(*claims.find_int("auth_time"), 1'794'999'400);
  EXPECT_EQ(*claims.find_string("acr"), "phr");
  EXPECT_EQ(*claims.find("amr"), json::Value(json::Array{"hwk", "mfa"}));
  EXPECT_EQ(*claims.find_string("sid"), "ses_1");
}

TEST(IdJagIssue, states_several_resources_as_an_array_and_what_else_an_audience_is_told) {
  Statement statement = good();
  statement.resources = {"https://a.example", "https://b.example"}, statement.aud_tenant = "acme", statement.email = "a@acme.example", statement.email_verified = true;
  statement.authorization_details = {json::Value{{"type", "payment"}}};
  auto claims = claims_of(statement);
  EXPECT_EQ(*claims.find("resource"), json::Value(json::Array{"https://a.example", "https://b.example"}));
  EXPECT_EQ(*claims.find_string("aud_tenant"), "acme");
  EXPECT_TRUE(*claims.find_bool("email_verified"));
  EXPECT_EQ(json::write(*claims.find("authorization_details")), R"([{"type":"payment"}])");
  statement.email_verified = false;
  EXPECT_FALSE(claims_of(statement).find("email_verified"));
  statement.email_verified = true, statement.email.clear();
  EXPECT_FALSE(claims_of(statement).find("email_verified")) << "without an address nothing was checked";
}

TEST(IdJagIssue, is_signed_under_its_own_type_with_the_key_that_it_names) {   // IDJAG-01, IDJAG-03
  const jose::SigningKey key{"k1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  auto jwt = jose::UnverifiedJwt::parse(*issue(good(), key));
  ASSERT_TRUE(jwt);
  EXPECT_TRUE(jwt->has_type("oauth-id-jag+jwt"));
  EXPECT_EQ(*jwt->kid(), "k1");
  static constexpr crypto::Algorithm kAllowed[] = {crypto::Algorithm::es256};
  EXPECT_TRUE(jose::VerifiedJwt::verify(*jwt, jose::KeySet({key.public_jwk()}), kAllowed));
  const jose::SigningKey stranger{"k1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  const auto forged = jose::VerifiedJwt::verify(*jwt, jose::KeySet({stranger.public_jwk()}), kAllowed);
  ASSERT_FALSE(forged);
  EXPECT_EQ(forged.error(), jose::JwtProblem::bad_signature);
}

}  // namespace
}  // namespace writ::id_jag
