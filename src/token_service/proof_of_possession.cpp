#include "token_service/proof_of_possession.h"

#include "token_service/token_endpoint.h"

namespace writ::token_service {

ProofChecked check_proof(const ProofOfPossession* offered, const http::Request& request, const Client& client, audit::Event event, Instant now) {
  using oauth::ErrorCode;
  ProofChecked checked;
  if (offered == nullptr) {
    if (request.headers.count(dpop::kProofHeader) > 0)
      checked.refused = refuse(event, ErrorCode::invalid_request, "DPoP is not offered here: send the request without a DPoP header", "dpop_not_offered");
  } else {
    auto proof = offered->verifier.check({.headers = request.headers,
                                          .method = request.method,
                                          .url = offered->token_endpoint,
                                          .access_token = std::nullopt,
                                          .nonce_demanded = offered->nonce_demanded,
                                          .now = now});
    const bool has_proof = proof && proof->has_value();
    if (has_proof) checked.jkt = (*proof)->jkt;
    if (!proof) {
      const bool wants_nonce = dpop::asks_for_nonce(proof.error());
      checked.refused = wants_nonce ? refuse(event, ErrorCode::use_dpop_nonce, "send a fresh proof with the nonce of this answer", std::string(to_string(proof.error())))
                                    : refuse(event, ErrorCode::invalid_dpop_proof, "the DPoP proof is not accepted", std::string(to_string(proof.error())));
      if (wants_nonce) checked.nonce = offered->verifier.make_nonce(now);
    } else if (has_proof && ((*proof)->renew_nonce || offered->nonce_demanded)) {
      checked.nonce = offered->verifier.make_nonce(now);
    }
  }
  // RFC 9449 §5.2: such a client's requests without a proof come from somebody else, or ask for less than was agreed.
  if (!checked.refused && checked.jkt.empty() && client.registration != nullptr && client.registration->dpop_bound)
    checked.refused = refuse(event, ErrorCode::invalid_dpop_proof, "this client must send a DPoP proof", "dpop_proof_absent");
  return checked;
}

}  // namespace writ::token_service
