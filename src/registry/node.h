#pragma once

// A document with places: what YAML and JSON have in common, and where each part stands, so that an error can name file, line and column.
// adapters/yaml makes it from YAML files; from_json from what the admin API receives. One schema reads both (read.h).

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "encoding/json.h"

namespace writ::registry {

// Where something stands. Line and column count from 1. In JSON there are no lines: `file` is then the JSON pointer, line is 0.
struct Position {
  std::string file;
  int line = 0, column = 0;
  friend bool operator==(const Position&, const Position&) = default;
};
std::string to_string(const Position& position);   // writ.yaml:12:7, or /users/0/name

// What is wrong, where, and what would be right: lower case, no full stop, the user's input in backticks.
struct Problem {
  Position at;
  std::string message;
  bool is_warning = false;
  std::string id{};            // names the check that found it, for programs and for silencing it (docs/reference/policy-check.md); empty: it has no name
};
using Problems = std::vector<Problem>;
std::string to_string(const Problem& problem);     // writ.yaml:12:7: error: unknown key `pasword`; did you mean `password`?
std::string to_string(const Problems& problems);   // a line each
bool has_errors(const Problems& problems);

struct Node {
  enum class Kind { null, boolean, integer, number, text, list, mapping };
  Kind kind = Kind::null;
  Position at;
  std::string text;                 // of every scalar: as it was written
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;
  std::vector<Node> items;          // list
  struct Entry;
  std::vector<Entry> entries;       // mapping, in order; names are unique

  const Node* find(std::string_view name) const;   // the value of a mapping's key, or null
};
struct Node::Entry {
  std::string name;
  Position at;                      // of the key
  Node value;
};
std::string_view to_string(Node::Kind kind);        // "a list", "text", …: for messages

Node from_json(const json::Value& value, std::string pointer = "");
json::Value to_json(const Node& node);

// The candidate that a person who typed `word` probably meant (edit distance), or "" when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace writ::registry
