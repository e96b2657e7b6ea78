#include "signals/security_event_token.h"

#include <algorithm>

namespace writ::signals {
namespace {

using Problem = TokenProblem;
constexpr std::size_t kNameMax = 255;

Problem problem_of(jose::JwtProblem problem) {
  switch (problem) {
    case jose::JwtProblem::unknown_key: return Problem::unknown_key;
    case jose::JwtProblem::bad_signature:
    case jose::JwtProblem::algorithm_not_allowed: return Problem::bad_signature;
    default: return Problem::malformed;
  }
}

// RFC 8417 §2.2: text, or an array that may name others too. Us it must name.
std::string named_audience(const json::Value& claims, std::span<const std::string> audiences) {
  const json::Value* value = claims.find("aud");
  if (!value) return "";
  const auto is_us = [&](const std::string& name) { return std::find(audiences.begin(), audiences.end(), name) != audiences.end(); };
  if (const auto* one = value->as_string()) return is_us(*one) ? *one : "";
  const auto several = json::to_strings(*value);
  if (!several) return "";
  const auto found = std::find_if(several->begin(), several->end(), is_us);
  return found == several->end() ? "" : *found;
}

Result<void, Problem> check_time(const json::Value& claims, const Expectations& expectations) {
  const auto* issued_at = claims.find_int("iat");
  // However old: a token waits for a receiver that is down, and what it says stays true.
  if (!issued_at || *issued_at <= 0 || *issued_at > expectations.now_seconds + expectations.skew_seconds) return unexpected(Problem::bad_issued_at);
  return {};
}

Result<Event, Problem> read_event(const json::Value& claims) {
  const json::Object* events = claims.find_object("events");
  if (!events || events->empty()) return unexpected(Problem::no_event);
  if (events->size() > 1) return unexpected(Problem::several_events);
  Event event;
  event.type = events->front().name;
  event.members = events->front().value;
  if (!event.members.is_object() || event.type.empty() || event.type.size() > kNameMax || !timestamp_of(event)) return unexpected(Problem::bad_event);
  return event;
}

}  // namespace

std::string_view to_string(TokenProblem problem) {
  switch (problem) {
    case Problem::malformed: return "set_malformed";
    case Problem::wrong_type: return "set_wrong_type";
    case Problem::wrong_issuer: return "set_wrong_issuer";
    case Problem::wrong_audience: return "set_wrong_audience";
    case Problem::unknown_key: return "set_unknown_key";
    case Problem::bad_signature: return "set_bad_signature";
    case Problem::has_sub: return "set_has_sub";
    case Problem::has_exp: return "set_has_exp";
    case Problem::bad_issued_at: return "set_bad_iat";
    case Problem::bad_jti: return "set_bad_jti";
    case Problem::no_event: return "set_no_event";
    case Problem::several_events: return "set_several_events";
    case Problem::bad_event: return "set_bad_event";
    case Problem::bad_subject: return "set_bad_subject";
  }
  return "set_malformed";
}

std::string_view to_error_code(TokenProblem problem) {
  switch (problem) {
    case Problem::wrong_issuer: return "invalid_issuer";
    case Problem::wrong_audience: return "invalid_audience";
    case Problem::unknown_key: return "invalid_key";
    case Problem::bad_signature: return "authentication_failed";
    default: return "invalid_request";
  }
}

json::Value to_claims(const std::string& issuer, const std::string& audience, const std::string& jti, std::int64_t issued_at, const std::string& txn,
                      const Identifier& subject, const Event& event) {
  json::Value claims{{"iss", issuer}, {"jti", jti}, {"iat", issued_at}, {"aud", audience}};
  if (!txn.empty()) claims.set("txn", txn);
  claims.set("sub_id", to_json(subject));
  json::Object events;
  events.push_back({event.type, event.members});
  claims.set("events", std::move(events));
  return claims;
}

std::string sign(const json::Value& claims, const jose::SigningKey& key) { return jose::sign(key, kTypSecurityEvent, claims); }

Result<jose::UnverifiedJwt, TokenProblem> parse(std::string_view compact) {
  auto token = jose::UnverifiedJwt::parse(compact);
  if (!token) return unexpected(token.error() == jose::JwtProblem::algorithm_not_allowed ? Problem::bad_signature : Problem::malformed);
  if (!token->has_type(kTypSecurityEvent)) return unexpected(Problem::wrong_type);
  return std::move(*token);
}

Result<SecurityEventToken, TokenProblem> verify(jose::UnverifiedJwt token, const jose::KeySet& keys, const Expectations& expectations) {
  if (!token.has_type(kTypSecurityEvent)) return unexpected(Problem::wrong_type);
  const auto verified = jose::VerifiedJwt::verify(std::move(token), keys, expectations.algorithms);
  if (!verified) return unexpected(problem_of(verified.error()));
  const json::Value& claims = verified->claims();
  SecurityEventToken set;
  const auto* issuer = claims.find_string("iss");
  if (!issuer || *issuer != expectations.issuer) return unexpected(Problem::wrong_issuer);
  set.issuer = *issuer;
  set.audience = named_audience(claims, expectations.audiences);
  if (set.audience.empty()) return unexpected(Problem::wrong_audience);
  // EN-21. Present is enough: what has them is made to be taken for something else.
  if (claims.find("sub")) return unexpected(Problem::has_sub);
  if (claims.find("exp")) return unexpected(Problem::has_exp);
  TRY(check_time(claims, expectations));
  set.issued_at = *claims.find_int("iat");
  const auto* jti = claims.find_string("jti");
  if (!jti || jti->empty() || jti->size() > kNameMax) return unexpected(Problem::bad_jti);
  set.jti = *jti;
  if (const auto* txn = claims.find_string("txn")) set.txn = txn->substr(0, kNameMax);
  set.event = TRY(read_event(claims));
  const json::Value* sub_id = claims.find("sub_id");
  auto subject = sub_id ? parse_subject(*sub_id) : Result<Subject, SubjectProblem>(unexpected(SubjectProblem::not_an_object));
  if (!subject) return unexpected(Problem::bad_subject);
  set.subject = std::move(*subject);
  return set;
}

}  // namespace writ::signals
