#include "token_service/idp/subject_identifier.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::token_service::idp {
namespace {

std::optional<std::string> if_any(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text;
}

std::optional<std::string> attribute_of(const registry::User& user, std::string_view name) {
  if (name == "name") return if_any(user.name);
  if (name == "email") return if_any(user.email);
  if (name == "department") return if_any(user.department);
  if (name == "title") return if_any(user.title);
  const auto tag = user.tags.find(std::string(name));
  if (tag == user.tags.end() || tag->second.size() != 1) return std::nullopt;   // of several values none is *the* identifier
  return if_any(*tag->second.begin());
}

std::optional<std::string> pairwise(const registry::User& user, std::string_view audience, const Settings& settings) {
  if (settings.pairwise_secret.empty()) return std::nullopt;
  // Length first, so that no audience and user can be cut differently into another pair.
  const std::string input = std::to_string(audience.size()) + ":" + std::string(audience) + user.id;
  return base64url::encode(crypto::hmac_sha256(settings.pairwise_secret.reveal(), input));
}

}  // namespace

std::optional<std::string> subject_identifier(std::string_view form, const registry::User& user, std::string_view audience,
                                              const Settings& settings) {
  constexpr std::string_view kAttribute = "attribute:";
  if (form == "user_id") return if_any(user.id);
  if (form == "email") return if_any(user.email);
  // Of several identity providers none is the upstream one: the administrator has to say it by attribute.
  if (form == "upstream_sub") return user.links.size() == 1 ? if_any(user.links.front().subject) : std::nullopt;
  if (form.starts_with(kAttribute)) return attribute_of(user, form.substr(kAttribute.size()));
  if (form == "pairwise") return pairwise(user, audience, settings);
  return std::nullopt;
}

}  // namespace writ::token_service::idp
