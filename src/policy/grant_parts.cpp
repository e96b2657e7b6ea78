#include <algorithm>

#include "policy/policy_parts.h"

namespace writ::policy {
namespace {

std::string list_of(const Names& names) {
  if (names.all) return "all";
  std::string list = "[";
  for (const std::string& name : names.names) list += (list.size() > 1 ? ", " : "") + name;
  return list + "]";
}

PolicyPart part(PolicyPart::Of of, std::string text, bool holds, std::string what, std::string value) {
  PolicyPart made;
  made.of = of;
  made.text = std::move(text);
  made.outcome = holds ? PartOutcome::satisfied : PartOutcome::failed;
  made.looked_at.push_back({std::move(what), std::move(value)});
  return made;
}

// What the row must name for the action itself; nothing for `connect`.
std::optional<PolicyPart> part_for_action(const AccessGrant& row, const Question& question) {
  switch (question.action) {
    case Action::connect:
      return std::nullopt;
    case Action::grant_scope:
      if (!question.scope) return std::nullopt;
      return part(PolicyPart::Of::action, "scopes: " + list_of(row.scopes), row.scopes.contains(question.scope->name), "scope", question.scope->name);
    case Action::call: {
      if (!question.tool) return std::nullopt;
      const auto& patterns = row.tools.names;
      const bool holds = row.tools.all || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) { return glob_matches(pattern, question.tool->name); });
      return part(PolicyPart::Of::action, "tools: " + list_of(row.tools), holds, "tool", question.tool->name);
    }
    case Action::read_resource:
    case Action::subscribe:
    case Action::get_prompt:
    case Action::complete:
      return part(PolicyPart::Of::action, "tools: " + list_of(row.tools), row.tools.all, std::string(to_string(question.action)), question.uri_or_prompt);
  }
  return std::nullopt;
}

}  // namespace

std::string quoted_list(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  std::string list;
  for (std::size_t i = 0; i < names.size() && i < kShown; ++i) list += (i == 0 ? "`" : ", `") + names[i] + "`";
  if (names.size() > kShown) list += " and " + std::to_string(names.size() - kShown) + " more";
  return list.empty() ? "nothing" : list;
}

std::string describe(const Question& question) {
  const std::string at = " at `" + question.server.id + "`";
  switch (question.action) {
    case Action::connect: return "connect to `" + question.server.id + "`";
    case Action::grant_scope: return "get scope `" + (question.scope ? question.scope->name : "") + "`" + at;
    case Action::call: return "call `" + (question.tool ? question.tool->name : "") + "`" + at;
    case Action::read_resource: return "read `" + question.uri_or_prompt + "`" + at;
    case Action::subscribe: return "subscribe to `" + question.uri_or_prompt + "`" + at;
    case Action::get_prompt: return "get the prompt `" + question.uri_or_prompt + "`" + at;
    case Action::complete: return "complete `" + question.uri_or_prompt + "`" + at;
  }
  return "do that";
}

std::vector<PolicyPart> parts_of(const AccessGrant& row, const Question& question) {
  const auto& groups = question.principal.groups;
  std::string member_of;
  for (const std::string& group : groups) member_of += (member_of.empty() ? "" : ", ") + group;
  std::vector<PolicyPart> parts;
  parts.push_back(part(PolicyPart::Of::principal, "group: " + row.group, std::find(groups.begin(), groups.end(), row.group) != groups.end(), "groups", member_of));
  parts.push_back(part(PolicyPart::Of::agent, "agents: " + list_of(row.agents), row.agents.contains(question.agent.id), "agent", question.agent.id));
  parts.push_back(part(PolicyPart::Of::resource, "servers: [" + row.server + "]", row.server == question.server.id, "server", question.server.id));
  if (auto last = part_for_action(row, question)) parts.push_back(std::move(*last));
  return parts;
}

std::string text_of(const AccessGrant& row) {
  return "{group: " + row.group + ", agents: " + list_of(row.agents) + ", servers: [" + row.server + "], scopes: " + list_of(row.scopes) + ", tools: " + list_of(row.tools) + "}";
}

std::string sentence_of(const AccessGrant& row, const std::vector<PolicyPart>& parts, const Question& question, const std::string& who) {
  std::vector<std::string> missing;
  for (const PolicyPart& part : parts) {
    if (part.outcome == PartOutcome::satisfied) continue;
    const std::string member = part.text.substr(0, part.text.find(':'));
    if (member == "group") {
      missing.push_back(who + " is not in it, but in " + quoted_list(question.principal.groups));
    } else if (member == "agents") {
      missing.push_back(row.agents.names.empty() ? "it names no agent" : "it is for the agents " + quoted_list(row.agents.names) + ", not for `" + question.agent.id + "`");
    } else if (member == "servers") {
      missing.push_back("it is for the server `" + row.server + "`, not for `" + question.server.id + "`");
    } else if (member == "scopes") {
      missing.push_back(row.scopes.names.empty() ? "it gives no scopes" : "it gives the scopes " + quoted_list(row.scopes.names) + ", not `" + part.looked_at.front().value + "`");
    } else if (question.action == Action::call) {
      missing.push_back(row.tools.names.empty() ? "it gives no tools" : "it gives the tools " + quoted_list(row.tools.names) + ", not `" + part.looked_at.front().value + "`");
    } else {
      missing.push_back("only a row with `tools: all` includes resources and prompts");
    }
  }
  if (missing.empty()) return row.id + " allows group `" + row.group + "` to " + describe(question);
  std::string text = row.id + " is for group `" + row.group + "`";
  for (std::size_t i = 0; i < missing.size(); ++i) text += (i == 0 ? "; " : ", and ") + missing[i];
  return text;
}

}  // namespace writ::policy
