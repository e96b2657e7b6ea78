#include <gmock/gmock.h>

#include "crypto/random.h"
#include "encoding/base64url.h"
#include "token_service/idp/browser_fixture.h"
#include "token_service/idp/device_grant/device_authorization.h"

namespace writ::token_service::idp {
namespace {

using testing::HasSubstr;
using testing::Not;

// A device, and a person at a browser elsewhere.
struct Story {
  Site site;
  http::Response post(const std::string& path, Pairs pairs) {
    http::Request request;
    request.method = "POST", request.path = site.base() + path, request.peer.address = "198.51.100.9";
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    request.body = form::write(pairs);
    return run(site.router.handle(request));
  }
  json::Value begin(const std::string& client = "writ-cli-idp") {
    const auto response = post("/device_authorization", {{"client_id", client}, {"scope", "openid offline_access phone"}});
    EXPECT_EQ(response.status, 200) << response.body;
    return body(response);
  }
  http::Response poll(const json::Value& begun, Pairs more = {}, const std::string& client = "writ-cli-idp") {
    Pairs pairs{{"grant_type", std::string(kGrantDeviceCode)}, {"device_code", *begun.find_string("device_code")}, {"client_id", client}};
    pairs.insert(pairs.end(), more.begin(), more.end());
    site.world.advance(5);
    return post("/token", pairs);
  }
  std::string error_of(const http::Response& response) {
    const auto answer = body(response);
    const auto* error = answer.find_string("error");
    return error ? *error : "";
  }
  http::Response type_code(const json::Value& begun) {
    return site.browser.submit(site.browser.get("/device"), {{"user_code", *begun.find_string("user_code")}});
  }
  std::string last_reason() const { return site.world.log.records().back().reason; }
};

TEST(DeviceGrant, LetsADeviceInThatItsPersonApproves) {
  Story story;
  const auto begun = story.begin();
  EXPECT_EQ(*begun.find_string("verification_uri"), "https://id.acme.example/device");
  EXPECT_EQ(*begun.find_string("verification_uri_complete"), "https://id.acme.example/device?user_code=" + *begun.find_string("user_code"));
  EXPECT_EQ(*begun.find_int("interval"), 5);
  EXPECT_EQ(story.error_of(story.poll(begun)), "authorization_pending");

  static_cast<void>(story.site.sign_in());
  const auto question = story.type_code(begun);
  EXPECT_EQ(question.status, 200);
  EXPECT_THAT(question.body, HasSubstr("writ-cli app"));
  EXPECT_THAT(question.body, HasSubstr("198.51.100.9"));
  EXPECT_THAT(question.body, HasSubstr(*begun.find_string("user_code")));
  EXPECT_THAT(question.body, HasSubstr("Alice A."));
  EXPECT_EQ(story.error_of(story.poll(begun)), "authorization_pending");   // a question is no answer
  const auto done = story.site.browser.submit(question, {{"answer", "connect"}});
  EXPECT_EQ(done.status, 200);
  EXPECT_THAT(done.body, HasSubstr("Connected"));
  EXPECT_EQ(story.last_reason(), "device_approved");

  const auto tokens = story.poll(begun);
  ASSERT_EQ(tokens.status, 200) << tokens.body;
  const auto answer = body(tokens);
  EXPECT_EQ(*claims_in(*answer.find_string("id_token")).find_string("sub"), "usr_alice");
  EXPECT_TRUE(answer.find_string("refresh_token"));
  EXPECT_EQ(story.error_of(story.poll(begun)), "invalid_grant");   // once
  EXPECT_EQ(story.last_reason(), "code_replayed");
}

TEST(DeviceGrant, RegistersTheKeyOfTheDevice) {
  Story story;
  const auto begun = story.begin();
  static_cast<void>(story.site.sign_in());
  static_cast<void>(story.site.browser.submit(story.type_code(begun), {{"answer", "connect"}}));
  const auto key = crypto::PrivateKey::generate(crypto::Algorithm::es256);
  const std::string kid = jose::thumbprint(key.public_key());
  const std::int64_t now = to_unix_seconds(story.site.world.clock.time);
  const std::string code_digest = base64url::encode(crypto::sha256_bytes(*begun.find_string("device_code")));
  const json::Value claims{{"iss", "writ-cli-idp"}, {"sub", "writ-cli-idp"}, {"aud", kIssuer}, {"iat", now}, {"exp", now + 60}, {"jti", "j"}, {"code", code_digest}};
  const std::string jwk = json::write(jose::to_json(jose::Jwk{kid, crypto::Algorithm::es256, key.public_key()}));
  const jose::SigningKey signing{kid, crypto::Algorithm::es256, key};
  const auto tokens = story.poll(begun, {{"writ_device_key", jwk}, {"writ_device_name", "tv"}, {"writ_device_proof", jose::sign(signing, "writ-device+jwt", claims)}});
  ASSERT_EQ(tokens.status, 200) << tokens.body;
  const auto known = story.site.world.device_keys->find(kid);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->user_id, "usr_alice");
  EXPECT_EQ(known->name, "tv");
}

TEST(DeviceGrant, ADeniedDeviceGetsNothing) {
  Story story;
  const auto begun = story.begin();
  static_cast<void>(story.site.sign_in());
  EXPECT_THAT(story.site.browser.submit(story.type_code(begun), {{"answer", "deny"}}).body, HasSubstr("Denied"));
  EXPECT_EQ(story.last_reason(), "device_denied");
  EXPECT_EQ(story.error_of(story.poll(begun)), "access_denied");
}

TEST(DeviceGrant, TheLinkAloneApprovesNothing) {
  Story story;
  const auto begun = story.begin();
  const auto unknown = story.site.browser.get("/device", "user_code=" + *begun.find_string("user_code"));
  EXPECT_EQ(location(unknown), std::string(kIssuer) + "/sign-in");   // and back, by the cookie
  static_cast<void>(story.site.sign_in());
  const auto page = story.site.browser.get("/device", "user_code=" + *begun.find_string("user_code"));
  EXPECT_THAT(page.body, HasSubstr("value=\"" + *begun.find_string("user_code") + "\""));
  EXPECT_EQ(story.error_of(story.poll(begun)), "authorization_pending");
}

struct Row {
  const char* name;
  std::function<http::Response(Story&, const json::Value& begun)> ask;
  const char* error;
  const char* reason;
};
class DevicePolls : public testing::TestWithParam<Row> {};
TEST_P(DevicePolls, AreRefused) {
  Story story;
  const auto begun = story.begin();
  const auto response = GetParam().ask(story, begun);
  EXPECT_EQ(story.error_of(response), GetParam().error) << response.body;
  EXPECT_EQ(story.last_reason(), GetParam().reason);
}
void approve(Story& story, const json::Value& begun) {
  static_cast<void>(story.site.sign_in());
  static_cast<void>(story.site.browser.submit(story.type_code(begun), {{"answer", "connect"}}));
}
INSTANTIATE_TEST_SUITE_P(
    All, DevicePolls,
    testing::Values(
        Row{"pending", [](Story& s, const auto& b) { return s.poll(b); }, "authorization_pending", "device_code_pending"},
        Row{"too_fast", [](Story& s, const auto& b) { static_cast<void>(s.poll(b)); s.site.world.advance(-5); return s.poll(b); }, "slow_down", "device_code_slow_down"},
        Row{"too_late", [](Story& s, const auto& b) { s.site.world.advance(595); return s.poll(b); }, "expired_token", "device_code_expired"},
        Row{"no_code", [](Story& s, const auto&) { return s.post("/token", {{"grant_type", std::string(kGrantDeviceCode)}, {"client_id", "writ-cli-idp"}}); }, "invalid_request", "missing_parameter"},
        Row{"other_code", [](Story& s, const auto&) { return s.post("/token", {{"grant_type", std::string(kGrantDeviceCode)}, {"client_id", "writ-cli-idp"}, {"device_code", crypto::random_token(32)}}); }, "invalid_grant", "device_code_unknown"},
        Row{"other_client", [](Story& s, const auto& b) { return s.poll(b, {}, "public-idp"); }, "invalid_grant", "device_code_of_another_client"},
        Row{"other_client_after_the_approval", [](Story& s, const auto& b) { approve(s, b); return s.poll(b, {}, "public-idp"); }, "invalid_grant", "device_code_of_another_client"},
        Row{"session_ended_meanwhile", [](Story& s, const auto& b) {
              approve(s, b);
              for (const auto& session : s.site.world.sessions->all()) static_cast<void>(run(s.site.world.sessions->end(session.id)));
              return s.poll(b); }, "invalid_grant", "session_ended"},
        Row{"person_disabled_meanwhile", [](Story& s, const auto& b) { approve(s, b); s.site.world.change([](auto& o) { o.users[0].active = false; }); return s.poll(b); }, "invalid_grant", "user_disabled"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(DeviceGrant, DevicesOfUnknownAndDisabledAgentsDoNotWait) {
  Story story;
  EXPECT_EQ(story.error_of(story.post("/device_authorization", {{"client_id", "nobody"}})), "invalid_client");
  EXPECT_EQ(story.error_of(story.post("/device_authorization", {{"client_id", "cursor-idp"}})), "invalid_client");   // it has a secret
  EXPECT_EQ(story.error_of(story.post("/device_authorization", {{"client_id", "writ-cli-idp"}, {"scope", "email"}})), "invalid_scope");
  const auto begun = story.begin();
  static_cast<void>(story.site.sign_in());
  story.site.world.change([](auto& objects) { objects.agents[3].active = false; });
  EXPECT_EQ(story.type_code(begun).status, 400);
}

TEST(DevicePage, AFormOfAnotherPageOrSessionIsNoAnswer) {
  Story story;
  const auto begun = story.begin();
  static_cast<void>(story.site.sign_in());
  auto question = story.type_code(begun);
  story.site.browser.origin = "https://evil.example";
  EXPECT_EQ(story.site.browser.submit(question, {{"answer", "connect"}}).status, 403);
  story.site.browser.origin.reset();
  EXPECT_EQ(story.site.browser.submit(question, {{"answer", "connect"}, {"confirmed_code", "BCDFGHJK"}}).status, 403);   // the token is tied to the code
  Browser other(story.site.world, story.site.router);
  static_cast<void>(other.submit(other.get(story.site.base() + "/authorize", form::write(story.site.asked)), {{"username", "bob"}, {"password", "builder"}}));
  EXPECT_EQ(other.submit(question, {{"answer", "connect"}}).status, 403);
  EXPECT_EQ(story.error_of(story.poll(begun)), "authorization_pending");
  EXPECT_EQ(story.site.browser.submit(question, {{"answer", "connect"}}).status, 200);
  EXPECT_EQ(story.site.browser.submit(question, {{"answer", "connect"}}).status, 400);   // answered
}

TEST(DevicePage, GuessingIsStopped) {
  Story story;
  static_cast<void>(story.begin());
  static_cast<void>(story.site.sign_in());
  const auto page = story.site.browser.get("/device");
  for (int i = 0; i < CodeGuesses::kMax; ++i) EXPECT_EQ(story.site.browser.submit(page, {{"user_code", "BBBB-BBBB"}}).status, 400);
  EXPECT_EQ(story.last_reason(), "device_user_code_unknown");
  EXPECT_EQ(story.site.browser.submit(page, {{"user_code", "BBBB-BBBB"}}).status, 429);
  EXPECT_THAT(story.site.browser.submit(page, {{"user_code", "<script>"}}).body, Not(HasSubstr("<script>")));
}

}  // namespace
}  // namespace writ::token_service::idp
