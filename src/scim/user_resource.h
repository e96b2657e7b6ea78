#pragma once

// People as SCIM users and back. The registry keeps what something is decided by; the rest is kept as sent (kept_attributes.h).

#include <optional>

#include "base/result.h"
#include "scim/error.h"
#include "scim/kept_attributes.h"
#include "scim/view.h"

namespace writ::scim {

// With `meta`, whose `version` is a digest of all the rest.
json::Value write_user(const registry::User& user, const View& view);

// `resource` in the spelling of the schemas, whole: what it does not say is gone, but for `active`, which nobody means to change by leaving it out (EN-07).
// Changes the attributes that a directory may change; `active` only as asked for here, for whether it may is not its to know.
struct SaidOfUser {
  std::optional<bool> active;
  json::Value kept = json::Object{};
};
Result<SaidOfUser, Error> read_user(const json::Value& resource, const registry::IdentityConnector& connector, registry::User& user);

// Who among the people that are here already is meant by somebody whom the directory makes (rules §1.4). Null: nobody. An error: somebody is in the way.
Result<const registry::User*, Error> find_to_adopt(const registry::User& made, const View& view);

// Adds `meta` to a finished resource.
void add_meta(json::Value& resource, std::string_view type, const Kept* kept, std::string location);

}  // namespace writ::scim
