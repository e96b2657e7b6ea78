#pragma once

// What must be bound to a key that is proved (RFC 9449): a client's requests, a server's tokens, an issuer's ID-JAGs. One member in each document,
// written only where it is on.

#include "encoding/json.h"
#include "registry/fields.h"
#include "registry/objects.h"

namespace writ::registry {

inline constexpr const char* kDpopBound = "dpop_bound_access_tokens";                // of a registration (RFC 9449 §5.2)
inline constexpr const char* kDpopRequired = "dpop_bound_access_tokens_required";    // of a server (RFC 9728 §2)
inline constexpr const char* kSenderConstrained = "sender_constrained";              // of a trusted issuer

void read_constraint(Fields& fields, Registration& registration);
void read_constraint(Fields& fields, Server& server);
void read_constraint(Fields& fields, TrustedIssuer& issuer);

void write_constraint(json::Value& out, const Registration& registration);
void write_constraint(json::Value& out, const Server& server);
void write_constraint(json::Value& out, const TrustedIssuer& issuer);

// Why it cannot be so, as a sentence; empty: it can. At the IdP the key of a device is its credential, and `writ login` proves no other.
const char* constraint_problem(const Registration& registration, bool at_idp);

}  // namespace writ::registry
