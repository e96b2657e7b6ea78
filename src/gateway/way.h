#pragma once

// The way from an address of the gateway to a server, as the objects have it at the moment.

#include <algorithm>
#include <optional>
#include <string>

#include "registry/combined_server.h"
#include "registry/snapshot.h"

namespace writ::gateway {

struct Way {
  const registry::Server* server = nullptr;     // has an upstream, or members
  const registry::Server* endpoint = nullptr;   // the combined server on the way, of which `server` is a member; null: none
};

// Absent: it does not exist (any more). `endpoint_id` is empty when there is none on the way.
inline std::optional<Way> find_way(const registry::Snapshot& snapshot, const std::string& server_id, const std::string& endpoint_id) {
  Way way;
  way.server = snapshot.server(server_id);
  if (!way.server || (!way.server->upstream && !registry::is_combined(*way.server))) return std::nullopt;
  if (endpoint_id.empty()) return way;
  way.endpoint = snapshot.server(endpoint_id);
  if (!way.endpoint || !way.server->upstream) return std::nullopt;
  const auto& members = way.endpoint->members;
  if (std::find(members.begin(), members.end(), server_id) == members.end()) return std::nullopt;
  return way;
}

}  // namespace writ::gateway
