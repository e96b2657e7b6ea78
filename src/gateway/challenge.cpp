#include "gateway/challenge.h"

namespace writ::gateway {
namespace {

// What a client may know: enough to mend it, nothing about who exists.
std::string_view description(TokenRefusal refusal) {
  switch (refusal) {
    case TokenRefusal::expired: return "the access token expired";
    case TokenRefusal::in_query: return "send the access token in the Authorization field";
    case TokenRefusal::wrong_audience: return "the access token is for another resource";
    case TokenRefusal::key_bound: return "the access token is bound to a key";
    case TokenRefusal::not_key_bound: return "the access token is bound to no key: send it as Bearer";
    case TokenRefusal::binding_required: return "this server takes only access tokens that are bound to a key";
    case TokenRefusal::certificate_absent:
    case TokenRefusal::certificate_mismatch: return "the access token is bound to a certificate that this connection does not have";
    case TokenRefusal::proof_absent: return "a DPoP proof is needed";
    case TokenRefusal::proof_refused: return "the DPoP proof is not accepted";
    case TokenRefusal::proof_needs_nonce: return "send a fresh DPoP proof with the nonce of this answer";
    case TokenRefusal::revoked:
    case TokenRefusal::session_ended:
    case TokenRefusal::user_unknown:
    case TokenRefusal::user_disabled:
    case TokenRefusal::user_not_before:
    case TokenRefusal::account_unlinked:
    case TokenRefusal::issuer_disabled:
    case TokenRefusal::agent_unknown:
    case TokenRefusal::agent_disabled: return "the access token is no longer valid";
    default: return "the access token is not valid";
  }
}

std::string default_scope(const registry::Server& server) {
  std::string scope;
  for (const registry::Scope& one : server.scopes) {
    if (!one.is_default) continue;
    if (!scope.empty()) scope += ' ';
    scope += one.name;
  }
  return scope;
}

void parameter(std::string& field, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  field += field.find(' ') == std::string::npos ? " " : ", ";
  field.append(name).append("=\"");
  for (const char c : value) {
    if (c == '"' || c == '\\') field += '\\';
    field += c;
  }
  field += '"';
}

}  // namespace

http::Response challenge(TokenRefusal refusal, const registry::Server& server, std::string_view metadata_url) {
  if (refusal == TokenRefusal::keys_unavailable) {
    http::Response response = http::no_store(http::text(503, "the authorization server's keys cannot be had\n"));
    response.headers.add("Retry-After", "5");
    return response;
  }
  const bool is_request_bad = refusal == TokenRefusal::repeated;
  http::Response response = http::no_store(http::text(is_request_bad ? 400 : 401, ""));
  std::string field = "Bearer";
  if (is_request_bad) {
    parameter(field, "error", "invalid_request");
    parameter(field, "error_description", "more than one access token");
  } else if (refusal != TokenRefusal::absent && refusal != TokenRefusal::not_bearer) {
    // No error on first contact: the client did not know yet (RFC 6750 §3.1, MCPA-37).
    parameter(field, "error", "invalid_token");
    parameter(field, "error_description", description(refusal));
  }
  parameter(field, "resource_metadata", metadata_url);
  parameter(field, "scope", default_scope(server));
  response.headers.add("WWW-Authenticate", std::move(field));
  return response;
}

http::Response with_dpop_challenge(http::Response answer, const AuthenticationRefusal& refused, bool as_dpop, std::string nonce, const registry::Server& server, std::string_view metadata_url) {
  if (answer.status != 401) return answer;
  const TokenRefusal refusal = refused.refusal;
  std::string field(dpop::kScheme);
  const bool is_about_key = as_dpop || refusal == TokenRefusal::key_bound || refusal == TokenRefusal::binding_required;
  if (is_about_key && refusal != TokenRefusal::absent) {
    const bool is_proof = refusal == TokenRefusal::proof_absent || refusal == TokenRefusal::proof_refused;
    parameter(field, "error", refusal == TokenRefusal::proof_needs_nonce ? "use_dpop_nonce" : is_proof ? "invalid_dpop_proof" : "invalid_token");
    parameter(field, "error_description", description(refusal));
  }
  std::string algorithms;
  for (const std::string& name : dpop::algorithm_names()) algorithms += (algorithms.empty() ? "" : " ") + name;
  parameter(field, "algs", algorithms);
  parameter(field, "resource_metadata", metadata_url);
  parameter(field, "scope", default_scope(server));
  if (is_about_key || server.dpop_required) answer.headers.erase("WWW-Authenticate");
  answer.headers.add("WWW-Authenticate", std::move(field));
  if (!nonce.empty()) answer.headers.set(dpop::kNonceHeader, std::move(nonce));
  return answer;
}

http::Response insufficient_scope(std::string_view scope, std::string_view metadata_url) {
  http::Response response = http::no_store(http::text(403, ""));
  std::string field = "Bearer";
  parameter(field, "error", "insufficient_scope");
  parameter(field, "error_description", "the tool needs another scope");
  parameter(field, "scope", scope);
  parameter(field, "resource_metadata", metadata_url);
  response.headers.add("WWW-Authenticate", std::move(field));
  return response;
}

http::Response insufficient_user_authentication(const policy::StepUp& step_up, std::string_view scope, std::string_view metadata_url, const json::Value& body) {
  http::Response response = http::no_store(http::json(401, json::write(body)));
  std::string field = "Bearer";
  parameter(field, "error", "insufficient_user_authentication");
  parameter(field, "error_description", "a stronger or more recent sign-in is needed");
  parameter(field, "acr_values", step_up.acr_values);
  if (step_up.max_age_seconds) parameter(field, "max_age", std::to_string(*step_up.max_age_seconds));
  parameter(field, "scope", scope);
  parameter(field, "resource_metadata", metadata_url);
  response.headers.add("WWW-Authenticate", std::move(field));
  return response;
}

}  // namespace writ::gateway
