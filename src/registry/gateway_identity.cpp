#include "registry/gateway_identity.h"

#include <algorithm>

namespace writ::registry {
namespace {

using Grant = UpstreamOAuth::Grant;

// Empty: nothing is wrong.
std::string problem_with_id_jag(const Objects& objects, const GatewayIdentity& gateway, const UpstreamOAuth& oauth) {
  if (!gateway.has_idp) return "`grant: id_jag` needs the identity provider among this deployment's `roles`: it issues the ID-JAG";
  if (gateway.agent.empty()) return "`grant: id_jag` needs `gateway.agent` in the configuration: which agent the gateway itself is";
  const auto agent = std::find_if(objects.agents.begin(), objects.agents.end(), [&](const Agent& one) { return one.id == gateway.agent; });
  if (agent == objects.agents.end()) return "`gateway.agent` names the agent `" + gateway.agent + "`, and there is none";
  const auto at = std::find_if(agent->resource_as.begin(), agent->resource_as.end(), [&](const ResourceAsRegistration& one) { return one.issuer == oauth.issuer; });
  if (at == agent->resource_as.end()) return "the gateway's agent `" + gateway.agent + "` is not registered at `" + oauth.issuer + "`: add it to its `resource_authorization_servers`";
  if (at->registration.client_id != oauth.client_id) return "the gateway's agent `" + gateway.agent + "` is registered at `" + oauth.issuer + "` as `" + at->registration.client_id + "`, not as `" + oauth.client_id + "`";
  return "";
}

}  // namespace

Problems check_gateway_identity(const Objects& objects, const GatewayIdentity& gateway, const Places& places) {
  Problems problems;
  for (const Server& server : objects.servers) {
    if (!server.upstream || !server.upstream->oauth) continue;
    const UpstreamOAuth& oauth = *server.upstream->oauth;
    std::string message;
    if (oauth.grant == Grant::id_jag) message = problem_with_id_jag(objects, gateway, oauth);
    if (oauth.grant == Grant::authorization_code && !gateway.has_idp) message = "`grant: authorization_code` needs the identity provider among this deployment's `roles`: people link their accounts in its session";
    if (!message.empty()) problems.push_back({places.of(ObjectKind::server, server.id, "upstream/oauth"), std::move(message)});
  }
  return problems;
}

}  // namespace writ::registry
