// Nonces, and the memory of proofs that were seen.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dpop/proof_fixture.h"
#include "dpop/prover.h"
#include "dpop/verifier.h"

namespace writ::dpop::test {
namespace {

const Instant kStart = from_unix_seconds(kNow - 3'600);
const Secret kNonceKey(std::string(32, 'k'));

struct Node {
  explicit Node(Instant begins = kStart, Secret key = kNonceKey) : verifier(std::move(key), begins) {}
  Verifier verifier;
  Instant now = from_unix_seconds(kNow);
  bool nonce_demanded = false;

  std::string check(const http::Headers& headers) {
    const auto accepted = verifier.check({headers, "POST", kUrl, std::nullopt, nonce_demanded, now});
    if (!accepted) return std::string(to_string(accepted.error()));
    return *accepted ? "accepted" : "none";
  }
  std::string check(const Made& made) { return check(http::Headers{{"DPoP", made.text()}}); }
};

Made with_nonce(const std::string& nonce, const std::string& jti = "p1") {
  Made made;
  set(made.claims, "nonce", quoted(nonce));
  set(made.claims, "jti", quoted(jti));
  return made;
}

TEST(Verifier, takes_one_proof_and_not_two) {
  Node node;
  EXPECT_EQ(node.check(http::Headers{}), "none");
  const std::string one = Made().text();
  EXPECT_EQ(node.check(http::Headers{{"DPoP", one}, {"dpop", one}}), "dpop_repeated");
  EXPECT_EQ(node.check(http::Headers{{"dPOP", one}}), "accepted");
  EXPECT_EQ(node.check(http::Headers{{"DPoP", ""}}), "dpop_malformed");
}

TEST(Replay, is_refused_and_a_refused_proof_is_not_used_up) {
  Node node;
  Made made;
  node.nonce_demanded = true;
  EXPECT_EQ(node.check(made), "dpop_nonce_needed");
  node.nonce_demanded = false;
  EXPECT_EQ(node.check(made), "accepted");
  EXPECT_EQ(node.check(made), "dpop_replayed");
  set(made.claims, "iat", std::to_string(kNow - 11));   // signed anew: it is the jti that counts
  EXPECT_EQ(node.check(made), "dpop_replayed");
  set(made.claims, "jti", R"("p2")");
  EXPECT_EQ(node.check(made), "accepted");
}

TEST(Replay, of_another_key_with_the_same_jti_is_none) {
  Node node;
  EXPECT_EQ(node.check(Made()), "accepted");
  Made other;
  other.signer = crypto::PrivateKey::generate(crypto::Algorithm::es256);
  set(other.header, "jwk", json::write(jose::to_json(other.signer.public_key())));
  EXPECT_EQ(node.check(other), "accepted");
}

TEST(Replay, is_refused_until_the_proof_is_too_old_anyhow) {
  Node node;
  Made made;
  EXPECT_EQ(node.check(made), "accepted");
  node.now = from_unix_seconds(kNow + 300);
  EXPECT_EQ(node.check(made), "dpop_replayed");
  node.now = from_unix_seconds(kNow + 301);
  EXPECT_EQ(node.check(made), "dpop_too_old");
}

// A node that was started again does not know what it saw before: of a proof from then it asks for a fresh one, with a nonce.
TEST(Replay, across_a_restart_is_refused) {
  Node before;
  const Made made;
  EXPECT_EQ(before.check(made), "accepted");
  Node after(from_unix_seconds(kNow + 1));
  after.now = from_unix_seconds(kNow + 2);
  EXPECT_EQ(after.check(made), "dpop_cannot_tell");
  EXPECT_TRUE(asks_for_nonce(Problem::cannot_tell));
  EXPECT_EQ(after.check(with_nonce(before.verifier.make_nonce(before.now))), "dpop_cannot_tell");
  EXPECT_EQ(after.check(with_nonce(after.verifier.make_nonce(after.now))), "accepted");
  // Whose clock is ahead may have used his proof before the restart.
  Made ahead;
  set(ahead.claims, "iat", std::to_string(kNow + 10));
  EXPECT_EQ(after.check(ahead), "dpop_cannot_tell");
  after.now = from_unix_seconds(kNow + 12);
  Made later;
  set(later.claims, "iat", std::to_string(kNow + 11)), set(later.claims, "jti", R"("p2")");
  EXPECT_EQ(after.check(later), "accepted");
}

TEST(Nonce, of_this_deployment_is_good_for_five_minutes_on_any_node) {
  Node one, other;
  one.nonce_demanded = other.nonce_demanded = true;
  const std::string nonce = one.verifier.make_nonce(one.now);
  EXPECT_EQ(other.check(with_nonce(nonce)), "accepted");
  EXPECT_EQ(other.check(with_nonce(nonce)), "dpop_replayed");
  EXPECT_EQ(other.check(with_nonce(nonce, "p2")), "accepted");   // a nonce is for many requests, a proof for one
  const auto after = [&](std::int64_t seconds, const std::string& jti) {
    other.now = from_unix_seconds(kNow + seconds);
    Made made = with_nonce(nonce, jti);
    set(made.claims, "iat", std::to_string(kNow + seconds));
    return other.check(made);
  };
  EXPECT_EQ(after(300, "p3"), "accepted");
  EXPECT_EQ(after(301, "p4"), "dpop_nonce_not_ours");
}

TEST(Nonce, of_anybody_else_is_refused_whether_demanded_or_not) {
  Node node, stranger(kStart, Secret(std::string(32, 'x')));
  std::string good = node.verifier.make_nonce(node.now);
  for (const bool demanded : {false, true}) {
    node.nonce_demanded = demanded;
    EXPECT_EQ(node.check(with_nonce(stranger.verifier.make_nonce(node.now))), "dpop_nonce_not_ours");
    EXPECT_EQ(node.check(with_nonce("anything")), "dpop_nonce_not_ours");
    EXPECT_EQ(node.check(with_nonce(node.verifier.make_nonce(node.now + Seconds{11}))), "dpop_nonce_not_ours");
  }
  for (char& letter : good) {
    const char kept = letter;
    letter = letter == 'A' ? 'B' : 'A';
    EXPECT_EQ(node.check(with_nonce(good)), "dpop_nonce_not_ours");
    letter = kept;
  }
}

TEST(Nonce, is_asked_for_when_a_clock_is_ahead) {
  Node node;
  Made made;
  set(made.claims, "iat", std::to_string(kNow + 10));
  EXPECT_EQ(node.check(made), "accepted");
  set(made.claims, "iat", std::to_string(kNow + 11));
  set(made.claims, "jti", R"("p2")");
  EXPECT_EQ(node.check(made), "dpop_clock_ahead");
  set(made.claims, "nonce", quoted(node.verifier.make_nonce(node.now)));
  EXPECT_EQ(node.check(made), "accepted");
}

TEST(Nonce, is_renewed_in_the_second_half_of_its_life) {
  Node node;
  const std::string nonce = node.verifier.make_nonce(node.now - Seconds{200});
  const http::Headers headers{{"DPoP", with_nonce(nonce).text()}};
  const auto accepted = node.verifier.check({headers, "POST", kUrl, std::nullopt, false, node.now});
  ASSERT_TRUE(accepted && *accepted);
  EXPECT_TRUE((*accepted)->renew_nonce);
  EXPECT_EQ((*accepted)->jkt, jose::thumbprint(key().public_key()));
}

// A memory that is full forgets the oldest, and says so of everything as old.
TEST(UsedProofs, forget_nothing_silently) {
  const Instant now = from_unix_seconds(kNow);
  UsedProofs used(kStart, Seconds{310}, 16);   // two in each of sixteen shards
  const auto identity = [](int i) { return crypto::Sha256{0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(i)}; };
  EXPECT_EQ(used.note(identity(1), now - Seconds{40}, now), UsedProofs::Use::first);
  EXPECT_EQ(used.note(identity(2), now - Seconds{20}, now), UsedProofs::Use::first);
  EXPECT_EQ(used.note(identity(3), now, now), UsedProofs::Use::first);
  EXPECT_EQ(used.note(identity(1), now - Seconds{40}, now), UsedProofs::Use::cannot_tell);
  EXPECT_EQ(used.note(identity(2), now - Seconds{20}, now), UsedProofs::Use::again);
  EXPECT_EQ(used.note(identity(3), now, now), UsedProofs::Use::again);
  EXPECT_EQ(used.size(), 2u);
  EXPECT_EQ(used.note(identity(4), now + Seconds{400}, now + Seconds{400}), UsedProofs::Use::first);
  EXPECT_EQ(used.size(), 1u);
  EXPECT_EQ(used.note(identity(2), now - Seconds{20}, now), UsedProofs::Use::cannot_tell);   // the clock came back
}

TEST(Prover, makes_proofs_that_the_verifier_takes) {
  Node node;
  Prover prover;
  const auto check = [&](std::string_view token) {
    const http::Headers headers{{"DPoP", prover.prove("POST", kUrl + "?x=y", node.now, token)}};
    return node.verifier.check({headers, "POST", kUrl, token.empty() ? std::nullopt : std::optional(token), node.nonce_demanded, node.now});
  };
  auto accepted = check("");
  ASSERT_TRUE(accepted && *accepted);
  EXPECT_EQ((*accepted)->jkt, prover.thumbprint());
  EXPECT_TRUE(check(kToken));   // a fresh jti each time
  node.nonce_demanded = true;
  ASSERT_FALSE(check(kToken));
  EXPECT_FALSE(prover.note_nonce(kUrl, http::Headers{}));
  EXPECT_TRUE(prover.note_nonce("https://other.example/", http::Headers{{"DPoP-Nonce", node.verifier.make_nonce(node.now)}}));
  EXPECT_FALSE(check(kToken));   // that was another server's
  const http::Headers answer{{"DPoP-Nonce", node.verifier.make_nonce(node.now)}};
  EXPECT_TRUE(prover.note_nonce(kUrl, answer));
  EXPECT_FALSE(prover.note_nonce(kUrl, answer));
  EXPECT_TRUE(check(kToken));
}

}  // namespace
}  // namespace writ::dpop::test
