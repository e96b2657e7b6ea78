#include "registry/withdrawn_keys.h"

namespace writ::registry {

std::string withdrawn_key_name(std::string_view issuer, std::string_view kid) { return "key " + std::string(kid) + " of " + std::string(issuer); }

bool is_key_withdrawn(std::string_view issuer, std::string_view kid, const Revocations& revocations) {
  return !kid.empty() && revocations.is_token_revoked(withdrawn_key_name(issuer, kid));
}

}  // namespace writ::registry
