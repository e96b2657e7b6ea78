#pragma once

// The complete check of the proof that comes with a request, at a token endpoint or at a resource: the pure rules (proof.h), the nonce, and
// whether this node has seen it before. One per process.

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "dpop/nonces.h"
#include "dpop/proof.h"
#include "dpop/used_proofs.h"
#include "http/message.h"

namespace writ::dpop {

// A request to an endpoint, as far as a proof is about it.
struct Request {
  const http::Headers& headers;
  std::string_view method;
  std::string_view url;                            // the public URL of the endpoint, from configuration
  std::optional<std::string_view> access_token;    // presented with it; then `ath` is required
  bool nonce_demanded = false;                     // a proof without one of our nonces is not enough here
  Instant now{};
};

struct Accepted {
  std::string jkt;              // of the key that was proved
  bool renew_nonce = false;     // its nonce is older than half its life: send a new one along
};

// Safe to share between threads.
class Verifier {
 public:
  static constexpr Seconds kWindow{300};   // of `iat`, both ways (MCPA-142), and how long a nonce is good
  static constexpr Seconds kAhead{10};     // how far a clock may be ahead without a nonce being asked for

  // `nonce_key` is the deployment's; `begins` is when this process started.
  Verifier(Secret nonce_key, Instant begins);

  // Absent: no proof came. A refused proof is not used up.
  Result<std::optional<Accepted>, Problem> check(const Request& request);
  std::string make_nonce(Instant now) const { return nonces_.make(now); }

 private:
  // When it was made, as far as that can be believed: by our nonce, else by `iat`.
  Result<Instant, Problem> time_of(const Proof& proof, const Request& request) const;

  Nonces nonces_;
  Instant begins_;
  UsedProofs used_;
};

}  // namespace writ::dpop
