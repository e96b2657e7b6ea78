#include "admin/explanation_json.h"

namespace writ::admin {
namespace {

void set_if(json::Value& object, std::string_view name, const std::string& text) {
  if (!text.empty()) object.set(name, text);
}

void set_place(json::Value& object, std::uint32_t line, std::uint32_t column) {
  if (line > 0) object.set("line", static_cast<std::int64_t>(line));
  if (column > 0) object.set("column", static_cast<std::int64_t>(column));
}

json::Value part_json(const policy::PolicyPart& part) {
  json::Value object{{"text", part.text}, {"outcome", policy::to_string(part.outcome)}};
  json::Array looked_at;
  for (const policy::LookedAt& one : part.looked_at) looked_at.push_back(json::Value{{"what", one.what}, {"value", one.value}});
  if (!looked_at.empty()) object.set("looked_at", std::move(looked_at));
  set_if(object, "error", part.error);
  set_place(object, part.line, part.column);
  return object;
}

json::Array list_json(const std::vector<policy::ExplainedPolicy>& policies) {
  json::Array list;
  for (const auto& policy : policies) list.push_back(admin::to_json(policy));
  return list;
}

}  // namespace

json::Value to_json(const policy::ExplainedPolicy& policy) {
  json::Value object{{"id", policy.id}, {"effect", policy.forbids ? "forbid" : "permit"}, {"file", policy.file}};
  set_place(object, policy.line, policy.column);
  object.set("sentence", policy.sentence);
  object.set("text", policy.text);
  set_if(object, "message", policy.message);
  json::Array parts;
  for (const auto& part : policy.parts) parts.push_back(part_json(part));
  object.set("parts", std::move(parts));
  return object;
}

json::Value to_json(const policy::Leg& leg) {
  json::Value object{{"action", policy::to_string(leg.inquiry.action)}, {"server", leg.inquiry.server}};
  if (leg.inquiry.action == policy::Action::grant_scope) set_if(object, "scope", leg.inquiry.scope);
  if (leg.inquiry.action == policy::Action::call) set_if(object, "tool", leg.inquiry.tool);
  set_if(object, "subject", leg.inquiry.uri_or_prompt);
  object.set("allowed", leg.allowed);
  object.set("sentence", leg.sentence);
  if (leg.refused) {
    object.set("reason", leg.refused->reason);
  } else if (leg.explanation) {
    const policy::Decision& decision = leg.explanation->decision;
    object.set("reason", policy::to_string(decision.kind));
    set_if(object, "message", decision.message);
    if (!decision.alternatives.empty()) object.set("alternatives", json::from_strings(decision.alternatives));
    object.set("deciding", list_json(leg.explanation->deciding));
    object.set("near", list_json(leg.explanation->near));
  }
  return object;
}

json::Value to_json(const policy::SmallestChange& change) {
  const bool is_membership = change.kind == policy::SmallestChange::Kind::group_membership;
  json::Value object{{"kind", is_membership ? "group_membership" : "grant_row"}, {"sentence", change.sentence}, {"consequence", change.consequence}, {"group", change.group}};
  set_if(object, "row", change.row);
  set_if(object, "member", change.member);
  set_if(object, "value", change.value);
  return object;
}

json::Value to_json(const policy::AccessChain& chain) {
  json::Array legs;
  for (const auto& leg : chain.legs) legs.push_back(to_json(leg));
  json::Value object{{"allowed", chain.allowed}, {"legs", std::move(legs)}};
  if (chain.change) object.set("change", to_json(*chain.change));
  set_if(object, "no_change", chain.no_change);
  if (!chain.notes.empty()) object.set("notes", json::from_strings(chain.notes));
  return object;
}

}  // namespace writ::admin
