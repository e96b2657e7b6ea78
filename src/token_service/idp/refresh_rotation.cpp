#include "token_service/idp/refresh_rotation.h"

#include "crypto/hash.h"
#include "crypto/random.h"
#include "encoding/base64url.h"

namespace writ::token_service::idp {
namespace {

constexpr std::string_view kPrefix = "wrt_";   // lets secret scanners find a leaked one

}  // namespace

std::string_view to_string(RefreshStanding standing) {
  switch (standing) {
    case RefreshStanding::current: return "refresh_token_current";
    case RefreshStanding::repeated: return "refresh_token_repeated";
    case RefreshStanding::reused: return "refresh_token_reused";
    case RefreshStanding::revoked: return "refresh_token_revoked";
    case RefreshStanding::expired: return "refresh_token_expired";
  }
  return "refresh_token_revoked";
}

RefreshStanding standing_of(const RefreshFamily& family, std::size_t generation, const Settings& settings, Instant now) {
  if (family.revoked || family.generations.empty()) return RefreshStanding::revoked;
  const std::size_t current = family.generations.size() - 1;
  if (generation < current) {
    const bool is_predecessor = generation + 1 == current;
    const bool soon = now <= family.rotated + Seconds{settings.refresh_repeat_seconds};
    if (!is_predecessor || !soon || family.current_used) return RefreshStanding::reused;
  }
  if (now >= family.expires) return RefreshStanding::expired;
  return generation == current ? RefreshStanding::current : RefreshStanding::repeated;
}

std::string successor_of(std::string_view token, const RefreshFamily& family) {
  return std::string(kPrefix) + base64url::encode(crypto::hmac_sha256(family.successor_key, token));
}

NewFamily begin_family(RefreshFamily described, Instant now) {
  const std::string token = std::string(kPrefix) + crypto::random_token(32);
  described.created = described.rotated = now;
  described.successor_key = crypto::random_token(32);
  described.generations = {digest_of(token)};
  return {std::move(described), token};
}

}  // namespace writ::token_service::idp
