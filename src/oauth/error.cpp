#include "oauth/error.h"

namespace writ::oauth {
namespace {

int own_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_client: return 401;
    case ErrorCode::temporarily_unavailable: return 503;
    default: return 400;
  }
}

// RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E. Descriptions are fixed texts of ours; this holds even if one is not.
std::string describable(std::string_view text) {
  std::string result(text);
  for (char& letter : result) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x20 || byte > 0x7E || letter == '"' || letter == '\\') letter = ' ';
  }
  return result;
}

}  // namespace

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_request: return "invalid_request";
    case ErrorCode::invalid_client: return "invalid_client";
    case ErrorCode::invalid_grant: return "invalid_grant";
    case ErrorCode::unauthorized_client: return "unauthorized_client";
    case ErrorCode::unsupported_grant_type: return "unsupported_grant_type";
    case ErrorCode::invalid_scope: return "invalid_scope";
    case ErrorCode::invalid_target: return "invalid_target";
    case ErrorCode::invalid_authorization_details: return "invalid_authorization_details";
    case ErrorCode::access_denied: return "access_denied";
    case ErrorCode::insufficient_user_authentication: return "insufficient_user_authentication";
    case ErrorCode::unsupported_token_type: return "unsupported_token_type";
    case ErrorCode::temporarily_unavailable: return "temporarily_unavailable";
    case ErrorCode::authorization_pending: return "authorization_pending";
    case ErrorCode::slow_down: return "slow_down";
    case ErrorCode::expired_token: return "expired_token";
    case ErrorCode::invalid_dpop_proof: return "invalid_dpop_proof";
    case ErrorCode::use_dpop_nonce: return "use_dpop_nonce";
  }
  return "invalid_request";
}

http::Response render(const Error& error) {
  json::Value body{{"error", to_string(error.code)}};
  if (!error.description.empty()) body.set("error_description", describable(error.description));
  for (const json::Member& member : error.members) body.set(member.name, member.value);

  http::Response response = http::json(error.status != 0 ? error.status : own_status(error.code), json::write(body));
  if (response.status == 405) response.headers.set("Allow", "POST");
  // RFC 6749 §5.2: the scheme that the client tried, and only then; a challenge makes browsers ask for a password.
  if (error.basic_challenge) response.headers.set("WWW-Authenticate", "Basic realm=\"token\", charset=\"UTF-8\"");
  const int retry_after = error.retry_after_seconds != 0 ? error.retry_after_seconds : response.status == 503 ? 1 : 0;
  if (retry_after != 0) response.headers.set("Retry-After", std::to_string(retry_after));
  return http::no_store(std::move(response));
}

}  // namespace writ::oauth
