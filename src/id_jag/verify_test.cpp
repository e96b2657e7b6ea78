#include "id_jag/verify.h"

#include <gtest/gtest.h>

#include "encoding/base64url.h"
#include "id_jag/issue.h"
#include "oauth/identifiers.h"

namespace writ::id_jag {
namespace {

constexpr std::int64_t kNow = 1'795'000'000;
const std::vector<crypto::Algorithm> kAllowed{crypto::Algorithm::es256};

const jose::SigningKey& issuer_key() {
  static const jose::SigningKey key{"k1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  return key;
}

Statement statement() {
  Statement said;
  said.issuer = "https://idp.example";
  said.subject = "u1";
  said.audience = "https://ras.example";
  said.client_id = "c1";
  said.jti = "j1";
  said.issued_at = kNow;
  said.expires = kNow + 300;
  said.resources = {"https://mcp.example/notes"};
  said.scope = "read write";
  said.auth_time = kNow - 10;
  said.acr = "mfa";
  said.amr = {"pwd"};
  said.sid = "s1";
  return said;
}

Expectations expectations() {
  return {.issuer = "https://idp.example", .audience = "https://ras.example", .client_id = "c1", .algorithms = kAllowed, .now_seconds = kNow};
}

std::string outcome(std::string_view assertion) {
  const auto unverified = parse(assertion);
  if (!unverified) return std::string(to_string(unverified.error()));
  const auto verified = verify(*unverified, jose::KeySet({issuer_key().public_jwk()}), expectations());
  return verified ? "verified" : std::string(to_string(verified.error()));
}

TEST(IdJag, SaysAtTheOtherEndWhatTheIssuerStated) {
  const auto unverified = parse(*issue(statement(), issuer_key()));
  ASSERT_TRUE(unverified);
  EXPECT_EQ(unverified->claimed_issuer(), "https://idp.example");
  EXPECT_EQ(unverified->claimed_jti(), "j1");
  const auto verified = verify(*unverified, jose::KeySet({issuer_key().public_jwk()}), expectations());
  ASSERT_TRUE(verified);
  const IdJag& claims = verified->claims();
  EXPECT_EQ(claims.issuer, "https://idp.example");
  EXPECT_EQ(claims.subject, "u1");
  EXPECT_EQ(claims.audience, "https://ras.example");
  EXPECT_EQ(claims.client_id, "c1");
  EXPECT_EQ(claims.jti, "j1");
  EXPECT_EQ(claims.issued_at, kNow);
  EXPECT_EQ(claims.expires, kNow + 300);
  EXPECT_EQ(claims.resources, std::vector<std::string>{"https://mcp.example/notes"});
  EXPECT_EQ(claims.scope->to_string(), "read write");
  EXPECT_EQ(claims.auth_time, kNow - 10);
  EXPECT_EQ(claims.acr, "mfa");
  EXPECT_EQ(claims.amr, std::vector<std::string>{"pwd"});
  EXPECT_EQ(claims.sid, "s1");
}

TEST(IdJag, IsRefusedWhenCutAnywhere) {
  const std::string whole = *issue(statement(), issuer_key());
  ASSERT_EQ(outcome(whole), "verified");
  for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_NE(outcome(whole.substr(0, length)), "verified") << length;
}

TEST(IdJag, IsRefusedWhenAnyCharacterIsAnother) {
  const std::string whole = *issue(statement(), issuer_key());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(outcome(changed), "verified") << i;
  }
}

// J12: two readers that take different members for the same claim must never meet.
TEST(IdJag, IsRefusedWithARepeatedClaim) {
  for (const char* name : {"sub", "aud", "exp", "client_id", "scope", "iss", "jti", "resource"}) {
    const json::Value claims = claims_of(statement());
    std::string text = json::write(claims);
    text.insert(text.size() - 1, ",\"" + std::string(name) + "\":" + json::write(*claims.find(name)));
    const std::string input = base64url::encode(R"({"alg":"ES256","kid":"k1","typ":"oauth-id-jag+jwt"})") + "." + base64url::encode(text);
    EXPECT_EQ(outcome(input + "." + base64url::encode(issuer_key().key.sign(crypto::Algorithm::es256, input))), "not_a_jwt") << name;
  }
}

TEST(IdJag, IsOfTheIssuerWhoseKeysWereUsed) {
  const auto unverified = parse(*issue(statement(), issuer_key()));
  Expectations expected = expectations();
  expected.issuer = "https://other.example";
  const auto verified = verify(*unverified, jose::KeySet({issuer_key().public_jwk()}), expected);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error(), Rejection::issuer_mismatch);
}

}  // namespace
}  // namespace writ::id_jag
