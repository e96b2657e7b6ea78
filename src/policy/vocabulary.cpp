#include "policy/vocabulary.h"

#include "cedar/value.h"

namespace writ::policy {
namespace {

constexpr const char* kFixed = R"(namespace Writ {
  entity Group in [Group];
  entity User in [Group] = { issuer: String, email?: String, department?: String, title?: String } tags Set<String>;
  entity AgentGroup;
  entity Agent in [AgentGroup] = { vendor?: String, authentication: String };
  entity ServerGroup;
  entity Server in [ServerGroup] = { environment?: String };
  entity Scope in [Server] = { highImpact: Bool };
  entity ToolGroup;
  entity Tool in [Server, Scope, ToolGroup] = { readOnly: Bool, destructive: Bool, idempotent: Bool, openWorld: Bool };
  entity Resource in [Server] = { uri: String };
  entity Prompt in [Server];
  type Authentication = { acr: String, amr: Set<String>, age: duration };
  type Circumstances = { agent: Agent, issuer: String, auth: Authentication, now: datetime, ip?: ipaddr };
  action connect appliesTo { principal: User, resource: Server, context: Circumstances };
  action grant_scope appliesTo { principal: User, resource: Scope, context: Circumstances };
  type Detail = { type: String, identifier?: String, locations?: Set<String>, actions?: Set<String>, datatypes?: Set<String>, privileges?: Set<String> };
  action grant_detail appliesTo { principal: User, resource: Server, context: {
    agent: Agent, issuer: String, auth: Authentication, now: datetime, ip?: ipaddr, detail: Detail } };
  action use;
  action call in [use];
  action read_resource, subscribe in [use] appliesTo { principal: User, resource: Resource, context: Circumstances };
  action get_prompt in [use] appliesTo { principal: User, resource: Prompt, context: Circumstances };
  action complete in [use] appliesTo { principal: User, resource: [Prompt, Resource], context: Circumstances };
)";

}  // namespace

std::string id_at(std::string_view server, std::string_view name) {
  std::string id(server);
  id += '/';
  id += name;
  return id;
}

std::string schema_text(const std::vector<KnownTool>& tools) {
  std::string text = kFixed;
  for (const KnownTool& tool : tools) {
    const std::string id = id_at(tool.server, tool.name);
    text += "  action " + cedar::Value::string(id).to_string() + " in [call] appliesTo { principal: User, resource: Tool, context: {\n";
    text += "    agent: Agent, issuer: String, auth: Authentication, now: datetime, ip?: ipaddr,\n";
    text += "    args: " + (tool.arguments ? to_cedar(*tool.arguments) : std::string("{}")) + ", unseen: Set<String> } };\n";
  }
  return text + "}\n";
}

}  // namespace writ::policy
