#include "registry/sender_constraint.h"

namespace writ::registry {

void read_constraint(Fields& fields, Registration& registration) { registration.dpop_bound = fields.flag(kDpopBound, false); }
void read_constraint(Fields& fields, Server& server) { server.dpop_required = fields.flag(kDpopRequired, false); }
void read_constraint(Fields& fields, TrustedIssuer& issuer) { issuer.sender_constrained = fields.flag(kSenderConstrained, false); }

void write_constraint(json::Value& out, const Registration& registration) {
  if (registration.dpop_bound) out.set(kDpopBound, true);
}
void write_constraint(json::Value& out, const Server& server) {
  if (server.dpop_required) out.set(kDpopRequired, true);
}
void write_constraint(json::Value& out, const TrustedIssuer& issuer) {
  if (issuer.sender_constrained) out.set(kSenderConstrained, true);
}

const char* constraint_problem(const Registration& registration, bool at_idp) {
  if (at_idp && registration.device_keys && registration.dpop_bound) return "`dpop_bound_access_tokens` does not go with `device_keys`: each device authenticates with its own key already";
  return "";
}

}  // namespace writ::registry
