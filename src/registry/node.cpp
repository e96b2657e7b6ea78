#include "registry/node.h"

#include <algorithm>

namespace writ::registry {

std::string to_string(const Position& position) {
  if (position.line == 0) return position.file.empty() ? "/" : position.file;
  return position.file + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
}

std::string to_string(const Problem& problem) {
  return to_string(problem.at) + (problem.is_warning ? ": warning: " : ": error: ") + problem.message;
}

std::string to_string(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) text += to_string(problem) + "\n";
  return text;
}

bool has_errors(const Problems& problems) {
  return std::any_of(problems.begin(), problems.end(), [](const Problem& problem) { return !problem.is_warning; });
}

const Node* Node::find(std::string_view name) const {
  for (const Entry& entry : entries) {
    if (entry.name == name) return &entry.value;
  }
  return nullptr;
}

std::string_view to_string(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null: return "nothing";
    case Node::Kind::boolean: return "true or false";
    case Node::Kind::integer: return "a whole number";
    case Node::Kind::number: return "a number";
    case Node::Kind::text: return "text";
    case Node::Kind::list: return "a list";
    case Node::Kind::mapping: return "a mapping";
  }
  return "something else";
}

Node from_json(const json::Value& value, std::string pointer) {
  Node node;
  node.at.file = pointer;
  if (const auto* boolean = value.as_bool()) {
    node.kind = Node::Kind::boolean;
    node.boolean = *boolean;
    node.text = *boolean ? "true" : "false";
  } else if (const auto* integer = value.as_int()) {
    node.kind = Node::Kind::integer;
    node.integer = *integer;
    node.text = std::to_string(*integer);
  } else if (const auto* number = value.as_double()) {
    node.kind = Node::Kind::number;
    node.number = *number;
    node.text = json::write(value);
  } else if (const auto* text = value.as_string()) {
    node.kind = Node::Kind::text;
    node.text = *text;
  } else if (const auto* array = value.as_array()) {
    node.kind = Node::Kind::list;
    for (std::size_t i = 0; i < array->size(); ++i) {
      node.items.push_back(from_json((*array)[i], pointer + "/" + std::to_string(i)));
    }
  } else if (const auto* object = value.as_object()) {
    node.kind = Node::Kind::mapping;
    for (const auto& member : *object) {
      const std::string place = pointer + "/" + member.name;
      node.entries.push_back({member.name, Position{place}, from_json(member.value, place)});
    }
  }
  return node;
}

json::Value to_json(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null: return nullptr;
    case Node::Kind::boolean: return node.boolean;
    case Node::Kind::integer: return node.integer;
    case Node::Kind::number: return node.number;
    case Node::Kind::text: return node.text;
    case Node::Kind::list: {
      json::Array array;
      for (const Node& item : node.items) array.push_back(to_json(item));
      return array;
    }
    case Node::Kind::mapping: {
      json::Object object;
      for (const Node::Entry& entry : node.entries) object.push_back({entry.name, to_json(entry.value)});
      return object;
    }
  }
  return nullptr;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  // Letters that are wrong, missing, too many or swapped with their neighbour; a third of the word may be, at least one. Long input has no
  // near name.
  if (word.empty() || word.size() > 64) return {};
  std::size_t best = std::max<std::size_t>(1, (word.size() + 2) / 3) + 1;
  std::string found;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > 128) continue;
    std::vector<std::size_t> two_above, above(candidate.size() + 1), row(candidate.size() + 1);
    for (std::size_t j = 0; j < above.size(); ++j) above[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (word[i - 1] == candidate[j - 1] ? 0u : 1u)});
        const bool swapped = i > 1 && j > 1 && word[i - 1] == candidate[j - 2] && word[i - 2] == candidate[j - 1];
        if (swapped) row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
      two_above = above;
      above = row;
    }
    if (above.back() < best) best = above.back(), found = candidate;
  }
  return found;
}

}  // namespace writ::registry
