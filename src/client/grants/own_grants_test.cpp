#include "client/grants/own_grants.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "client/grants/grant_access.h"
#include "client/grants/scripted_servers_fixture.h"

namespace writ::client {
namespace {

constexpr const char* kTokenUrl = "https://as.example/token";

class WithoutAPerson : public testing::Test {
 protected:
  ScriptedServers servers_;
  SettableClock clock_;
  jose::SigningKey key_{"k1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};

  Result<GrantedAccess, Failure> token(Grant& grant, Challenge challenge = {}) {
    GrantAccess access(servers_, clock_, grant, {});
    return run(access.token_for(kUrl, std::move(challenge), ""));
  }
  std::map<std::string, PreRegistered> registered(PreRegistered what = {"robot", Secret("s p"), std::nullopt}) { return {{kIssuer, std::move(what)}}; }
};

TEST_F(WithoutAPerson, AClientActsForItselfWithItsSecret) {
  ClientCredentialsGrant grant(servers_, clock_, registered());
  const auto granted = token(grant, Challenge{"bearer", {{"scope", "read"}}});
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_EQ(servers_.last_parameter(kTokenUrl, "grant_type"), "client_credentials");
  EXPECT_EQ(servers_.last_parameter(kTokenUrl, "resource"), kUrl);
  EXPECT_EQ(servers_.last_parameter(kTokenUrl, "scope"), "read");
  EXPECT_EQ(*servers_.last(kTokenUrl)->headers.find_single("Authorization"), "Basic cm9ib3Q6cytw");   // robot:s+p, OB-04
  EXPECT_EQ(servers_.last_parameter(kTokenUrl, "client_secret"), "");                                  // OB-05
}

TEST_F(WithoutAPerson, OrWithItsKeyForThisIssuerAlone) {
  servers_.metadata[kIssuer].set("token_endpoint_auth_methods_supported", json::Array{"private_key_jwt"});
  ClientCredentialsGrant grant(servers_, clock_, registered({"robot", Secret(), key_}));
  ASSERT_TRUE(token(grant));
  const auto assertion = jose::UnverifiedJwt::parse(servers_.last_parameter(kTokenUrl, "client_assertion"));
  ASSERT_TRUE(assertion);
  EXPECT_EQ(*assertion->claimed().find_string("aud"), kIssuer);
  EXPECT_EQ(*assertion->claimed().find_string("sub"), "robot");
}

TEST_F(WithoutAPerson, NothingIsSentToAServerThatDoesNotOfferTheGrant) {
  ClientCredentialsGrant grant(servers_, clock_, registered());
  for (const json::Value& types : {json::Value(json::Array{"authorization_code"}), json::Value(nullptr)}) {
    servers_.metadata[kIssuer].set("grant_types_supported", types);   // OB-53: absent means authorization_code
    const auto granted = token(grant);
    ASSERT_FALSE(granted);
    EXPECT_EQ(granted.error().kind, FailureKind::not_supported);
    EXPECT_EQ(servers_.count(kTokenUrl), 0);
  }
}

TEST_F(WithoutAPerson, NothingIsSentWhereThisClientIsNotRegistered) {
  ClientCredentialsGrant grant(servers_, clock_, {{"https://other.example", {"robot", Secret("s"), std::nullopt}}});
  const auto granted = token(grant);
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, FailureKind::configuration);
  EXPECT_EQ(servers_.count(kTokenUrl), 0);
}

TEST_F(WithoutAPerson, NobodyIsThereForABetterSignIn) {
  ClientCredentialsGrant grant(servers_, clock_, registered());
  const auto granted = token(grant, Challenge{"bearer", {{"error", "insufficient_user_authentication"}}});
  ASSERT_FALSE(granted);
  EXPECT_EQ(granted.error().kind, FailureKind::step_up_needed);
  EXPECT_EQ(servers_.count(kTokenUrl), 0);
}

// ---- a workload that its platform vouches for

class GivenJwt final : public WorkloadAssertion {
 public:
  Task<Result<std::string, Failure>> current() override { co_return jwt; }
  std::string jwt;
};

class AWorkload : public WithoutAPerson {
 protected:
  GivenJwt assertion_;
  json::Value claims_{{"iss", "https://platform.example"}, {"sub", "pod-1"}, {"aud", kIssuer}, {"exp", to_unix_seconds(clock_.now()) + 600}};
  std::string jwt() const { return jose::sign(key_, "JWT", claims_); }
  Result<GrantedAccess, Failure> ask() {
    WorkloadGrant grant(servers_, clock_, assertion_, registered({"workload", Secret(), std::nullopt}));
    return token(grant);
  }
};

TEST_F(AWorkload, PresentsItsAssertion) {
  assertion_.jwt = jwt();
  const auto granted = ask();
  ASSERT_TRUE(granted) << granted.error().message;
  EXPECT_EQ(servers_.last_parameter(kTokenUrl, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
  EXPECT_EQ(servers_.last_parameter(kTokenUrl, "assertion"), assertion_.jwt);
  EXPECT_EQ(servers_.last_parameter(kTokenUrl, "client_id"), "workload");
}

struct Wrong {
  const char* name;
  std::function<void(json::Value&)> change;
  bool sent;
};
class AnAssertion : public AWorkload, public testing::WithParamInterface<Wrong> {};
TEST_P(AnAssertion, GoesOnlyWhereItIsForAndWhileItIsGood) {
  GetParam().change(claims_);
  assertion_.jwt = jwt();
  EXPECT_EQ(ask().has_value(), GetParam().sent);
  EXPECT_EQ(servers_.count(kTokenUrl), GetParam().sent ? 1 : 0);
}
INSTANTIATE_TEST_SUITE_P(
    Rfc7523, AnAssertion,
    testing::Values(Wrong{"for_the_issuer", [](auto&) {}, true}, Wrong{"for_the_token_endpoint", [](auto& c) { c.set("aud", kTokenUrl); }, true},
                    Wrong{"for_several_of_which_one_is_it", [](auto& c) { c.set("aud", json::Array{"https://x.example", kIssuer}); }, true},
                    Wrong{"for_another_server", [](auto& c) { c.set("aud", "https://other.example"); }, false},
                    Wrong{"for_the_issuer_with_a_slash", [](auto& c) { c.set("aud", "https://as.example/"); }, false},
                    Wrong{"for_nobody", [](auto& c) { c.erase("aud"); }, false}, Wrong{"audience_of_wrong_type", [](auto& c) { c.set("aud", 7); }, false},
                    Wrong{"without_an_end", [](auto& c) { c.erase("exp"); }, false}, Wrong{"over", [](auto& c) { c.set("exp", 1'795'000'000); }, false},
                    Wrong{"one_second_left", [](auto& c) { c.set("exp", 1'795'000'001); }, true}),
    [](const auto& row) { return row.param.name; });

TEST_F(AWorkload, ARefusalIsNeitherRepeatedNorGoneRound) {
  assertion_.jwt = jwt();
  for (const char* error : {"invalid_grant", "invalid_scope", "unauthorized_client", "invalid_client"}) {
    servers_.requests.clear();
    servers_.pages[kTokenUrl] = {400, {}, std::string(R"({"error":")") + error + R"("})"};
    const auto granted = ask();
    ASSERT_FALSE(granted);
    EXPECT_EQ(granted.error().error, error);
    EXPECT_EQ(servers_.count(kTokenUrl), 1) << error;
  }
}

TEST_F(AWorkload, WhatIsNoJwtIsNotSent) {
  for (const char* text : {"", "secret", "a.b.c"}) {
    assertion_.jwt = text;
    EXPECT_FALSE(ask());
    EXPECT_EQ(servers_.count(kTokenUrl), 0);
  }
}

}  // namespace
}  // namespace writ::client
