#include "gateway/combined/translation.h"

#include <algorithm>
#include <array>

#include "gateway/combined/names.h"

namespace writ::gateway::combined {
namespace {

constexpr std::size_t kIdBytesMax = 1'024;   // what a client may send back (mcp::Message)

// Which member of `params` names what is meant.
struct ByName {
  std::string_view method, param;
  registry::ObjectKind kind;
};
constexpr std::array kByName = {ByName{"tools/call", "name", registry::ObjectKind::tool}, ByName{"prompts/get", "name", registry::ObjectKind::prompt}};
constexpr std::array<std::string_view, 4> kByTask = {"tasks/get", "tasks/cancel", "tasks/result", "tasks/update"};
constexpr std::string_view kRelatedTask = "io.modelcontextprotocol/related-task";
constexpr std::array<std::string_view, 3> kByUri = {"resources/read", "resources/subscribe", "resources/unsubscribe"};

std::optional<Routed> by_name(const mcp::Message& message, const ByName& by, const registry::Definitions& definitions) {
  const auto* name = message.param_string(by.param);
  const auto parts = name ? split_name(*name) : std::nullopt;
  if (!parts) return std::nullopt;
  return Routed{std::string(parts->member), with_param(message.value(), by.param, name_at_member(definitions, by.kind, *name))};
}

std::optional<Routed> by_uri(const mcp::Message& message) {
  const auto* uri = message.param_string("uri");
  const auto parts = uri ? split_uri(*uri) : std::nullopt;
  if (!parts) return std::nullopt;
  return Routed{std::string(parts->member), with_param(message.value(), "uri", std::string(parts->rest))};
}

std::optional<Routed> by_reference(const mcp::Message& message, const registry::Definitions& definitions) {
  const json::Value* reference = message.param("ref");
  const auto* type = reference ? reference->find_string("type") : nullptr;
  if (!type) return std::nullopt;
  json::Value changed = *reference;
  std::optional<AtMember> parts;
  if (*type == "ref/prompt") {
    const auto* name = reference->find_string("name");
    parts = name ? split_name(*name) : std::nullopt;
    if (parts) changed.set("name", name_at_member(definitions, registry::ObjectKind::prompt, *name));
  } else if (*type == "ref/resource") {
    const auto* uri = reference->find_string("uri");
    parts = uri ? split_uri(*uri) : std::nullopt;
    if (parts) changed.set("uri", std::string(parts->rest));
  }
  if (!parts) return std::nullopt;
  return Routed{std::string(parts->member), with_param(message.value(), "ref", std::move(changed))};
}

std::optional<Routed> by_task(const mcp::Message& message) {
  const auto* task = message.param_string("taskId");
  const auto parts = task ? split_handle(*task) : std::nullopt;
  if (!parts) return std::nullopt;
  return Routed{std::string(parts->member), with_param(message.value(), "taskId", std::string(parts->rest))};
}

// The answer to a member's own request.
std::optional<Routed> by_id(const mcp::Message& message) {
  auto parts = message.id() ? split_id(*message.id()) : std::nullopt;
  if (!parts) return std::nullopt;
  Routed routed{std::move(parts->member), message.value()};
  routed.value.set("id", mcp::to_json(parts->id));
  json::Value* result = find_member(routed.value, "result");
  json::Value* meta = result ? find_member(*result, "_meta") : nullptr;
  json::Value* related = meta ? find_member(*meta, kRelatedTask) : nullptr;
  json::Value* task = related ? find_member(*related, "taskId") : nullptr;
  const auto own = task && task->is_string() ? split_handle(*task->as_string()) : std::nullopt;
  if (own && own->member == routed.member) *task = std::string(own->rest);
  return routed;
}

std::optional<Routed> by_progress_token(const mcp::Message& message) {
  const json::Value* token = message.param("progressToken");
  const auto id = token ? mcp::parse_id(*token) : std::nullopt;
  auto parts = id ? split_id(*id) : std::nullopt;
  if (!parts) return std::nullopt;
  return Routed{std::move(parts->member), with_param(message.value(), "progressToken", mcp::to_json(parts->id))};
}

bool set_uri(std::string_view member, json::Value& object) {
  json::Value* uri = find_member(object, "uri");
  if (!uri || !uri->is_string()) return false;
  *uri = shown_uri(member, *uri->as_string());
  return true;
}

// One block of content: a link to a resource, or a resource itself.
void show_content(std::string_view member, json::Value& block) {
  const auto* type = block.find_string("type");
  if (!type) return;
  if (*type == "resource_link") set_uri(member, block);
  if (*type == "resource") {
    if (json::Value* resource = find_member(block, "resource")) set_uri(member, *resource);
  }
}

void show_contents(std::string_view member, json::Value& blocks) {
  if (json::Array* list = blocks.as_array()) {
    for (json::Value& block : *list) show_content(member, block);
  } else {
    show_content(member, blocks);
  }
}

void show_task(std::string_view member, json::Value& object) {
  json::Value* task = find_member(object, "taskId");
  if (task && task->is_string()) *task = shown_handle(member, *task->as_string());
}

// What a result, a request or a notification belongs to.
void show_related_task(std::string_view member, json::Value& object) {
  json::Value* meta = find_member(object, "_meta");
  if (json::Value* related = meta ? find_member(*meta, kRelatedTask) : nullptr) show_task(member, *related);
}

// Results are told apart by their members, not by the request: a resumed stream brings answers to earlier ones.
void show_result(std::string_view member, json::Value& result) {
  show_task(member, result);
  show_related_task(member, result);
  if (json::Value* task = find_member(result, "task")) show_task(member, *task);
  if (json::Value* content = find_member(result, "content")) show_contents(member, *content);
  if (json::Value* contents = find_member(result, "contents"); contents && contents->as_array()) {
    for (json::Value& one : *contents->as_array()) set_uri(member, one);
  }
  if (json::Value* messages = find_member(result, "messages"); messages && messages->as_array()) {
    for (json::Value& message : *messages->as_array()) {
      if (json::Value* content = find_member(message, "content")) show_contents(member, *content);
    }
  }
}

bool show_request(std::string_view member, mcp::Message& message) {
  std::string id = shown_id(member, *message.id());
  if (id.size() > kIdBytesMax) return false;   // its answer could not be sent
  message.value().set("id", std::move(id));
  json::Value* params = find_member(message.value(), "params");
  if (params) show_related_task(member, *params);
  json::Value* meta = params ? find_member(*params, "_meta") : nullptr;
  if (json::Value* token = meta ? find_member(*meta, "progressToken") : nullptr) {
    const auto known = mcp::parse_id(*token);
    if (!known) return false;
    *token = shown_id(member, *known);
  }
  return true;
}

bool show_notification(const FromMember& from, mcp::Message& message) {
  json::Value* params = find_member(message.value(), "params");
  if (params) show_related_task(from.member, *params);
  if (params && message.method() == "notifications/tasks/status") show_task(from.member, *params);
  if (message.method() == "notifications/progress") {
    const json::Value* token = params ? params->find("progressToken") : nullptr;
    return token && (!from.progress_token || *token == *from.progress_token);
  }
  if (message.method() == "notifications/resources/updated") return params && set_uri(from.member, *params);
  if (message.method() == "notifications/cancelled") {
    json::Value* id = params ? find_member(*params, "requestId") : nullptr;
    const auto known = id ? mcp::parse_id(*id) : std::nullopt;
    if (!known) return false;
    *id = shown_id(from.member, *known);
  }
  return true;
}

}  // namespace

json::Value* find_member(json::Value& object, std::string_view name) {
  json::Object* members = object.as_object();
  if (!members) return nullptr;
  const auto found = std::find_if(members->begin(), members->end(), [name](const json::Member& member) { return member.name == name; });
  return found == members->end() ? nullptr : &found->value;
}

json::Value with_param(const json::Value& message, std::string_view name, json::Value value) {
  json::Value changed = message;
  if (json::Value* params = find_member(changed, "params")) params->set(name, std::move(value));
  return changed;
}

bool is_for_one_member(const mcp::Message& message) {
  if (message.is_response()) return true;
  const std::string& method = message.method();
  return method == "tools/call" || method == "prompts/get" || method == "completion/complete" || method == "notifications/progress" ||
         std::find(kByUri.begin(), kByUri.end(), method) != kByUri.end() || std::find(kByTask.begin(), kByTask.end(), method) != kByTask.end();
}

std::optional<Routed> route(const mcp::Message& message, const registry::Definitions& definitions) {
  if (message.is_response()) return by_id(message);
  for (const ByName& by : kByName) {
    if (message.method() == by.method) return by_name(message, by, definitions);
  }
  if (std::find(kByUri.begin(), kByUri.end(), message.method()) != kByUri.end()) return by_uri(message);
  if (std::find(kByTask.begin(), kByTask.end(), message.method()) != kByTask.end()) return by_task(message);
  if (message.method() == "completion/complete") return by_reference(message, definitions);
  if (message.method() == "notifications/progress") return by_progress_token(message);
  return std::nullopt;
}

bool to_client(const FromMember& from, mcp::Message& message) {
  switch (message.kind()) {
    case mcp::Message::Kind::request: return show_request(from.member, message);
    case mcp::Message::Kind::notification: return show_notification(from, message);
    case mcp::Message::Kind::result:
      if (json::Value* result = find_member(message.value(), "result")) show_result(from.member, *result);
      return true;
    case mcp::Message::Kind::error: return true;
  }
  return true;
}

}  // namespace writ::gateway::combined
