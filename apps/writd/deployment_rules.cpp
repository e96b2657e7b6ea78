#include "deployment_rules.h"

#include "registry/authorization_options.h"
#include "registry/gateway_identity.h"

namespace writ::writd {

std::function<registry::Problems(const registry::Objects&, const registry::Places&)> deployment_rules(const config::Config& config) {
  const registry::GatewayIdentity gateway{config.idp.enabled, config.gateway.agent};
  const registry::SignInClient sign_in_client{config.idp.enabled, config.resource_as.enabled ? config.resource_as.issuer : "", config.resource_as.agent, config.resource_as.issuer + "/callback", !config.resource_as.agent_secret_file.empty()};
  return [gateway, sign_in_client](const registry::Objects& objects, const registry::Places& places) {
    auto problems = registry::check_gateway_identity(objects, gateway, places);
    for (auto& problem : registry::check_interactive_grants(objects, sign_in_client, places)) problems.push_back(std::move(problem));
    return problems;
  };
}

}  // namespace writ::writd
