#include "dpop/verifier.h"

#include "crypto/hash.h"

namespace writ::dpop {
namespace {

// Scoped per key and URL (OB-96); each part with its length, so that no two proofs share a name.
crypto::Sha256 identity_of(const Proof& proof) {
  std::string all;
  for (const std::string* part : {&proof.jkt, &proof.htu, &proof.jti}) all.append(std::to_string(part->size())).append(":").append(*part);
  return crypto::sha256(all);
}

}  // namespace

Verifier::Verifier(Secret nonce_key, Instant begins) : nonces_(std::move(nonce_key)), begins_(begins), used_(begins, kWindow + kAhead) {}

Result<Instant, Problem> Verifier::time_of(const Proof& proof, const Request& request) const {
  if (proof.nonce) {
    const auto made = nonces_.made_at(*proof.nonce);
    // Other nodes' clocks may be a little ahead of ours.
    if (!made || *made + kWindow < request.now || *made > request.now + kAhead) return unexpected(Problem::nonce_not_ours);
    return *made;
  }
  if (request.nonce_demanded) return unexpected(Problem::nonce_needed);
  const Instant made = from_unix_seconds(proof.issued_at);
  // Without this, a proof "made" after the last restart may have been used before it; with a nonce the time is our own.
  if (made > request.now + kAhead) return unexpected(Problem::clock_ahead);
  if (made < begins_ + kAhead) return unexpected(Problem::cannot_tell);
  return made;
}

Result<std::optional<Accepted>, Problem> Verifier::check(const Request& request) {
  const auto fields = request.headers.find_all(kProofHeader);
  if (fields.empty()) return std::optional<Accepted>();
  if (fields.size() > 1) return unexpected(Problem::repeated);
  const Proof proof = TRY(parse_proof(fields.front()));
  TRY(check_use(proof, {request.method, request.url, request.access_token, request.now, kWindow}));
  const Instant made = TRY(time_of(proof, request));
  switch (used_.note(identity_of(proof), made, request.now)) {
    case UsedProofs::Use::again: return unexpected(Problem::replayed);
    case UsedProofs::Use::cannot_tell: return unexpected(Problem::cannot_tell);
    case UsedProofs::Use::first: break;
  }
  return std::optional(Accepted{proof.jkt, proof.nonce && made + kWindow / 2 < request.now});
}

}  // namespace writ::dpop
