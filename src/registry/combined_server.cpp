#include "registry/combined_server.h"

#include <algorithm>

namespace writ::registry {
namespace {

const Server* find_server(const std::vector<Server>& all, std::string_view id) {
  const auto found = std::find_if(all.begin(), all.end(), [id](const Server& server) { return server.id == id; });
  return found == all.end() ? nullptr : &*found;
}

// What is wrong with one scope that the combined server states itself. Empty: nothing.
std::string problem_of(const Scope& scope, const Server& server, const std::vector<Server>& all) {
  const std::size_t colon = scope.name.find(':');
  const std::string id = scope.name.substr(0, colon);
  const bool is_member = colon != std::string::npos && std::find(server.members.begin(), server.members.end(), id) != server.members.end();
  if (!is_member) return "a scope of a combined server is MEMBER:SCOPE with one of its members, as in `" + server.members.front() + ":read`";
  const Server* member = find_server(all, id);
  if (!member) return "";   // reported where the member is named
  const std::string name = scope.name.substr(colon + 1);
  if (!find_scope(*member, name)) return "server `" + id + "` has no scope `" + name.substr(0, 100) + "`";
  return "";
}

}  // namespace

std::string scope_at_combined(std::string_view member, std::string_view scope) { return std::string(member) + ":" + std::string(scope); }

std::optional<std::string_view> scope_of_member(std::string_view name, std::string_view member) {
  if (name.size() <= member.size() || !name.starts_with(member) || name[member.size()] != ':') return std::nullopt;
  return name.substr(member.size() + 1);
}

const Scope* find_scope(const Server& server, std::string_view name) {
  const auto found = std::find_if(server.scopes.begin(), server.scopes.end(), [name](const Scope& scope) { return scope.name == name; });
  return found == server.scopes.end() ? nullptr : &*found;
}

void read_members(Fields& fields, Server& server) { server.members = fields.texts("members"); }

void write_members(const Server& server, json::Value& document) {
  if (!server.members.empty()) document.set("members", json::from_strings(server.members));
}

std::vector<std::pair<std::string, std::string>> problems_of_combined(const Server& server, const std::vector<Server>& all) {
  std::vector<std::pair<std::string, std::string>> problems;
  if (!is_combined(server)) return problems;
  if (server.upstream) problems.emplace_back("upstream", "a server with `members` has no `upstream` of its own: what it offers is theirs");
  if (server.first_use != Server::FirstUse::hold) problems.emplace_back("first_use", "what members say is reviewed at the members: write `first_use` there");
  for (std::size_t i = 0; i < server.members.size(); ++i) {
    const std::string path = "members/" + std::to_string(i);
    const Server* member = find_server(all, server.members[i]);
    if (!member) continue;
    if (is_combined(*member)) problems.emplace_back(path, "`" + member->id + "` is a combined server itself: name its members instead");
    else if (!member->upstream) problems.emplace_back(path, "`" + member->id + "` has no `upstream`: this gateway cannot reach it");
  }
  for (std::size_t i = 0; i < server.scopes.size(); ++i) {
    const std::string path = "scopes/" + std::to_string(i);
    if (auto problem = problem_of(server.scopes[i], server, all); !problem.empty()) problems.emplace_back(path + "/name", std::move(problem));
    if (!server.scopes[i].tools.empty()) problems.emplace_back(path + "/tools", "which tools a scope is for is said at the member: leave `tools` out");
  }
  return problems;
}

void derive_scopes(std::vector<Server>& servers) {
  for (Server& combined : servers) {
    if (!is_combined(combined) || !combined.scopes.empty()) continue;
    for (const std::string& id : combined.members) {
      const Server* member = find_server(servers, id);
      if (!member || is_combined(*member)) continue;
      for (const Scope& scope : member->scopes) {
        Scope derived{scope_at_combined(id, scope.name), scope.description, scope.is_default, scope.high_impact, {}, {}};
        for (const std::string& implied : scope.implies) derived.implies.push_back(scope_at_combined(id, implied));
        combined.scopes.push_back(std::move(derived));
      }
    }
  }
}

}  // namespace writ::registry
