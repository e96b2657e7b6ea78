#pragma once

// One row of the grants table (grants.yaml): group × agent × server × scopes × tools. In code it is an AccessGrant, on screen a "grant";
// a *grant* alone is the OAuth grant (rules §4.10). A row only ever permits. An empty list permits nothing: "everyone" must be written out as `all`.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace writ::policy {

// `all`, or exactly the named ones.
struct Names {
  bool all = false;
  std::vector<std::string> names;
  bool contains(std::string_view name) const;
};

struct AccessGrant {
  std::string id;                // where it stands: "grants.yaml:12"
  std::string group;
  Names agents;
  std::string server;
  Names scopes;
  Names tools;                   // globs; with a list, resources and prompts of the server are not included
  std::uint32_t line = 0, column = 0;   // in grants.yaml
};

// A pattern that some row gives for the tools of a server.
struct ToolPattern {
  std::string server, pattern;
};

// `*` any run of characters, `?` one. Linear time; matches the whole name.
bool glob_matches(std::string_view pattern, std::string_view name);

}  // namespace writ::policy
