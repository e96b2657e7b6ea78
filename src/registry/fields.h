#pragma once

// Reads the members of one mapping by name and type, and collects every problem instead of stopping at the first: one run of
// `writ apply` tells all that is wrong with a file. A member that nobody asked for is an error, so that a misspelled restriction is
// never silently no restriction.

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "registry/node.h"

namespace writ::registry {

class Fields {
 public:
  // `what` names the mapping in messages: "a user". Reports when the node is no mapping; then every member is absent.
  // Node and problems outlive the object.
  Fields(const Node& node, std::string_view what, Problems& problems);

  // The member, or null when it is absent or null. It counts as known from here on.
  const Node* find(std::string_view name);
  bool has(std::string_view name) const { return node_.find(name) != nullptr; }

  // Absent or of the wrong type (which is reported): the fallback.
  std::string text(std::string_view name, std::string_view fallback = "");
  std::string required_text(std::string_view name);
  bool flag(std::string_view name, bool fallback);
  std::int64_t integer(std::string_view name, std::int64_t fallback, std::int64_t min, std::int64_t max);
  // A whole number of seconds, or text with a unit: 30s, 5m, 12h, 7d.
  Seconds duration(std::string_view name, Seconds fallback, Seconds min, Seconds max);
  std::optional<Instant> instant(std::string_view name);     // 2026-11-24T16:45:00Z
  std::vector<std::string> texts(std::string_view name);     // a list of text, each once
  // A list of names, or the word `all`. An empty or absent list names nobody.
  std::vector<std::string> texts_or_all(std::string_view name, bool& all);
  const std::vector<Node>& list(std::string_view name);      // of anything; empty when absent

  template <class Value>
  Value choice(std::string_view name, Value fallback, const std::vector<std::pair<std::string, Value>>& choices) {
    const Node* node = find(name);
    if (!node) return fallback;
    for (const auto& [word, value] : choices) {
      if (node->kind == Node::Kind::text && node->text == word) return value;
    }
    std::vector<std::string> words;
    for (const auto& choice : choices) words.push_back(choice.first);
    report_choice(name, *node, words);
    return fallback;
  }

  // Reports every member that was not asked for, with the name that was probably meant.
  void finish();

  // Where a member stands, or the mapping itself when it is absent.
  Position at(std::string_view name) const;
  void error(const Position& at, std::string message) { problems_.push_back({at, std::move(message)}); }
  void warning(const Position& at, std::string message) { problems_.push_back({at, std::move(message), true}); }
  void wrong_type(std::string_view name, const Node& node, std::string_view wanted);

 private:
  void report_choice(std::string_view name, const Node& node, const std::vector<std::string>& words);

  const Node& node_;
  std::string what_;
  Problems& problems_;
  std::vector<std::string> known_;
};

// 30s, 5m, 12h, 7d, or a plain number of seconds.
std::optional<Seconds> parse_duration(std::string_view text);
// RFC 3339 in UTC, seconds with an optional fraction: 2026-11-24T16:45:00.250Z.
std::optional<Instant> parse_instant(std::string_view text);

}  // namespace writ::registry
