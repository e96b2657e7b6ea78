#pragma once

// The words that policies are written in: entity types, actions and contexts of namespace Writ, as Cedar schema text. Tool actions are
// generated from what is known of each tool's arguments.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/argument_type.h"

namespace writ::policy {

inline constexpr std::string_view kUserType = "Writ::User";
inline constexpr std::string_view kGroupType = "Writ::Group";
inline constexpr std::string_view kAgentType = "Writ::Agent";
inline constexpr std::string_view kAgentGroupType = "Writ::AgentGroup";
inline constexpr std::string_view kServerType = "Writ::Server";
inline constexpr std::string_view kServerGroupType = "Writ::ServerGroup";
inline constexpr std::string_view kScopeType = "Writ::Scope";
inline constexpr std::string_view kToolType = "Writ::Tool";
inline constexpr std::string_view kToolGroupType = "Writ::ToolGroup";
inline constexpr std::string_view kResourceType = "Writ::Resource";
inline constexpr std::string_view kPromptType = "Writ::Prompt";
inline constexpr std::string_view kActionType = "Writ::Action";

// "github/delete_repo": the id of a tool, of its action, of a scope, of a prompt or resource at a server.
std::string id_at(std::string_view server, std::string_view name);

struct KnownTool {
  std::string server, name;
  std::shared_ptr<const ArgumentType> arguments;
};
// The whole schema. `tools` are unique.
std::string schema_text(const std::vector<KnownTool>& tools);

}  // namespace writ::policy
