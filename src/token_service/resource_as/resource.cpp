#include "token_service/resource_as/resource.h"

namespace writ::token_service::resource_as {
namespace {

// Byte for byte: a fragment, a relative reference or `..` is simply no registered resource (C11).
Result<const registry::Server*, Refusal> governed_server(const std::string& resource, const registry::Snapshot& snapshot,
                                                         const Settings& settings) {
  const registry::Server* server = snapshot.server_by_resource(resource);
  if (server == nullptr) return unexpected(Refusal::resource_not_registered);
  if (server->resource_as != settings.issuer) return unexpected(Refusal::resource_of_another_server);
  return server;
}

}  // namespace

Result<ChosenServer, Refusal> choose_server(const id_jag::IdJag& id_jag, const form::Parameters& parameters,
                                                       const registry::Snapshot& snapshot, const Settings& settings) {
  std::vector<std::string> granted = id_jag.resources;
  if (granted.empty() && !settings.default_resource.empty()) granted.push_back(settings.default_resource);
  if (granted.empty()) return unexpected(Refusal::resource_missing);
  // All of the claim must be ours, not only what is asked for now: an issuer that is wrong about one is not believed about the other.
  ChosenServer chosen;
  for (const std::string& resource : granted) chosen.granted.push_back(TRY(governed_server(resource, snapshot, settings)));

  const auto asked = parameters.find_all("resource");
  if (asked.size() > 1) return unexpected(Refusal::resource_parameter_repeated);
  if (asked.empty() && granted.size() > 1) return unexpected(Refusal::resource_ambiguous);
  const std::string_view resource = asked.empty() ? std::string_view(granted.front()) : asked.front();
  for (const registry::Server* server : chosen.granted)
    if (server->resource == resource) chosen.server = server;
  if (chosen.server == nullptr) return unexpected(Refusal::resource_parameter_not_granted);
  if (!chosen.server->active) return unexpected(Refusal::server_disabled);
  return chosen;
}

}  // namespace writ::token_service::resource_as
