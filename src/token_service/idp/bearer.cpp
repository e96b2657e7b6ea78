#include "token_service/idp/bearer.h"

#include "crypto/client_certificate.h"
#include "dpop/proof.h"
#include "encoding/uri.h"
#include "oauth/identifiers.h"
#include "token_service/idp/subject_token.h"

namespace writ::token_service::idp {
namespace {

struct Presented {
  std::string token;
  bool as_dpop = false;
};

Unexpected<BearerRefusal> refuse_bearer(BearerProblem problem) { return unexpected(BearerRefusal{problem}); }

Result<Presented, BearerRefusal> presented_token(const http::Request& request) {
  if (request.headers.count("Authorization") == 0) return refuse_bearer(BearerProblem::none_given);
  const auto* field = request.headers.find_single("Authorization");
  if (!field) return refuse_bearer(BearerProblem::malformed);
  const std::size_t space = field->find(' ');
  const auto scheme = std::string_view(*field).substr(0, space);
  const bool as_dpop = http::equals_ignoring_case(scheme, dpop::kScheme);
  if (!as_dpop && !http::equals_ignoring_case(scheme, "Bearer")) return refuse_bearer(BearerProblem::none_given);
  if (space == std::string::npos || space + 1 == field->size()) return refuse_bearer(BearerProblem::malformed);
  return Presented{field->substr(space + 1), as_dpop};
}

// RFC 8705 §3: a token that is bound to a certificate comes over connections with that certificate alone.
Result<void, BearerRefusal> check_certificate(const http::Request& request, const json::Value& claims) {
  const json::Value* confirmation = claims.find("cnf");
  const json::Value* bound_to = confirmation ? confirmation->find("x5t#S256") : nullptr;
  if (bound_to == nullptr) return {};
  const auto* certificate = request.peer.certificate.get();
  const std::string* x5t = bound_to->as_string();
  if (!certificate || !x5t || certificate->x5t != *x5t) return refuse_bearer(BearerProblem::certificate);
  return {};
}

// OB-92 and its mirror: a token that is bound to a key is no Bearer token, and a Bearer token proves no key.
Result<void, BearerRefusal> check_key(const Idp& idp, const http::Request& request, const Presented& presented, const json::Value& claims, Instant now) {
  const json::Value* confirmation = claims.find("cnf");
  const bool is_bound = confirmation != nullptr && confirmation->find("jkt") != nullptr;
  if (is_bound != presented.as_dpop) return refuse_bearer(BearerProblem::not_ours);
  if (!presented.as_dpop) return {};
  const auto* offered = idp.endpoints.dpop;
  const auto* jkt = confirmation->find_string("jkt");
  const auto issuer = uri::parse(idp.settings.issuer);
  if (!offered || !jkt || !issuer) return refuse_bearer(BearerProblem::not_ours);
  const std::string url = issuer->origin() + request.path;
  const auto proof = offered->verifier.check({.headers = request.headers,
                                              .method = request.method,
                                              .url = url,
                                              .access_token = presented.token,
                                              .nonce_demanded = offered->nonce_demanded,
                                              .now = now});
  if (!proof && dpop::asks_for_nonce(proof.error())) return unexpected(BearerRefusal{BearerProblem::proof_refused, offered->verifier.make_nonce(now)});
  if (!proof || !*proof || (*proof)->jkt != *jkt) return refuse_bearer(BearerProblem::proof_refused);
  return {};
}

}  // namespace

http::Response challenge(const BearerRefusal& refusal) {
  const BearerProblem problem = refusal.problem;
  if (problem == BearerProblem::proof_refused) {
    http::Response response = http::no_store(http::text(401, ""));
    const bool wants_nonce = !refusal.dpop_nonce.empty();
    response.headers.set("WWW-Authenticate", std::string("DPoP realm=\"writ\", error=\"") + (wants_nonce ? "use_dpop_nonce" : "invalid_dpop_proof") + "\"");
    if (wants_nonce) response.headers.set(dpop::kNonceHeader, refusal.dpop_nonce);
    return response;
  }
  const bool malformed = problem == BearerProblem::malformed;
  http::Response response = http::no_store(http::text(malformed ? 400 : 401, ""));
  std::string value = "Bearer realm=\"writ\"";
  if (malformed) value += ", error=\"invalid_request\"";
  else if (problem != BearerProblem::none_given) value += ", error=\"invalid_token\"";
  response.headers.set("WWW-Authenticate", std::move(value));
  return response;
}

Result<BearerSubject, BearerRefusal> check_bearer(const Idp& idp, const registry::Snapshot& snapshot, const http::Request& request,
                                                  Instant now) {
  const Presented presented = TRY(presented_token(request));
  const auto keys = idp.keys.current();
  auto own = verify_own(presented.token, oauth::kTypAccessToken, *keys, idp.settings, now);
  if (!own) {
    const bool forged_or_old = own.error() == OwnTokenProblem::signature || own.error() == OwnTokenProblem::times;
    return refuse_bearer(forged_or_old ? BearerProblem::expired_or_forged : BearerProblem::not_ours);
  }
  const auto* client_id = own->claims.find_string("client_id");
  const auto* scope = own->claims.find_string("scope");
  if (!client_id || !scope || !has_single_audience(own->claims, idp.settings.userinfo_resource())) {
    return refuse_bearer(BearerProblem::not_ours);
  }
  TRY(check_certificate(request, own->claims));
  TRY(check_key(idp, request, presented, own->claims, now));
  auto live = check_session_of(idp, snapshot, *own, now);
  if (!live) return refuse_bearer(BearerProblem::revoked);
  const registry::Agent* agent = snapshot.agent_at_idp(*client_id);
  if (!agent || !agent->active) return refuse_bearer(BearerProblem::revoked);
  return BearerSubject{std::move(*live), *client_id, *scope, agent};
}

}  // namespace writ::token_service::idp
