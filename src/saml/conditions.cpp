#include "saml/conditions.h"

#include <algorithm>

namespace writ::saml {
namespace {

Result<void, Problem> check_validity(const Assertion& assertion, const Rules& rules) {
  if (!assertion.has_conditions) return unexpected(Problem::no_conditions);
  if (assertion.has_unknown_condition) return unexpected(Problem::condition_unknown);
  if (assertion.not_before && rules.now + rules.skew < *assertion.not_before) return unexpected(Problem::not_yet_valid);
  if (assertion.not_on_or_after && rules.now - rules.skew >= *assertion.not_on_or_after) return unexpected(Problem::expired);
  if (assertion.issued > rules.now + rules.skew) return unexpected(Problem::not_yet_valid);
  if (rules.now - assertion.issued > rules.max_age) return unexpected(Problem::too_old);
  return {};
}

// Every restriction must name somebody who is meant; without any the assertion would be for everybody (profiles §4.1.4.2).
Result<void, Problem> check_audience(const Assertion& assertion, const Rules& rules) {
  if (assertion.audience_restrictions.empty()) return unexpected(Problem::audience);
  for (const auto& restriction : assertion.audience_restrictions) {
    const bool is_meant = std::any_of(restriction.begin(), restriction.end(), [&](const auto& audience) { return rules.audiences.contains(audience); });
    if (!is_meant) return unexpected(Problem::audience);
  }
  return {};
}

Result<void, Problem> check_bearer(const BearerConfirmation& bearer, const Rules& rules) {
  if (bearer.recipient != rules.recipient) return unexpected(Problem::recipient);
  // One that answers nobody (sign-in that began at the provider) is not the answer to this question either.
  if (!rules.request_id.empty() && bearer.in_response_to != rules.request_id) return unexpected(Problem::in_response_to);
  if (!bearer.not_on_or_after || bearer.not_before) return unexpected(Problem::confirmation_times);
  if (rules.now - rules.skew >= *bearer.not_on_or_after) return unexpected(Problem::confirmation_expired);
  return {};
}

// One that holds is enough (core §2.4.1); otherwise the reason is the last one's.
Result<const BearerConfirmation*, Problem> check_subject(const Assertion& assertion, const Rules& rules) {
  Problem why = Problem::no_bearer_confirmation;
  for (const BearerConfirmation& bearer : assertion.bearers) {
    const auto holds = check_bearer(bearer, rules);
    if (holds) return &bearer;
    why = holds.error();
  }
  return unexpected(why);
}

}  // namespace

Result<const BearerConfirmation*, Problem> check(const Assertion& assertion, const Rules& rules) {
  if (assertion.issuer != rules.issuer) return unexpected(Problem::issuer);
  TRY(check_validity(assertion, rules));
  TRY(check_audience(assertion, rules));
  const BearerConfirmation* bearer = TRY(check_subject(assertion, rules));
  if (!assertion.authenticated) return unexpected(Problem::no_authentication);
  if (*assertion.authenticated > rules.now + rules.skew) return unexpected(Problem::not_yet_valid);
  if (assertion.session_ends && rules.now >= *assertion.session_ends) return unexpected(Problem::session_over);
  return bearer;
}

Instant forgotten_after(const Assertion& assertion, const Rules& rules) {
  // `too_old` refuses it from then on, whatever its own times say.
  return assertion.issued + rules.max_age + rules.skew;
}

}  // namespace writ::saml
