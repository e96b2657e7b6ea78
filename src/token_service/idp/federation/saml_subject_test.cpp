// SAML assertions of an upstream provider, at the token endpoint: an assertion for a refresh token, and that for an ID-JAG.
#include "token_service/idp/federation/saml_subject.h"

#include "saml/assertion_fixture.h"
#include "token_service/idp/federation/federation_fixture.h"

namespace writ::token_service::idp {
namespace {

using saml::AssertionText;
using testing::ElementsAre;
using testing::IsEmpty;

struct Answer {
  int status = 0;
  json::Value body;
  std::string text(const char* name) const { return body.find_string(name) ? *body.find_string(name) : std::string(); }
};

class SamlAssertion : public FederatedWorld {
 protected:
  SamlAssertion() {
    world.clock.time = from_unix_seconds(1'795'014'410);   // ten seconds after the fixture's assertions were issued
    edit_connector([](registry::IdentityConnector& connector) {
      registry::IdentityConnector::Saml saml;
      saml.entity_id = saml::kEntity, saml.certificates = {saml::certificate_text(saml::idp_key())};
      saml.audiences = {{saml::kAudience, "cursor"}, {"https://unmapped.example/sp", "unmapped"}};
      saml.recipient = saml::kRecipient;
      saml.attributes = {{"user_name", "uid"}, {"email", "mail"}, {"groups", "groups"}};
      connector.saml = saml;
      connector.email_is_verified = true;
    });
  }
  Answer post(Pairs pairs) {
    const auto response = send("POST", "/idp/token", "", form::write(pairs));
    auto body = json::parse(response.body);
    return {response.status, body ? std::move(*body) : json::Value()};
  }
  Answer exchange_encoded(const std::string& token, Pairs more = {}, const char* agent = "cursor") {
    Pairs pairs = {{"grant_type", std::string(oauth::kGrantTokenExchange)}, {"requested_token_type", std::string(oauth::kTokenTypeRefreshToken)},
                   {"subject_token", token}, {"subject_token_type", std::string(oauth::kTokenTypeSaml2)},
                   {"client_id", std::string(agent) + "-idp"}, {"client_secret", std::string(agent) + "-secret"}};
    for (auto& pair : more) {
      std::erase_if(pairs, [&](const auto& other) { return other.first == pair.first; });
      pairs.push_back(std::move(pair));
    }
    return post(std::move(pairs));
  }
  Answer exchange(const AssertionText& text, Pairs more = {}, const char* agent = "cursor") { return exchange_encoded(base64url::encode(text.signed_text()), std::move(more), agent); }
  Answer exchange_with(const std::function<void(AssertionText&)>& change) {
    AssertionText text;
    change(text);
    return exchange(text);
  }
  Answer id_jag_for(const std::string& subject_token, std::string_view type) {
    return post({{"grant_type", std::string(oauth::kGrantTokenExchange)}, {"requested_token_type", std::string(oauth::kTokenTypeIdJag)}, {"audience", kOwnRas}, {"resource", kNotes},
                 {"subject_token", subject_token}, {"subject_token_type", std::string(type)}, {"client_id", "cursor-idp"}, {"client_secret", "cursor-secret"}});
  }
  // Why the last request ended as it did, when it was refused as the text that everybody gets.
  std::string reason(const Answer& answer) const {
    if (answer.status == 200) return "granted";
    EXPECT_EQ(answer.text("error"), "invalid_grant");
    return last_reason();
  }
  const registry::User* by_name_id(const char* name_id = "up-carol") {
    latest = world.registry.get();
    return latest->user_by_link(kUpstream, "saml:urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", name_id);
  }
};

TEST_F(SamlAssertion, GivesARefreshTokenThatGivesAnIdJag) {
  const Answer refresh = exchange({}, {{"scope", "openid offline_access"}});
  ASSERT_EQ(refresh.status, 200) << last_reason();
  EXPECT_EQ(refresh.text("issued_token_type"), oauth::kTokenTypeRefreshToken);
  EXPECT_EQ(refresh.text("token_type"), "N_A");
  EXPECT_EQ(refresh.text("scope"), "openid offline_access");
  EXPECT_EQ(*refresh.body.find_int("expires_in"), 7 * 24 * 3600);
  const auto record = world.log.records().back();
  EXPECT_EQ(record.event, audit::Event::sign_in);
  EXPECT_EQ(record.reason, "saml_assertion");
  ASSERT_TRUE(by_name_id());
  EXPECT_EQ(record.user, by_name_id()->id);
  EXPECT_THAT(record.more, testing::Contains(std::pair<std::string, std::string>("in_response_to", "_r1")));

  const Answer id_jag = id_jag_for(refresh.text("access_token"), oauth::kTokenTypeRefreshToken);
  ASSERT_EQ(id_jag.status, 200) << last_reason();
  const auto claims = claims_in(id_jag.text("access_token"));
  EXPECT_EQ(*claims.find_string("sub"), by_name_id()->id);
  EXPECT_EQ(*claims.find_int("auth_time"), 1'795'014'340) << "AuthnInstant";
  EXPECT_EQ(*claims.find_string("acr"), "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport");
  EXPECT_EQ(*claims.find_string("sid"), record.session);
}

TEST_F(SamlAssertion, IsGoodForOneRefreshTokenHoweverItIsEncoded) {
  const std::string text = AssertionText().signed_text();
  EXPECT_EQ(exchange_encoded(base64::encode(text)).status, 200) << "padded base64, as the draft's own example";
  EXPECT_EQ(reason(exchange_encoded(base64url::encode(text))), "saml_replayed");
  EXPECT_EQ(world.sessions->all().size(), 1U) << "a replay begins nothing";
  EXPECT_EQ(reason(exchange_with([](auto& other) { other.id = "_a2", other.reference = "#_a2"; })), "granted");
}

TEST_F(SamlAssertion, IsDecidedByTheGroupsThatItNames) {
  ASSERT_EQ(exchange({}).status, 200);
  latest = world.registry.get();
  EXPECT_THAT(latest->groups_of(*by_name_id()), ElementsAre("eng"));
  AssertionText later;
  later.id = "_a2", later.reference = "#_a2", later.issued = "2026-11-18T15:06:45Z", later.attributes = {{"uid", "carol"}, {"groups", "unknown-here"}, {"groups", "sales-dept"}};
  ASSERT_EQ(exchange(later).status, 200) << last_reason();
  EXPECT_THAT(world.registry.get()->groups_of(*by_name_id()), ElementsAre("sales"));
}

TEST_F(SamlAssertion, IsAnotherPersonThanTheSubjectOfAnIdTokenOfTheSameText) {
  world.change([](registry::Objects& objects) { objects.users[0].links.push_back({kUpstream, "", "up-carol"}); });
  ASSERT_EQ(exchange({}).status, 200);
  EXPECT_NE(by_name_id()->id, "usr_alice");
}

TEST_F(SamlAssertion, CanSayTheSubjectOfIdTokensInAnAttribute) {
  world.change([](registry::Objects& objects) { objects.users[0].links.push_back({kUpstream, "", "up-carol"}); });
  edit_connector([](auto& connector) { connector.saml->attributes["subject"] = "uid"; });
  AssertionText text;
  text.attributes = {{"uid", "up-carol"}}, text.name_id_attributes = R"( Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient")";
  ASSERT_EQ(exchange(text).status, 200) << last_reason();
  EXPECT_EQ(world.log.records().back().user, "usr_alice");
}

TEST_F(SamlAssertion, MatchesByTheConnectorsRule) {
  edit_connector([](auto& connector) { connector.match_by = registry::IdentityConnector::MatchBy::external_id, connector.match_claim = "employee", connector.just_in_time = false; });
  world.change([](registry::Objects& objects) {
    registry::User dora;
    dora.id = "usr_dora", dora.name = "dora", dora.external_id = "e-99";
    objects.users.push_back(dora);
  });
  EXPECT_EQ(reason(exchange({})), "subject_not_admitted") << "the attribute is missing";
  EXPECT_EQ(reason(exchange_with([](auto& text) { text.attributes = {{"employee", "e-99"}}; })), "granted");
  EXPECT_EQ(world.log.records().back().user, "usr_dora");
}

TEST_F(SamlAssertion, EndsWhenTheProviderSaysSo) {
  const Answer refresh = exchange_with([](auto& text) { text.session += R"( SessionNotOnOrAfter="2026-11-18T15:16:40Z")"; });
  ASSERT_EQ(refresh.status, 200);
  EXPECT_EQ(*refresh.body.find_int("expires_in"), 590);
  world.advance(589);
  EXPECT_EQ(id_jag_for(refresh.text("access_token"), oauth::kTokenTypeRefreshToken).status, 200);
  world.advance(1);
  EXPECT_EQ(reason(id_jag_for(refresh.text("access_token"), oauth::kTokenTypeRefreshToken)), "refresh_token_expired");
}

TEST_F(SamlAssertion, EndsWithTheSessionThatItBegan) {
  const Answer refresh = exchange({});
  ASSERT_TRUE(run(world.sessions->end(world.log.records().back().session)));
  EXPECT_EQ(reason(id_jag_for(refresh.text("access_token"), oauth::kTokenTypeRefreshToken)), "session_ended");
}

TEST_F(SamlAssertion, TranslatesTheContextOfTheSignIn) {
  edit_connector([](auto& connector) { connector.acr = {{"urn:strong", "phr"}}; });
  ASSERT_EQ(exchange({}).status, 200);
  EXPECT_EQ(world.sessions->find(world.log.records().back().session)->acr, "") << "what is not in the map is nothing";
  ASSERT_EQ(exchange_with([](auto& text) { text.id = "_a2", text.reference = "#_a2", text.context = "urn:strong"; }).status, 200);
  EXPECT_EQ(world.sessions->find(world.log.records().back().session)->acr, "phr");
}

TEST_F(SamlAssertion, IsAlsoTheSubjectOfAnIdJagAndMayBePresentedAgain) {
  const std::string token = base64url::encode(AssertionText().signed_text());
  for (int i = 0; i < 2; ++i) {
    const Answer id_jag = id_jag_for(token, oauth::kTokenTypeSaml2);
    ASSERT_EQ(id_jag.status, 200) << last_reason();
    EXPECT_EQ(*claims_in(id_jag.text("access_token")).find_string("sub"), by_name_id()->id);
  }
  EXPECT_THAT(world.sessions->all(), IsEmpty()) << "there is no session here";
  AssertionText once;
  once.more_conditions = "<saml:OneTimeUse></saml:OneTimeUse>";
  EXPECT_EQ(reason(id_jag_for(base64url::encode(once.signed_text()), oauth::kTokenTypeSaml2)), "saml_one_time_use");
  EXPECT_EQ(reason(exchange(once)), "granted") << "for a refresh token it is used once";
  EXPECT_EQ(reason(id_jag_for(base64url::encode(AssertionText().unsigned_text()), oauth::kTokenTypeSaml2)), "saml_not_signed");
}

TEST_F(SamlAssertion, AnswersTheQuestionThatTheAgentSaysItAsked) {
  EXPECT_EQ(reason(exchange({}, {{"in_response_to", "_r2"}})), "saml_in_response_to");
  EXPECT_TRUE(world.sessions->all().empty());
  AssertionText unasked;
  unasked.in_response_to.clear();
  EXPECT_EQ(reason(exchange(unasked, {{"in_response_to", "_r1"}})), "saml_in_response_to") << "nobody asked for it";
  EXPECT_EQ(reason(exchange({}, {{"in_response_to", "_r1"}})), "granted") << "what was refused before was not used up";
}

// ---- one change each

struct Row {
  const char* name;
  std::function<void(AssertionText&)> change;
  const char* reason;
};
class SamlRefusal : public SamlAssertion, public testing::WithParamInterface<Row> {};
TEST_P(SamlRefusal, IsRecordedWithItsReason) {
  EXPECT_EQ(reason(exchange_with(GetParam().change)), GetParam().reason);
  EXPECT_THAT(people.changes, IsEmpty()) << "nobody is created or changed for it";
  EXPECT_THAT(provider.requests, IsEmpty()) << "and nobody is asked";
}
const Row kRefusals[] = {
    {"AnotherAudience", [](auto& text) { text.audience = "https://other.example/sp"; }, "saml_audience"},
    {"TheAudienceOfAnotherAgent", [](auto& text) { text.audience = "https://unmapped.example/sp"; }, "saml_audience"},
    {"AnotherRecipient", [](auto& text) { text.recipient = "https://evil.example/acs"; }, "saml_recipient"},
    {"AnotherIssuer", [](auto& text) { text.issuer = "https://evil.example/saml"; }, "saml_issuer"},
    {"AnIssuerThatOnlyTheConnectorHas", [](auto& text) { text.issuer = kUpstream; }, "saml_issuer"},
    {"Expired", [](auto& text) { text.not_on_or_after = R"( NotOnOrAfter="2026-11-18T15:06:20Z")"; }, "saml_expired"},
    {"NotYet", [](auto& text) { text.not_before = R"( NotBefore="2026-11-18T15:07:21Z")"; }, "saml_not_yet_valid"},
    {"ConfirmationExpired", [](auto& text) { text.confirmation_ends = R"( NotOnOrAfter="2026-11-18T15:06:20Z")"; }, "saml_confirmation_expired"},
    {"TooOld", [](auto& text) { text.issued = "2026-11-18T14:06:40Z"; }, "saml_too_old"},
    {"HolderOfKey", [](auto& text) { text.method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"; }, "saml_no_bearer_confirmation"},
    {"Transient", [](auto& text) { text.name_id_attributes = R"( Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient")"; }, "saml_name_id_transient"},
    {"AnUnknownCondition", [](auto& text) { text.more_conditions = "<saml:Condition></saml:Condition>"; }, "saml_condition_unknown"},
    {"Sha1", [](auto& text) { text.signature_method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"; }, "saml_algorithm"},
};
INSTANTIATE_TEST_SUITE_P(OneChange, SamlRefusal, testing::ValuesIn(kRefusals), [](const auto& row) { return row.param.name; });

TEST_F(SamlAssertion, OfAnotherKeyIsRefused) {
  EXPECT_EQ(reason(exchange_encoded(base64url::encode(AssertionText().signed_text(saml::stranger_key())))), "saml_signature");
}
TEST_F(SamlAssertion, AsPlainXmlIsRefused) { EXPECT_EQ(reason(exchange_encoded(AssertionText().signed_text())), "saml_encoding"); }
TEST_F(SamlAssertion, OfAnInactiveConnectorIsRefused) {
  edit_connector([](auto& connector) { connector.active = false; });
  EXPECT_EQ(reason(exchange({})), "saml_issuer");
}
TEST_F(SamlAssertion, OfAConnectorWithoutSamlIsRefused) {
  edit_connector([](auto& connector) { connector.saml.reset(); });
  EXPECT_EQ(reason(exchange({})), "saml_issuer");
}
TEST_F(SamlAssertion, OfADisabledPersonIsRefused) {
  ASSERT_EQ(exchange({}).status, 200);
  world.change([](registry::Objects& objects) { objects.users.back().active = false; });
  EXPECT_EQ(reason(exchange_with([](auto& text) { text.id = "_a2", text.reference = "#_a2"; })), "user_disabled");
}
TEST_F(SamlAssertion, FromBeforeThePersonsNotBeforeIsRefused) {
  ASSERT_EQ(exchange({}).status, 200);
  world.change([&](registry::Objects& objects) { objects.users.back().not_before = world.clock.time; });
  EXPECT_EQ(reason(exchange_with([](auto& text) { text.id = "_a2", text.reference = "#_a2"; })), "subject_token_before_not_before");
}

struct RequestRow {
  const char* name;
  std::pair<std::string, std::string> parameter;
  const char *error, *reason;
};
class SamlRequest : public SamlAssertion, public testing::WithParamInterface<RequestRow> {};
TEST_P(SamlRequest, IsRefusedBeforeTheAssertionIsLookedAt) {
  const Answer answer = exchange({}, {GetParam().parameter});
  EXPECT_EQ(answer.text("error"), GetParam().error);
  EXPECT_EQ(last_reason(), GetParam().reason);
  EXPECT_THAT(people.changes, IsEmpty());
}
const RequestRow kRequests[] = {
    {"AnActor", {"actor_token", "x"}, "invalid_request", "actor_token_present"},
    {"AResource", {"resource", kNotes}, "invalid_target", "resource_unknown"},
    {"AnotherAudience", {"audience", kOwnRas}, "invalid_target", "audience_unknown"},
    {"Details", {"authorization_details", "[]"}, "invalid_authorization_details", "authorization_details_invalid"},
    {"ScopesOfAServer", {"scope", "notes:read"}, "invalid_scope", "scope_malformed"},
    {"AnAccessToken", {"requested_token_type", "urn:ietf:params:oauth:token-type:access_token"}, "invalid_request", "requested_token_type_unsupported"},
    {"ARefreshTokenForAnIdToken", {"subject_token_type", "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request", "requested_token_type_unsupported"},
    {"Saml1", {"subject_token_type", "urn:ietf:params:oauth:token-type:saml1"}, "invalid_request", "requested_token_type_unsupported"},
};
INSTANTIATE_TEST_SUITE_P(OneParameter, SamlRequest, testing::ValuesIn(kRequests), [](const auto& row) { return row.param.name; });

TEST_F(SamlAssertion, GivesNothingWhenItCannotBeRecorded) {
  world.log.fail_from_now_on(true);
  EXPECT_EQ(exchange({}).status, 503);
  EXPECT_THAT(world.sessions->all(), IsEmpty());
}

}  // namespace
}  // namespace writ::token_service::idp
