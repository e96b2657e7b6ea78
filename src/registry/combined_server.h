#pragma once

// A combined server: it offers under one address what several servers offer (rules §5.6). It has no upstream; its scopes are its members', each with the
// member's id before it: `notes:notes:read`.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "encoding/json.h"
#include "registry/fields.h"
#include "registry/objects.h"

namespace writ::registry {

inline bool is_combined(const Server& server) { return !server.members.empty(); }

// The name, at a combined server, of a scope of one of its members.
std::string scope_at_combined(std::string_view member, std::string_view scope);
// What stands behind the member's id; absent: it is no scope of that member. Ids hold no colon, so each name belongs to one member at most.
std::optional<std::string_view> scope_of_member(std::string_view name, std::string_view member);
const Scope* find_scope(const Server& server, std::string_view name);

void read_members(Fields& fields, Server& server);
void write_members(const Server& server, json::Value& document);
// Member of the document and what would be right. That the members exist is checked with the other references.
std::vector<std::pair<std::string, std::string>> problems_of_combined(const Server& server, const std::vector<Server>& all);

// Gives each combined server that states no scopes all those of its members, with what they say and imply there.
void derive_scopes(std::vector<Server>& servers);

}  // namespace writ::registry
