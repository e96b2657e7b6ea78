#pragma once

// What a presented refresh token is worth (rules of rotation, RFC 9700 §4.14, OB-135). Pure.
//
// A successor is a keyed hash of its predecessor, so a client whose answer got lost can present the predecessor again and gets the very
// same successor, without the server keeping any token. The key lies in the family's document: the store alone yields no token
// (no predecessor), a stolen token alone yields no successor (no key).

#include <cstddef>
#include <string>
#include <string_view>

#include "token_service/idp/settings.h"
#include "token_service/idp/stores.h"

namespace writ::token_service::idp {

enum class RefreshStanding {
  current,     // rotate
  repeated,    // the predecessor, soon enough, and its successor is unused: the same successor again
  reused,      // an old token came back: somebody else has it, or had it. The family goes
  revoked,
  expired,
};
std::string_view to_string(RefreshStanding standing);

RefreshStanding standing_of(const RefreshFamily& family, std::size_t generation, const Settings& settings, Instant now);

std::string successor_of(std::string_view token, const RefreshFamily& family);

// A family of one fresh token.
struct NewFamily {
  RefreshFamily family;
  std::string token;
};
NewFamily begin_family(RefreshFamily described, Instant now);

}  // namespace writ::token_service::idp
