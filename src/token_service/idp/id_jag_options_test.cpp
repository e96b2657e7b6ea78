// What one audience wants of its ID-JAGs: a SAML NameID of the person, and encryption.
#include "token_service/idp/id_jag_options.h"

#include "token_service/idp/idp_fixture.h"
#include "token_service/idp/token_exchange_grant.h"

namespace writ::token_service::idp {
namespace {

class IdJagOptions : public testing::Test {
 protected:
  Outcome exchange() {
    const auto session = world.begin_session();
    TokenExchangeGrant grant(world.idp);
    const auto request = token_request(world, {{"requested_token_type", std::string(oauth::kTokenTypeIdJag)}, {"audience", kOtherRas}, {"resource", kCrm},
                                               {"subject_token", world.id_token(session, "cursor-idp")}, {"subject_token_type", std::string(oauth::kTokenTypeIdToken)}});
    return decide(grant, request, world.client("cursor"));
  }
  void edit(const std::function<void(registry::ResourceAs&)>& change) {
    world.change([&](registry::Objects& objects) { change(objects.resource_authorization_servers[1]); });
  }
  json::Value claims() {
    const Outcome outcome = exchange();
    EXPECT_EQ(reason_of(outcome), "granted");
    return claims_in(text_member(std::get<Granted>(outcome).body, "access_token"));
  }
  World world;
};

TEST_F(IdJagOptions, NobodyElseIsToldTheNameId) { EXPECT_EQ(claims().find("sub_id"), nullptr); }   // IDJAG-86

TEST_F(IdJagOptions, TheNameIdHasTheMembersThatItsAttributesWouldHave) {   // IDJAG-84, IDJAG-85
  edit([](auto& ras) { ras.saml_subject = registry::ResourceAs::SamlSubject{"https://idp.example/saml", "", "email", ""}; });
  EXPECT_EQ(*claims().find("sub_id"), (json::Value{{"format", "saml-nameid"}, {"issuer", "https://idp.example/saml"}, {"nameid", "alice@acme.example"}}));
  edit([](auto& ras) { ras.saml_subject = registry::ResourceAs::SamlSubject{"https://idp.example/saml", "urn:f", "attribute:employee", "https://crm.example/sp"}; });
  EXPECT_EQ(*claims().find("sub_id"), (json::Value{{"format", "saml-nameid"}, {"issuer", "https://idp.example/saml"}, {"nameid", "e-17"}, {"nameid_format", "urn:f"},
                                                   {"sp_name_qualifier", "https://crm.example/sp"}}));
}

TEST_F(IdJagOptions, WithoutTheNameThatTheAudienceKnowsThereIsNoIdJag) {
  edit([](auto& ras) { ras.saml_subject = registry::ResourceAs::SamlSubject{"https://idp.example/saml", "", "attribute:phone", ""}; });
  const Outcome outcome = exchange();
  EXPECT_EQ(reason_of(outcome), "subject_not_available");
  EXPECT_EQ(error_of(outcome), "invalid_target");
}

TEST_F(IdJagOptions, AnEncryptedIdJagIsASignedOneInside) {   // EMA-19
  const jose::DecryptionKey theirs{"enc-1", crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  const json::Value set{{"keys", json::Array{jose::to_json(jose::public_half(theirs))}}};
  edit([&](auto& ras) { ras.encryption_jwks = json::write(set); });
  const Outcome outcome = exchange();
  ASSERT_EQ(reason_of(outcome), "granted");
  const std::string given = text_member(std::get<Granted>(outcome).body, "access_token");
  ASSERT_TRUE(jose::is_encrypted(given));
  EXPECT_FALSE(jose::UnverifiedJwt::parse(given)) << "the client reads nothing of it";
  const auto opened = jose::decrypt(given, std::vector{theirs});
  ASSERT_TRUE(opened);
  auto inside = jose::UnverifiedJwt::parse(*opened);
  ASSERT_TRUE(inside);
  EXPECT_TRUE(inside->has_type(oauth::kTypIdJag));
  EXPECT_EQ(*inside->claimed().find_string("sub"), "alice@acme.example");
  constexpr crypto::Algorithm kAlgorithms[] = {crypto::Algorithm::es256};
  EXPECT_TRUE(jose::VerifiedJwt::verify(std::move(*inside), world.keys.current()->published, kAlgorithms));
}

TEST_F(IdJagOptions, WhatShouldBeEncryptedIsNeverGivenInTheClear) {
  edit([](auto& ras) { ras.encryption_jwks = R"({"keys":[{"kty":"EC","crv":"P-256","use":"sig"}]})"; });
  EXPECT_EQ(reason_of(exchange()), "subject_not_available");
}

}  // namespace
}  // namespace writ::token_service::idp
