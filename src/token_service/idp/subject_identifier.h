#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "registry/objects.h"
#include "token_service/idp/settings.h"

namespace writ::token_service::idp {

// How a person is called towards one resource authorization server: `user_id`, `email`, `upstream_sub`, `attribute:x`, or `pairwise`.
// `attribute:x` is name, email, department, title, or a tag with exactly one value. Absent when the person has no such identifier: then
// nothing is issued, for a wrong or empty `sub` would be somebody else's.
std::optional<std::string> subject_identifier(std::string_view form, const registry::User& user, std::string_view audience,
                                              const Settings& settings);

}  // namespace writ::token_service::idp
