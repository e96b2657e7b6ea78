// RAS-60 to RAS-66: the table of `cnf` and proof, over the endpoint, with proofs as clients make them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dpop/prover.h"
#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service::resource_as::test {
namespace {

const std::string kTokenUrl = std::string(kRas) + "/token";

struct DpopWorld : World {
  using World::World;
  dpop::Prover prover, other;

  std::string id_jag(const std::string& jkt = {}) const {
    json::Value claims = good_claims();
    if (!jkt.empty()) claims.set("cnf", json::Value{{"jkt", jkt}});
    return signed_id_jag(claims);
  }
  std::string proof(const dpop::Prover& by) const { return by.prove("POST", kTokenUrl, clock.now()); }
  Answer redeem_with(std::string assertion, const std::vector<std::string>& proofs_sent) {
    http::Request request = grant_request(std::move(assertion));
    for (const std::string& one : proofs_sent) request.headers.add("DPoP", one);
    return send(request);
  }
  std::string bound_to(const Answer& answer) const {
    const json::Value claims = claims_of_access_token(answer);
    const json::Value* confirmation = claims.find("cnf");
    return confirmation == nullptr ? "" : *confirmation->find_string("jkt");
  }
};

TEST(DpopAtTheRas, bound_id_jag_and_its_key_give_a_bound_token) {
  DpopWorld world;
  const Answer answer = world.redeem_with(world.id_jag(world.prover.thumbprint()), {world.proof(world.prover)});
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  EXPECT_EQ(answer.text("token_type"), "DPoP");
  EXPECT_EQ(world.bound_to(answer), world.prover.thumbprint());
}

TEST(DpopAtTheRas, bound_id_jag_without_a_proof_is_refused_and_not_used_up) {
  DpopWorld world;
  const std::string id_jag = world.id_jag(world.prover.thumbprint());
  EXPECT_EQ(world.redeem_with(id_jag, {}).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "proof_absent");
  EXPECT_EQ(world.redeem_with(id_jag, {world.proof(world.other)}).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "proof_of_another_key");
  EXPECT_EQ(world.redeem_with(id_jag, {world.proof(world.prover)}).response.status, 200);
  EXPECT_EQ(world.redeem_with(id_jag, {world.proof(world.prover)}).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "replayed");
}

TEST(DpopAtTheRas, unbound_id_jag_with_a_proof_gives_a_token_bound_to_that_key) {
  DpopWorld world;
  const Answer answer = world.redeem_with(world.id_jag(), {world.proof(world.other)});
  EXPECT_EQ(answer.text("token_type"), "DPoP");
  EXPECT_EQ(world.bound_to(answer), world.other.thumbprint());
}

TEST(DpopAtTheRas, unbound_id_jag_without_a_proof_gives_a_bearer_token) {
  DpopWorld world;
  const Answer answer = world.redeem_with(world.id_jag(), {});
  EXPECT_EQ(answer.text("token_type"), "Bearer");
  EXPECT_EQ(world.bound_to(answer), "");
}

TEST(DpopAtTheRas, issuer_that_must_bind_is_held_to_it) {
  DpopWorld world;
  world.change_objects([](registry::Objects& objects) { objects.trusted_issuers[0].sender_constrained = true; });
  EXPECT_EQ(world.redeem_with(world.id_jag(), {world.proof(world.prover)}).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "not_sender_constrained");
  EXPECT_EQ(world.redeem_with(world.id_jag(world.prover.thumbprint()), {world.proof(world.prover)}).response.status, 200);
}

TEST(DpopAtTheRas, server_that_wants_bound_tokens_gets_no_other) {
  DpopWorld world;
  world.change_objects([](registry::Objects& objects) { objects.servers[0].dpop_required = true; });
  EXPECT_EQ(world.redeem_with(world.id_jag(), {}).error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "proof_required");
  EXPECT_EQ(world.redeem_with(world.id_jag(), {world.proof(world.prover)}).text("token_type"), "DPoP");
}

TEST(DpopAtTheRas, client_that_must_prove_is_refused_without) {
  DpopWorld world;
  world.change_objects([](registry::Objects& objects) { objects.agents[0].resource_as[0].registration.dpop_bound = true; });
  EXPECT_EQ(world.redeem_with(world.id_jag(), {}).error(), "invalid_dpop_proof");
  EXPECT_EQ(world.last_record().reason, "dpop_proof_absent");
  EXPECT_EQ(world.redeem_with(world.id_jag(), {world.proof(world.prover)}).response.status, 200);
}

TEST(DpopAtTheRas, bad_proof_is_said_to_be_one_and_never_answered_unbound) {
  DpopWorld world;
  struct Row {
    std::vector<std::string> proofs;
    const char* reason;
  };
  const std::string good = world.proof(world.prover);
  for (const auto& [proofs, reason] :
       {Row{{"anything"}, "dpop_malformed"}, Row{{""}, "dpop_malformed"}, Row{{good, good}, "dpop_repeated"},
        Row{{world.prover.prove("GET", kTokenUrl, world.clock.now())}, "dpop_wrong_method"},
        Row{{world.prover.prove("POST", "https://evil.example/token", world.clock.now())}, "dpop_wrong_url"},
        Row{{world.prover.prove("POST", kTokenUrl, world.clock.now() - Seconds{301})}, "dpop_too_old"}}) {
    EXPECT_EQ(world.redeem_with(world.id_jag(), proofs).error(), "invalid_dpop_proof") << reason;
    EXPECT_EQ(world.last_record().reason, reason);
    EXPECT_EQ(world.last_record().event, audit::Event::access_token);
  }
  EXPECT_EQ(world.redeem_with(world.id_jag(), {good}).response.status, 200);
  EXPECT_EQ(world.redeem_with(world.id_jag(), {good}).error(), "invalid_dpop_proof");
  EXPECT_EQ(world.last_record().reason, "dpop_replayed");
}

TEST(DpopAtTheRas, demanded_nonce_comes_with_the_refusal_and_is_then_accepted) {
  DpopWorld world([](Settings& settings) { settings.dpop_nonce_demanded = true; });
  const std::string id_jag = world.id_jag();
  const Answer refused = world.redeem_with(id_jag, {world.proof(world.prover)});
  EXPECT_EQ(refused.response.status, 400);
  EXPECT_EQ(refused.error(), "use_dpop_nonce");
  ASSERT_TRUE(world.prover.note_nonce(kTokenUrl, refused.response.headers));
  const Answer answer = world.redeem_with(id_jag, {world.proof(world.prover)});
  EXPECT_EQ(answer.response.status, 200);
  EXPECT_EQ(answer.response.headers.count("DPoP-Nonce"), 1u);   // the next one, at once
  EXPECT_EQ(world.redeem_with(world.id_jag(), {}).text("token_type"), "Bearer");   // demanded of proofs, not of everybody
}

TEST(DpopAtTheRas, introspection_tells_what_a_token_is_bound_to) {
  DpopWorld world;
  const Answer answer = world.redeem_with(world.id_jag(), {world.proof(world.prover)});
  const Answer told = world.send(World::post("/introspect", {{"token", answer.text("access_token")}}, World::basic("notes-gateway", "gateway secret")));
  EXPECT_EQ(told.text("token_type"), "DPoP");
  ASSERT_TRUE(told.body.find("cnf"));
  EXPECT_EQ(*told.body.find("cnf")->find_string("jkt"), world.prover.thumbprint());
}

TEST(DpopAtTheRas, metadata_names_asymmetric_algorithms_alone) {
  World world;
  const auto document = json::parse(world.server->metadata_text());
  ASSERT_TRUE(document && document->find("dpop_signing_alg_values_supported"));
  EXPECT_THAT(*json::to_strings(*document->find("dpop_signing_alg_values_supported")), testing::ElementsAre("ES256", "ES384", "RS256", "PS256", "EdDSA"));
}

}  // namespace
}  // namespace writ::token_service::resource_as::test
