#include "scim/call.h"

#include "base/overloaded.h"

namespace writ::scim {
namespace {

// Entity tags are compared weakly: ours are digests of what is shown. A list is split at its commas; there is none inside a tag of ours.
bool names_version(std::string_view field, std::string_view version) {
  const auto bare = [](std::string_view tag) {
    while (tag.starts_with(' ')) tag.remove_prefix(1);
    while (tag.ends_with(' ')) tag.remove_suffix(1);
    return tag.starts_with("W/") ? tag.substr(2) : tag;
  };
  while (!field.empty()) {
    const auto comma = std::min(field.find(','), field.size());
    const std::string_view tag = bare(field.substr(0, comma));
    if (tag == "*" || tag == bare(version)) return true;
    field.remove_prefix(std::min(comma + 1, field.size()));
  }
  return false;
}

}  // namespace

std::string version_of(const json::Value& resource) {
  const json::Value* meta = resource.find("meta");
  const auto* version = meta ? meta->find_string("version") : nullptr;
  return version ? *version : std::string();
}

Result<void, Error> check_if_match(const http::Request& request, const json::Value& resource) {
  const std::string* field = request.headers.find("If-Match");
  if (!field) return {};
  if (request.headers.count("If-Match") == 1 && names_version(*field, version_of(resource))) return {};
  return unexpected(Error{412, ScimType::none, "the resource has another version than the one that `If-Match` names"});
}

bool is_known(const http::Request& request, const json::Value& resource) {
  const std::string* field = request.headers.find_single("If-None-Match");
  return field && names_version(*field, version_of(resource));
}

http::Response resource_answer(int status, const json::Value& resource, const Projection& projection) {
  http::Response response = answer(status, projection.of(resource));
  response.headers.add("ETag", version_of(resource));
  const json::Value* meta = resource.find("meta");
  const auto* location = meta ? meta->find_string("location") : nullptr;
  if (location) response.headers.add(status == 201 ? "Location" : "Content-Location", *location);
  return response;
}

Error to_error(const DirectoryFailure& failure) {
  return std::visit(Overloaded{[](const Error& error) { return error; },
                               [](const NotAccepted& refused) { return invalid_value(refused.problems); },
                               [](const Unavailable&) { return Error{503, ScimType::none, "the change cannot be recorded now: try again"}; }},
                    failure);
}

Result<View, Error> view_of(const Call& call, const registry::Snapshot& snapshot) {
  const registry::IdentityConnector* connector = snapshot.identity_connector(call.connector);
  if (!connector || !connector->scim || !connector->active) return unexpected(Error{403, ScimType::none, "the token's connector takes no people by SCIM any more"});
  return View(snapshot, *connector, call.endpoint.kept, call.endpoint.base_url);
}

KeptChange keep_again(const Kept* before, json::Value attributes, bool resource_changed, Instant now) {
  KeptChange change;
  change.is_change = resource_changed || !before || !(before->attributes == attributes);
  change.kept.created = before ? before->created : now;
  change.kept.last_modified = change.is_change ? now : before->last_modified;
  change.kept.attributes = std::move(attributes);
  return change;
}

}  // namespace writ::scim
