#include "registry/authorization_options.h"

#include <algorithm>

#include "encoding/uri.h"

namespace writ::registry {
namespace {

// Empty: nothing is wrong.
std::string problem_with(const Objects& objects, const SignInClient& client) {
  if (!client.has_idp) return "`interactive_grant` needs the identity provider among this deployment's `roles`: people sign in there";
  if (client.agent.empty()) return "`interactive_grant` needs `resource_as.agent` in the configuration: which agent the resource authorization server is at the identity provider";
  const auto agent = std::find_if(objects.agents.begin(), objects.agents.end(), [&](const Agent& one) { return one.id == client.agent; });
  if (agent == objects.agents.end()) return "`resource_as.agent` names the agent `" + client.agent + "`, and there is none";
  if (!agent->idp) return "the agent `" + client.agent + "` of `resource_as.agent` is not registered at the identity provider: give it `idp`";
  const auto& uris = agent->idp->redirect_uris;
  if (std::find(uris.begin(), uris.end(), client.redirect_uri) == uris.end()) return "the agent `" + client.agent + "` of `resource_as.agent` needs `" + client.redirect_uri + "` among its `redirect_uris`";
  const auto wanted = client.has_secret ? ClientAuthentication::client_secret : ClientAuthentication::none;
  if (agent->idp->authentication != wanted) {
    return client.has_secret ? "`resource_as.agent_secret_file` needs `authentication: client_secret` at the agent `" + client.agent + "`"
                             : "the agent `" + client.agent + "` of `resource_as.agent` needs `authentication: none`, or the configuration `resource_as.agent_secret_file`";
  }
  return "";
}

}  // namespace

void read_authorization_options(Fields& fields, Server& server) { server.interactive_grant = fields.flag("interactive_grant", false); }
void write_authorization_options(json::Value& out, const Server& server) {
  if (server.interactive_grant) out.set("interactive_grant", true);
}

void read_authorization_options(Fields& fields, Registration& registration) {
  registration.pushed_only = fields.flag("pushed_only", false);
  registration.metadata_document = fields.flag("metadata_document", false);
}
void write_authorization_options(json::Value& out, const Registration& registration) {
  if (registration.pushed_only) out.set("pushed_only", true);
  if (registration.metadata_document) out.set("metadata_document", true);
}

std::vector<std::string> problems_with_authorization_options(const Registration& registration) {
  std::vector<std::string> problems;
  if (!registration.metadata_document) return problems;
  const auto url = uri::parse(registration.client_id);
  if (!url || !uri::is_secure_or_loopback(*url) || url->has_userinfo || url->fragment || url->path.size() < 2) {
    problems.push_back("with `metadata_document` the `client_id` is the address of the document: an https URL with a path, without user name or fragment");
  }
  if (registration.authentication == ClientAuthentication::client_secret) {
    problems.push_back("`metadata_document` does not go with `client_secret`: a document that everybody reads holds no secret. Write `authentication: private_key_jwt`, or `none` for signing people in alone");
  }
  if (!registration.jwks.empty() || !registration.jwks_uri.empty() || !registration.redirect_uris.empty()) {
    problems.push_back("with `metadata_document` keys and redirect URIs come from the document: remove `jwks`, `jwks_uri` and `redirect_uris`");
  }
  if (registration.device_keys) problems.push_back("`metadata_document` does not go with `device_keys`: each device brings its own key");
  return problems;
}

Problems check_interactive_grants(const Objects& objects, const SignInClient& client, const Places& places) {
  Problems problems;
  for (const Server& server : objects.servers) {
    if (!server.interactive_grant) continue;
    std::string message = server.resource_as == client.resource_as && !client.resource_as.empty()
                              ? problem_with(objects, client)
                              : "`interactive_grant` is for servers of this deployment's own resource authorization server";
    if (!message.empty()) problems.push_back({places.of(ObjectKind::server, server.id, "interactive_grant"), std::move(message)});
  }
  return problems;
}

}  // namespace writ::registry
