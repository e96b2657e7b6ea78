#include "gateway/combined/built_in_tools.h"

#include "audit/record.h"

namespace writ::gateway::combined {
namespace {

json::Value text_schema(const char* description) { return json::Value{{"type", "string"}, {"description", description}}; }
json::Value texts_schema(const char* description) {
  return json::Value{{"type", "array"}, {"items", json::Value{{"type", "string"}}}, {"description", description}};
}
json::Value object_schema(json::Value properties, std::vector<std::string> required) {
  json::Value schema{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema.set("required", json::from_strings(required));
  return schema;
}

json::Value tool(std::string_view name, const char* title, const char* description, json::Value output) {
  json::Value input{{"type", "object"}, {"properties", json::Object{}}, {"additionalProperties", false}};
  json::Value annotations{{"title", title}, {"readOnlyHint", true}, {"destructiveHint", false}, {"idempotentHint", true}, {"openWorldHint", false}};
  return json::Value{{"name", name},         {"title", title}, {"description", description}, {"inputSchema", std::move(input)}, {"outputSchema", std::move(output)},
                     {"annotations", std::move(annotations)}};
}

json::Value servers_tool() {
  json::Value server = object_schema(json::Value{{"id", text_schema("The server's id; its tools are named id__tool here.")},
                                                 {"name", text_schema("What people call it.")},
                                                 {"url", text_schema("The server's own MCP address.")},
                                                 {"state", json::Value{{"type", "string"},
                                                                       {"enum", json::Array{"available", "sign_in_needed", "account_needed", "slow", "down", "error", "denied"}},
                                                                       {"description", "available: its tools can be used now."}}},
                                                 {"what_to_do", text_schema("What would make it available, for the user.")},
                                                 {"link_url", text_schema("Where the user links an account, when state is account_needed.")}},
                                     {"id", "url", "state"});
  json::Value output = object_schema(json::Value{{"servers", json::Value{{"type", "array"}, {"items", std::move(server)}}}}, {"servers"});
  return tool(kServersTool, "List available servers",
              "Lists the MCP servers that the current user may use through this agent, each with its state: whether its tools can be used now, and if not, what the "
              "user can do about it. Use it when a tool you expected is missing, when a server does not answer, or when the user asks which systems you can reach. "
              "Servers that are not listed are not open to this user; asking again does not change that.",
              std::move(output));
}

json::Value whoami_tool() {
  json::Value output = object_schema(
      json::Value{{"user", object_schema(json::Value{{"id", text_schema("Stable id.")}, {"name", text_schema("Sign-in name.")}, {"display_name", text_schema("Full name.")},
                                                     {"groups", texts_schema("Groups, inherited ones too.")}},
                                         {"id", "name", "groups"})},
                  {"agent", object_schema(json::Value{{"id", text_schema("Id of this agent.")}, {"name", text_schema("Name of this agent.")}}, {"id"})},
                  {"sign_in", object_schema(json::Value{{"acr", text_schema("How strong the sign-in was.")}, {"amr", texts_schema("How the user signed in.")},
                                                        {"at", text_schema("When the user signed in.")}},
                                            {})},
                  {"token", object_schema(json::Value{{"scopes", texts_schema("What the access token is good for.")}, {"expires", text_schema("When it ends; a new one is fetched then.")},
                                                      {"expires_in_seconds", json::Value{{"type", "integer"}}}},
                                          {"scopes", "expires"})}},
      {"user", "agent", "token"});
  return tool(kWhoamiTool, "Who am I",
              "Tells on whose behalf you act here: the signed-in user with groups, this agent, how the user signed in, and the scopes and end of the access token. Use it "
              "when the user asks which account is in use, or to explain why something was denied.",
              std::move(output));
}

json::Value with_text(json::Value structured, std::string text, mcp::Era era) {
  json::Value result{{"content", json::Array{json::Value{{"type", "text"}, {"text", std::move(text)}}}}};
  result.set("structuredContent", std::move(structured));
  result.set("isError", false);
  if (era == mcp::Era::modern) result.set("resultType", "complete");
  return result;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text.empty() ? "none" : text;
}

}  // namespace

bool is_built_in(std::string_view tool) { return tool == kServersTool || tool == kWhoamiTool; }

json::Array built_in_tools() {
  static const json::Array tools{servers_tool(), whoami_tool()};
  return tools;
}

json::Value servers_result(const std::vector<ServerState>& servers, mcp::Era era) {
  json::Array list;
  std::string text = servers.empty() ? "No server is open to this user through this agent." : "";
  for (const ServerState& one : servers) {
    const registry::Server& server = *one.server;
    json::Value shown{{"id", server.id}, {"name", server.display_name.empty() ? server.id : server.display_name}, {"url", server.resource}, {"state", one.state}};
    if (!one.what_to_do.empty()) shown.set("what_to_do", one.what_to_do);
    if (!one.url.empty()) shown.set("link_url", one.url);
    list.push_back(std::move(shown));
    if (!text.empty()) text += "\n";
    text += "- " + server.id + (server.display_name.empty() ? "" : " (" + server.display_name + ")") + ": " + one.state;
    if (!one.what_to_do.empty()) text += ". " + one.what_to_do;
    if (!one.url.empty()) text += " " + one.url;
  }
  return with_text(json::Value{{"servers", std::move(list)}}, std::move(text), era);
}

json::Value whoami_result(const registry::Snapshot& snapshot, const Caller& caller, const AccessToken& token, const registry::Server& endpoint, Instant now, mcp::Era era) {
  const registry::User& user = *caller.user;
  const registry::Agent& agent = *caller.agent;
  const auto& groups = snapshot.groups_of(user);
  json::Value who{{"id", user.id}, {"name", user.name}};
  if (!user.display_name.empty()) who.set("display_name", user.display_name);
  who.set("groups", json::from_strings(groups));
  json::Value through{{"id", agent.id}};
  if (!agent.display_name.empty()) through.set("name", agent.display_name);
  json::Value sign_in = json::Object{};
  if (!token.acr.empty()) sign_in.set("acr", token.acr);
  if (!token.amr.empty()) sign_in.set("amr", json::from_strings(token.amr));
  if (token.auth_time) sign_in.set("at", audit::to_iso8601(from_unix_seconds(*token.auth_time)));
  const std::string expires = audit::to_iso8601(from_unix_seconds(token.expires));
  const auto& scopes = token.scope.values();
  const std::vector<std::string> scope_names(scopes.begin(), scopes.end());
  json::Value held{{"scopes", json::from_strings(scope_names)}, {"expires", expires}, {"expires_in_seconds", token.expires - to_unix_seconds(now)}};
  std::string text = "You act for " + (user.display_name.empty() ? user.name : user.display_name + " (" + user.name + ")") + " through " +
                     (agent.display_name.empty() ? agent.id : agent.display_name) + " at " + (endpoint.display_name.empty() ? endpoint.id : endpoint.display_name) +
                     ".\nGroups: " + joined(groups) + ".\nScopes: " + joined(scope_names) + "; the access token ends at " + expires + ".";
  if (!token.acr.empty() || !token.amr.empty()) text += "\nSigned in with: " + (token.acr.empty() ? joined(token.amr) : token.acr + " (" + joined(token.amr) + ")") + ".";
  json::Value structured{{"user", std::move(who)}, {"agent", std::move(through)}, {"sign_in", std::move(sign_in)}, {"token", std::move(held)}};
  return with_text(std::move(structured), std::move(text), era);
}

}  // namespace writ::gateway::combined
