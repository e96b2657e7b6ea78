#pragma once

// Whether what a verified assertion says is meant for this use, now. Pure (SAML core §2.4, §2.5; profiles §4.1.4.2).

#include <set>
#include <string>

#include "base/result.h"
#include "saml/assertion.h"
#include "saml/problem.h"

namespace writ::saml {

struct Rules {
  std::string issuer;                  // entity ID that its key belongs to
  std::set<std::string> audiences;     // those that mean the client who presents it
  std::string recipient;
  std::string request_id;              // of the question that it must answer (profiles §4.1.4.3); empty: whoever presents it does not say
  Seconds skew{30};
  Seconds max_age{3600};               // since it was issued
  Instant now{};
};

// The confirmation that holds. It is into the assertion.
Result<const BearerConfirmation*, Problem> check(const Assertion& assertion, const Rules& rules);

// When it can be of no use any more, whatever the clocks: until then its ID is remembered.
Instant forgotten_after(const Assertion& assertion, const Rules& rules);

}  // namespace writ::saml
