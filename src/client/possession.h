#pragma once

// DPoP on the client's side (RFC 9449; MCPA-140, MCPA-141): one key for each client (of this run, unless one is given), when it is proved, and which access tokens were bound to it.

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "client/metadata.h"
#include "dpop/prover.h"

namespace writ::client {

// Used on one executor; outlives whoever proves with it.
class Possession {
 public:
  // when_required: where the protected resource says that it takes bound tokens alone. always: wherever the authorization server understands it.
  enum class Use { when_required, always, never };
  explicit Possession(Use use = Use::when_required, dpop::Prover prover = {}) : use_(use), prover_(std::move(prover)) {}

  // Whether the token requests for this server carry proofs.
  bool proves(const ProtectedResource& resource, const AuthorizationServer& resource_as) const;

  // A fresh proof, with the newest nonce of that origin.
  std::string prove(std::string_view method, std::string_view url, Instant now, std::string_view access_token = {}) const { return prover_.prove(method, url, now, access_token); }
  const std::string& thumbprint() const { return prover_.thumbprint(); }
  // What a server answered: its nonce is used from now on, and a token that it bound is known as one. True when the same request would do better
  // with a fresh proof: the server asks for a nonce, and gave a new one.
  bool note_token_answer(const std::string& url, const http::OutgoingResponse& answer);
  bool note_resource_answer(const std::string& url, int status, const http::Headers& headers);
  bool is_bound(std::string_view access_token) const;

 private:
  Use use_;
  dpop::Prover prover_;
  std::set<std::string> bound_;   // SHA-256 of access tokens
};

// Sends requests with an access token that is bound to the key as RFC 9449 §7 wants them: scheme DPoP, a fresh proof each time, once more when a nonce
// is asked for. Whatever else is sent passes as it is. All parts outlive it.
class ProvingUpstream final : public http::Upstream {
 public:
  ProvingUpstream(http::Upstream& below, const Clock& clock, Possession& possession) : below_(below), clock_(clock), possession_(possession) {}
  Task<Result<http::UpstreamResponse, http::UpstreamFailure>> send(http::UpstreamRequest request) override;

 private:
  http::Upstream& below_;
  const Clock& clock_;
  Possession& possession_;
};

}  // namespace writ::client
