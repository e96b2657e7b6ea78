#include "signals/security_event_token.h"

#include <gtest/gtest.h>

#include <array>

#include "jose/forge_fixture.h"

namespace writ::signals {
namespace {

constexpr std::int64_t kNow = 1'795'001'000;
constexpr const char* kIssuer = "https://id.larkspur.example";
constexpr const char* kAudience = "https://as.quillnotes.example";

const jose::SigningKey& key() {
  static const jose::SigningKey kKey{"k-1", crypto::Algorithm::rs256, crypto::PrivateKey::generate(crypto::Algorithm::rs256)};
  return kKey;
}
const jose::SigningKey& other_key() {
  static const jose::SigningKey kKey{"k-1", crypto::Algorithm::rs256, crypto::PrivateKey::generate(crypto::Algorithm::rs256)};
  return kKey;
}

json::Value good() {
  Cause cause;
  cause.time_seconds = kNow - 10, cause.initiating_entity = "policy", cause.reason = "Laptop reported lost";
  return to_claims(kIssuer, kAudience, "s-77", kNow, "c-3", iss_sub(kIssuer, "u-5521-quill"), session_revoked(cause));
}

Result<SecurityEventToken, TokenProblem> judge(const std::string& text, const std::vector<std::string>& audiences = {kAudience}) {
  static constexpr std::array kAlgorithms{crypto::Algorithm::rs256, crypto::Algorithm::es256};
  const jose::KeySet keys({key().public_jwk()});
  auto parsed = parse(text);
  if (!parsed) return unexpected(parsed.error());
  return verify(std::move(*parsed), keys, Expectations{kIssuer, audiences, kAlgorithms, kNow, 30});
}

std::string outcome(const std::string& text) {
  const auto token = judge(text);
  return token ? "genuine" : std::string(to_string(token.error()));
}

TEST(SecurityEventToken, IsMadeAsTheProfileWants) {
  const auto token = jose::UnverifiedJwt::parse(sign(good(), key()));
  ASSERT_TRUE(token);
  EXPECT_TRUE(token->has_type("secevent+jwt"));
  EXPECT_EQ(token->algorithm(), crypto::Algorithm::rs256);
  EXPECT_EQ(token->claimed().find("sub"), nullptr);
  EXPECT_EQ(token->claimed().find("exp"), nullptr);
  EXPECT_EQ(json::write(token->claimed()),
            R"({"iss":"https://id.larkspur.example","jti":"s-77","iat":1795001000,"aud":"https://as.quillnotes.example","txn":"c-3",)"
            R"("sub_id":{"format":"iss_sub","iss":"https://id.larkspur.example","sub":"u-5521-quill"},)"
            R"("events":{"https://schemas.openid.net/secevent/caep/event-type/session-revoked":{"event_timestamp":1795000990,)"
            R"("initiating_entity":"policy","reason_admin":{"en":"Laptop reported lost"}}}})");
}

TEST(SecurityEventToken, IsReadBack) {
  const auto token = judge(sign(good(), key()));
  ASSERT_TRUE(token) << to_string(token.error());
  EXPECT_EQ(token->jti, "s-77");
  EXPECT_EQ(token->txn, "c-3");
  EXPECT_EQ(token->audience, kAudience);
  EXPECT_EQ(token->subject.user.subject, "u-5521-quill");
  EXPECT_EQ(token->event.type, kSessionRevoked);
  EXPECT_EQ(*timestamp_of(token->event), kNow - 10);
}

TEST(SecurityEventToken, IsRefusedForOneChange) {
  const struct {
    const char* what;
    void (*change)(json::Value&);
    const char* expected;
    const char* code;
  } rows[] = {
      {"as it is", [](json::Value&) {}, "genuine", ""},
      {"iss of another", [](json::Value& c) { c.set("iss", "https://id.other.example"); }, "set_wrong_issuer", "invalid_issuer"},
      {"iss with a slash more", [](json::Value& c) { c.set("iss", "https://id.larkspur.example/"); }, "set_wrong_issuer", "invalid_issuer"},
      {"iss absent", [](json::Value& c) { c.erase("iss"); }, "set_wrong_issuer", "invalid_issuer"},
      {"iss a list", [](json::Value& c) { c.set("iss", json::Array{kIssuer}); }, "set_wrong_issuer", "invalid_issuer"},
      {"aud of another", [](json::Value& c) { c.set("aud", "https://as.other.example"); }, "set_wrong_audience", "invalid_audience"},
      {"aud absent", [](json::Value& c) { c.erase("aud"); }, "set_wrong_audience", "invalid_audience"},
      {"aud a list with us", [](json::Value& c) { c.set("aud", json::Array{"https://as.other.example", kAudience}); }, "genuine", ""},
      {"aud a list without us", [](json::Value& c) { c.set("aud", json::Array{"https://as.other.example"}); }, "set_wrong_audience", "invalid_audience"},
      {"aud an empty list", [](json::Value& c) { c.set("aud", json::Array{}); }, "set_wrong_audience", "invalid_audience"},
      {"aud with a number beside us", [](json::Value& c) { c.set("aud", json::Array{kAudience, 1}); }, "set_wrong_audience", "invalid_audience"},
      {"sub", [](json::Value& c) { c.set("sub", "u-5521-quill"); }, "set_has_sub", "invalid_request"},
      {"sub that is null", [](json::Value& c) { c.set("sub", nullptr); }, "set_has_sub", "invalid_request"},
      {"exp", [](json::Value& c) { c.set("exp", kNow + 300); }, "set_has_exp", "invalid_request"},
      {"iat absent", [](json::Value& c) { c.erase("iat"); }, "set_bad_iat", "invalid_request"},
      {"iat as text", [](json::Value& c) { c.set("iat", "1795001000"); }, "set_bad_iat", "invalid_request"},
      {"iat just inside the skew", [](json::Value& c) { c.set("iat", kNow + 30); }, "genuine", ""},
      {"iat just outside", [](json::Value& c) { c.set("iat", kNow + 31); }, "set_bad_iat", "invalid_request"},
      {"iat of last month: its receiver was down", [](json::Value& c) { c.set("iat", kNow - 30 * 86'400); }, "genuine", ""},
      {"jti absent", [](json::Value& c) { c.erase("jti"); }, "set_bad_jti", "invalid_request"},
      {"jti empty", [](json::Value& c) { c.set("jti", ""); }, "set_bad_jti", "invalid_request"},
      {"jti too long", [](json::Value& c) { c.set("jti", std::string(256, 'j')); }, "set_bad_jti", "invalid_request"},
      {"events absent", [](json::Value& c) { c.erase("events"); }, "set_no_event", "invalid_request"},
      {"events empty", [](json::Value& c) { c.set("events", json::Object{}); }, "set_no_event", "invalid_request"},
      {"events a list", [](json::Value& c) { c.set("events", json::Array{std::string(kSessionRevoked)}); }, "set_no_event", "invalid_request"},
      {"two events",
       [](json::Value& c) {
         json::Value events = *c.find("events");
         events.set(kAccountDisabled, json::Object{});
         c.set("events", events);
       },
       "set_several_events", "invalid_request"},
      {"an event that is no object", [](json::Value& c) { c.set("events", json::Value{{std::string(kSessionRevoked), true}}); }, "set_bad_event", "invalid_request"},
      {"an event at a time that is text",
       [](json::Value& c) { c.set("events", json::Value{{std::string(kSessionRevoked), json::Value{{"event_timestamp", "yesterday"}}}}); }, "set_bad_event",
       "invalid_request"},
      {"an event in milliseconds: it would end what comes in a thousand years",
       [](json::Value& c) { c.set("events", json::Value{{std::string(kSessionRevoked), json::Value{{"event_timestamp", kNow * 1'000}}}}); }, "set_bad_event",
       "invalid_request"},
      {"an event without time", [](json::Value& c) { c.set("events", json::Value{{std::string(kSessionRevoked), json::Object{}}}); }, "genuine", ""},
      {"sub_id absent", [](json::Value& c) { c.erase("sub_id"); }, "set_bad_subject", "invalid_request"},
      {"sub_id as text", [](json::Value& c) { c.set("sub_id", "u-5521-quill"); }, "set_bad_subject", "invalid_request"},
      {"sub_id without format", [](json::Value& c) { c.set("sub_id", json::Value{{"sub", "u"}}); }, "set_bad_subject", "invalid_request"},
  };
  for (const auto& row : rows) {
    json::Value claims = good();
    row.change(claims);
    const auto token = judge(sign(claims, key()));
    EXPECT_EQ(token ? "genuine" : std::string(to_string(token.error())), row.expected) << row.what;
    EXPECT_EQ(token ? "" : to_error_code(token.error()), row.code) << row.what;
  }
}

TEST(SecurityEventToken, IsOfItsTypeAndSignedByItsIssuer) {
  const json::Value claims = good();
  for (const char* type : {"JWT", "at+jwt", "oauth-id-jag+jwt", "logout+jwt", ""}) EXPECT_EQ(outcome(jose::sign(key(), type, claims)), "set_wrong_type") << type;
  EXPECT_EQ(outcome(jose::sign(key(), "application/SecEvent+JWT", claims)), "genuine") << "media types compare without regard to case";
  EXPECT_EQ(outcome(sign(claims, other_key())), "set_bad_signature");
  jose::SigningKey unknown = key();
  unknown.kid = "k-2";
  EXPECT_EQ(outcome(sign(claims, unknown)), "set_unknown_key");
  EXPECT_EQ(to_error_code(TokenProblem::unknown_key), "invalid_key");
  EXPECT_EQ(to_error_code(TokenProblem::bad_signature), "authentication_failed");
  EXPECT_EQ(outcome(jose::test::with_signature(R"({"alg":"none","typ":"secevent+jwt"})", json::write(claims), "")), "set_bad_signature");
  EXPECT_EQ(outcome(jose::test::with_signature(R"({"alg":"HS256","typ":"secevent+jwt","kid":"k-1"})", json::write(claims), "x")), "set_bad_signature");
}

TEST(SecurityEventToken, EveryBitOfTheSignatureCounts) {
  const std::string text = sign(good(), key());
  const std::size_t dot = text.rfind('.');
  const std::string signature = *base64url::decode(text.substr(dot + 1));
  for (std::size_t bit = 0; bit < signature.size() * 8; bit += 7) {
    std::string flipped = signature;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(outcome(text.substr(0, dot + 1) + base64url::encode(flipped)), "set_bad_signature") << bit;
  }
}

TEST(SecurityEventToken, CutAnywhereItIsNone) {
  const std::string text = sign(good(), key());
  for (std::size_t length = 0; length < text.size(); ++length) EXPECT_NE(outcome(text.substr(0, length)), "genuine") << length;
}

TEST(SecurityEvent, MeansWhatItsTypeSays) {
  const Cause cause{kNow, "admin", "why"};
  EXPECT_EQ(meaning_of(session_revoked(cause)), Meaning::access_ends);
  EXPECT_EQ(meaning_of(account_disabled(cause)), Meaning::access_ends);
  EXPECT_EQ(meaning_of(account_purged(cause)), Meaning::access_ends);
  EXPECT_EQ(meaning_of(account_enabled(cause)), Meaning::nothing) << "reactivation restores nothing";
  for (const char* change : {"revoke", "update", "delete", "something new"})
    EXPECT_EQ(meaning_of(credential_change(cause, "password", change)), Meaning::access_ends) << change;
  EXPECT_EQ(meaning_of(credential_change(cause, "fido2-roaming", "create")), Meaning::nothing);
  EXPECT_EQ(meaning_of(verification("s")), Meaning::verification);
  EXPECT_EQ(meaning_of(stream_updated("paused", "")), Meaning::stream_updated);
  for (const char* other : {"token-claims-change", "assurance-level-change", "device-compliance-change", "session-established", "session-presented", "risk-level-change"}) {
    Event event;
    event.type = std::string("https://schemas.openid.net/secevent/caep/event-type/") + other;
    EXPECT_EQ(meaning_of(event), Meaning::nothing) << other;
  }
  EXPECT_EQ(supported_events().size(), 5u);
}

TEST(SecurityEvent, HappensInASecond) {
  Event event;
  const struct {
    json::Value value;
    std::int64_t expected;   // 0: malformed
  } rows[] = {{kNow, kNow}, {1'795'001'000.2, kNow + 1}, {0, 0}, {-5, 0}, {"1795001000", 0}, {nullptr, 0}, {1e300, 0}, {true, 0}};
  for (const auto& row : rows) {
    event.members.set("event_timestamp", row.value);
    const auto time = timestamp_of(event);
    EXPECT_EQ(time ? **time : 0, row.expected) << json::write(row.value);
  }
  event.members = json::Object{};
  const auto time = timestamp_of(event);
  ASSERT_TRUE(time);
  EXPECT_EQ(*time, std::nullopt);
}

}  // namespace
}  // namespace writ::signals
