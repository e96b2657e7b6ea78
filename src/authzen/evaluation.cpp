#include "authzen/evaluation.h"

#include <algorithm>

namespace writ::authzen {
namespace {

using policy::Action;

struct Named {
  Action action;
  std::string_view name, resource_type;
};
// The methods of MCP where there is one; COAZ-MCP uses the same.
constexpr Named kActions[] = {{Action::connect, "connect", "mcp_server"},          {Action::grant_scope, "grant_scope", "scope"},
                              {Action::call, "tools/call", "tool"},                {Action::read_resource, "resources/read", "resource"},
                              {Action::subscribe, "resources/subscribe", "resource"}, {Action::get_prompt, "prompts/get", "prompt"},
                              {Action::complete, "completion/complete", "prompt"}};
// Methods that need no more than the connection (rules §4.5).
constexpr std::string_view kOfConnection[] = {"initialize",     "server/discover", "tools/list",       "resources/list",     "resources/templates/list",
                                              "prompts/list",   "logging/setLevel", "subscriptions/listen"};

const Named& named(Action action) { return *std::find_if(std::begin(kActions), std::end(kActions), [&](const Named& one) { return one.action == action; }); }

void set_text(json::Value& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object.set(name, text);
}

json::Value resource_of(const policy::Question& question) {
  const policy::ServerFacts& server = question.server;
  json::Value properties = json::Object{};
  if (question.action != Action::connect) properties.set("server", server.id);
  set_text(properties, "environment", server.environment);
  if (!server.groups.empty()) properties.set("server_groups", json::from_strings(server.groups));
  std::string type(named(question.action).resource_type), id = question.uri_or_prompt;
  if (question.action == Action::connect) {
    id = server.id;
  } else if (question.scope && question.action == Action::grant_scope) {
    id = question.scope->name;
    properties.set("highImpact", question.scope->high_impact);
  } else if (question.tool && question.action == Action::call) {
    const policy::ToolFacts& tool = *question.tool;
    id = tool.name;
    properties.set("readOnly", tool.read_only), properties.set("destructive", tool.destructive);
    properties.set("idempotent", tool.idempotent), properties.set("openWorld", tool.open_world);
    if (!tool.scopes.empty()) properties.set("scopes", json::from_strings(tool.scopes));
  } else if (question.action == Action::complete && id.find(':') != std::string::npos) {
    type = "resource";
  }
  return {{"type", type}, {"id", id}, {"properties", std::move(properties)}};
}

// ---- the other way

using Problem = std::variant<Malformed, NotKnown>;

Result<const json::Value*, Problem> member(const json::Value& evaluation, const char* name) {
  const json::Value* found = evaluation.find(name);
  if (!found || !found->is_object()) return unexpected(Problem(Malformed{"`" + std::string(name) + "` must be an object"}));
  return found;
}
Result<std::string, Problem> text(const json::Value& object, const char* of, const char* name) {
  const std::string* found = object.find_string(name);
  if (!found || found->empty()) return unexpected(Problem(Malformed{"`" + std::string(of) + "." + name + "` must be text"}));
  return *found;
}
Result<const json::Value*, Problem> optional_object(const json::Value& object, const char* of, const char* name) {
  const json::Value* found = object.find(name);
  if (found && !found->is_object()) return unexpected(Problem(Malformed{"`" + std::string(of) + "." + name + "` must be an object"}));
  return found;
}
std::string text_or_empty(const json::Value* object, std::string_view name) {
  const std::string* found = object ? object->find_string(name) : nullptr;
  return found ? *found : std::string();
}

Unexpected<Problem> not_known(const char* reason, std::string sentence) { return unexpected(Problem(NotKnown{reason, std::move(sentence)})); }

std::optional<Named> find_action(std::string_view name) {
  for (const Named& one : kActions) {
    if (one.name == name) return one;
  }
  if (std::find(std::begin(kOfConnection), std::end(kOfConnection), name) != std::end(kOfConnection)) return named(Action::connect);
  return std::nullopt;
}

// Whoever asks has verified the sign-in and tells what it was. What is not told is not known (rules §4.4).
Result<policy::Authentication, Problem> authentication_of(const json::Value* context) {
  policy::Authentication authentication;
  if (!context) return authentication;
  authentication.acr = text_or_empty(context, "acr");
  if (const json::Value* amr = context->find("amr")) {
    auto values = json::to_strings(*amr);
    if (!values) return unexpected(Problem(Malformed{"`context.amr` must be a list of text"}));
    authentication.amr = std::move(*values);
  }
  if (const json::Value* age = context->find("auth_age_seconds")) {
    const auto* seconds = age->as_int();
    if (!seconds || *seconds < 0) return unexpected(Problem(Malformed{"`context.auth_age_seconds` must be a number of seconds"}));
    authentication.age = Seconds{std::min<std::int64_t>(*seconds, authentication.age.count())};
  }
  return authentication;
}

// By id, or by its RFC 9728 identifier, which is what a token's audience says.
std::string server_id_of(const std::string& named_server, const registry::Snapshot& objects) {
  const registry::Server* by_resource = objects.server_by_resource(named_server);
  return by_resource ? by_resource->id : named_server;
}

std::string agent_id_of(const json::Value* context) {
  const json::Value* agent = context ? context->find("agent") : nullptr;
  if (!agent) return {};
  if (agent->is_string()) return *agent->as_string();
  return text_or_empty(agent, "client_id");
}

}  // namespace

json::Value to_evaluation(const policy::Question& question) {
  json::Value person{{"issuer", question.principal.issuer}, {"groups", json::from_strings(question.principal.groups)}};
  set_text(person, "email", question.principal.email);
  set_text(person, "department", question.principal.department);
  set_text(person, "title", question.principal.title);
  json::Value action{{"name", named(question.action).name}};
  if (question.action == Action::call && question.arguments) action.set("properties", json::Value{{"arguments", *question.arguments}});
  json::Value context{{"agent", question.agent.id},
                      {"acr", question.authentication.acr},
                      {"amr", json::from_strings(question.authentication.amr)},
                      {"auth_age_seconds", static_cast<std::int64_t>(question.authentication.age.count())}};
  set_text(context, "agent_vendor", question.agent.vendor);
  set_text(context, "agent_authentication", question.agent.authentication);
  if (!question.agent.groups.empty()) context.set("agent_groups", json::from_strings(question.agent.groups));
  set_text(context, "ip", question.ip);
  context.set("time", to_unix_seconds(question.now));
  json::Value subject{{"type", "user"}, {"id", question.principal.id}};
  subject.set("properties", std::move(person));
  json::Value evaluation = json::Object{};
  evaluation.set("subject", std::move(subject));
  evaluation.set("action", std::move(action));
  evaluation.set("resource", resource_of(question));
  evaluation.set("context", std::move(context));
  return evaluation;
}

Result<policy::Inquiry, Problem> to_inquiry(const json::Value& evaluation, const registry::Snapshot& objects, Instant now) {
  const json::Value* subject = TRY(member(evaluation, "subject"));
  const json::Value* action = TRY(member(evaluation, "action"));
  const json::Value* resource = TRY(member(evaluation, "resource"));
  const json::Value* context = evaluation.find("context");
  if (context && !context->is_object()) return unexpected(Problem(Malformed{"`context` must be an object"}));
  const std::string subject_type = TRY(text(*subject, "subject", "type"));
  const std::string resource_type = TRY(text(*resource, "resource", "type"));
  const std::string resource_id = TRY(text(*resource, "resource", "id"));
  const std::string action_name = TRY(text(*action, "action", "name"));
  const json::Value* properties = TRY(optional_object(*resource, "resource", "properties"));
  const json::Value* action_properties = TRY(optional_object(*action, "action", "properties"));
  policy::Inquiry inquiry;
  inquiry.user = TRY(text(*subject, "subject", "id"));
  inquiry.authentication = TRY(authentication_of(context));
  inquiry.ip = text_or_empty(context, "ip");
  inquiry.now = now;

  if (subject_type != "user" && subject_type != "identity") return not_known("unknown_subject_type", "a subject is of type `user` or `identity`");
  const auto known = find_action(action_name);
  if (!known) return not_known("unknown_action", "there is no action `" + action_name.substr(0, 80) + "` here");
  inquiry.action = known->action;
  const bool is_completion_of_resource = known->action == Action::complete && resource_type == "resource";
  if (resource_type != known->resource_type && !is_completion_of_resource) {
    return not_known("unknown_resource_type", "`" + action_name.substr(0, 80) + "` is about a resource of type `" + std::string(known->resource_type) + "`");
  }
  inquiry.agent = agent_id_of(context);
  if (inquiry.agent.empty()) return not_known("no_agent", "`context.agent` must name the agent: every decision has one");
  const std::string server = known->action == Action::connect ? resource_id : text_or_empty(properties, "server");
  if (server.empty()) return not_known("no_server", "`resource.properties.server` must name the server");
  inquiry.server = server_id_of(server, objects);
  if (known->action == Action::grant_scope) inquiry.scope = resource_id;
  else if (known->action == Action::call) inquiry.tool = resource_id;
  else if (known->action != Action::connect) inquiry.uri_or_prompt = resource_id;
  if (known->action == Action::call) {
    const json::Value* arguments = action_properties ? action_properties->find("arguments") : nullptr;
    // A policy on arguments that judged a call without them would judge another call.
    if (!arguments) return not_known("arguments_not_known", "`action.properties.arguments` must hold the arguments of the call, {} when there are none");
    if (!arguments->is_object()) return unexpected(Problem(Malformed{"`action.properties.arguments` must be an object"}));
    inquiry.arguments = *arguments;
  }
  return inquiry;
}

}  // namespace writ::authzen
