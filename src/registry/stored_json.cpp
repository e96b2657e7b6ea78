#include "registry/stored_json.h"

namespace writ::registry {

std::optional<json::Value> read_stored(std::string_view text) {
  json::Limits limits;
  limits.bytes_max = 64 << 20;
  limits.members_max = 5'000'000;
  auto value = json::parse(text, limits);
  if (!value) return std::nullopt;
  return std::move(value).value();
}

std::string write_files(const BundleFiles& files) {
  json::Value members = json::Object{};
  for (const auto& [name, text] : files) members.set(name, text);
  return json::write(members);
}

std::optional<BundleFiles> read_files(std::string_view text) {
  const auto value = read_stored(text);
  const json::Object* members = value ? value->as_object() : nullptr;
  if (!members) return std::nullopt;
  BundleFiles files;
  for (const json::Member& member : *members) {
    const std::string* content = member.value.as_string();
    if (!content) return std::nullopt;
    files[member.name] = *content;
  }
  return files;
}

}  // namespace writ::registry
