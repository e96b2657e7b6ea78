#include "registry/revocations.h"

#include "registry/objects.h"

namespace writ::registry {

bool is_taken_back(Instant issued, const User& user, const Revocations& revocations, Seconds clock_difference) {
  if (user.not_before && issued < *user.not_before) return true;
  const Instant restored = revocations.restored();
  return restored != Instant{} && issued - clock_difference <= restored;
}

}  // namespace writ::registry
