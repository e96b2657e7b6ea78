#pragma once

// What a member's tools, prompts, resources and requests are called at the combined address (rules §5.6, decision 0028). All of it is written into the name
// itself: whichever process gets a name can tell the member and what it is called there.

#include <optional>
#include <string>
#include <string_view>

#include "mcp/json_rpc.h"
#include "registry/definitions.h"

namespace writ::gateway::combined {

// Longer ones are refused by the interfaces of common models.
inline constexpr std::size_t kNameBytesMax = 64;

struct AtMember {
  std::string_view member, rest;
};

// `notes__search`; when that is too long, its beginning and a hash of the whole.
std::string shown_name(std::string_view member, std::string_view name);
// At the first two underscores: ids of servers hold none. Absent: it has no such form.
std::optional<AtMember> split_name(std::string_view shown);
// What the member calls it. Only of what was reviewed can a shortened name be told; a name that stands for two is the one of the first, in their order.
std::string name_at_member(const registry::Definitions& definitions, registry::ObjectKind kind, std::string_view shown);

// `writ+notes:file:///a`, also of templates.
std::string shown_uri(std::string_view member, std::string_view uri);
std::optional<AtMember> split_uri(std::string_view shown);

// Ids of a member's own requests, and the tokens of their progress: `notes/i/5`, `notes/s/abc`. The client's answer finds its member by it, and the member
// gets its id back with its type (rules §5.4).
std::string shown_id(std::string_view member, const mcp::RequestId& id);
struct IdAtMember {
  std::string member;
  mcp::RequestId id;
};
std::optional<IdAtMember> split_id(const mcp::RequestId& shown);

// A point of a member's stream to resume from, and a task of a member: `notes/abc`.
std::string shown_handle(std::string_view member, std::string_view handle);
std::optional<AtMember> split_handle(std::string_view shown);

}  // namespace writ::gateway::combined
