#include "documents.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "adapters/yaml/bundle_files.h"
#include "adapters/yaml/yaml.h"
#include "registry/read.h"

namespace writ::cli::admin {
namespace {

namespace fs = std::filesystem;
using registry::Node;
using registry::Position;
using registry::Problems;


// password_file → password and so on, in the objects that have credentials of their own. An upstream's `secret_file` stays: that file
// is read by the server whenever it is used.
void inline_secrets(Node& node, Problems& problems) {
  for (Node& item : node.items) inline_secrets(item, problems);
  for (auto& entry : node.entries) {
    const char* clear = entry.name == "password_file" ? "password" : entry.name == "secret_file" ? "secret" : entry.name == "token_file" ? "token" : nullptr;
    if (!clear || entry.value.kind != Node::Kind::text) {
      inline_secrets(entry.value, problems);
      continue;
    }
    auto secret = yaml::read_secret_file(entry.value.text, entry.value.at);
    if (!secret) {
      problems.push_back({entry.value.at, secret.error()});
      continue;
    }
    entry.name = clear;
    entry.value.text = secret->reveal();
  }
}

}  // namespace

Result<Documents, Problems> read_documents(const std::vector<std::string>& paths) {
  Documents documents;
  Problems problems;
  std::vector<Node> roots;
  for (const std::string& path : paths) {
    std::error_code failed;
    const bool folder = fs::is_directory(path, failed), bundle_file = policy::is_bundle_file(fs::path(path).filename().string());
    if (!bundle_file || folder) {
      auto root = yaml::read_objects(path);
      if (root) {
        roots.push_back(std::move(root).value());
      } else {
        problems.insert(problems.end(), root.error().begin(), root.error().end());
      }
    }
    if (!folder && !bundle_file) continue;
    auto files = yaml::read_bundle_files(path);
    if (files) {
      if (!documents.policy) documents.policy.emplace();
      documents.policy->merge(*files);
    } else if (!folder) {
      problems.push_back({Position{path, 1, 1}, files.error()});
    }
  }
  documents.objects = registry::join_documents(std::move(roots));
  registry::Reading reading;
  reading.secret_file = yaml::read_secret_file;
  registry::read_objects(documents.objects, reading);
  for (auto& problem : reading.problems) (problem.is_warning ? documents.warnings : problems).push_back(std::move(problem));
  if (!problems.empty()) return unexpected(std::move(problems));
  return documents;
}

Result<json::Value, Problems> to_request(const Node& objects) {
  Node copy = objects;
  Problems problems;
  for (auto& entry : copy.entries) {
    if (entry.name == "users" || entry.name == "agents" || entry.name == "api_tokens") inline_secrets(entry.value, problems);
  }
  if (!problems.empty()) return unexpected(std::move(problems));
  return registry::to_json(copy);
}

Position place_of(const Node& objects, std::string_view pointer) {
  constexpr std::string_view kRoot = "/objects";
  if (!pointer.starts_with(kRoot)) return Position{std::string(pointer)};
  pointer.remove_prefix(kRoot.size());
  const Node* node = &objects;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const auto slash = std::min(pointer.find('/'), pointer.size());
    const auto step = pointer.substr(0, slash);
    pointer.remove_prefix(slash);
    const Node* next = node->find(step);
    for (const char* file : {"password_file", "secret_file", "token_file"}) {
      if (!next && std::string_view(file).substr(0, step.size()) == step) next = node->find(file);   // it was sent in the file's place
    }
    std::size_t index = 0;
    if (!next && std::from_chars(step.data(), step.data() + step.size(), index).ec == std::errc{} && index < node->items.size()) next = &node->items[index];
    if (!next) break;
    node = next;
  }
  return node->at;
}

}  // namespace writ::cli::admin
