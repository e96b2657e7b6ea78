#pragma once

// What a SAML 2.0 assertion says, as plain data. It is believed only inside a VerifiedAssertion (verified_assertion.h).

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace writ::saml {

inline constexpr const char* kTransient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

struct NameId {
  std::string value, format, name_qualifier, sp_name_qualifier, sp_provided_id;
};

struct BearerConfirmation {
  std::string recipient, in_response_to;
  std::optional<Instant> not_before, not_on_or_after;
};

struct Attribute {
  std::string name;
  std::vector<std::string> values;
  bool is_text = true;      // false: some value has elements in it, and none of them is read
};

// Empty text: not said.
struct Assertion {
  std::string id, issuer;
  Instant issued{};
  std::optional<NameId> name_id;
  std::vector<BearerConfirmation> bearers;
  bool has_conditions = false, has_unknown_condition = false, one_time_use = false;
  std::optional<Instant> not_before, not_on_or_after;
  std::vector<std::vector<std::string>> audience_restrictions;   // one of each must be meant (core §2.5.1.4)
  std::optional<Instant> authenticated;                          // AuthnInstant
  std::string authentication_context, session_index;
  std::optional<Instant> session_ends;                           // SessionNotOnOrAfter
  std::vector<Attribute> attributes;                             // of one name: gathered in one

  const Attribute* attribute(std::string_view name) const {
    for (const Attribute& one : attributes) {
      if (one.name == name) return &one;
    }
    return nullptr;
  }
};

}  // namespace writ::saml
