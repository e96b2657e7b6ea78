#include "policy/recorded_arguments.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::policy {
namespace {

constexpr std::size_t kValueBytesMax = 256;

json::Value kept(const json::Value* value) {
  if (!value) return json::Value{{"absent", true}};
  const std::string text = json::write_canonical(*value);
  if (text.size() <= kValueBytesMax) return json::Value{{"value", *value}};
  return json::Value{{"digest", base64url::encode(crypto::sha256_bytes(text))}};
}

}  // namespace

std::string record_arguments(const json::Value& arguments, const std::set<std::string>& read) {
  if (read.empty()) return {};
  json::Value members = json::Object{};
  for (const std::string& name : read) members.set(name, kept(arguments.find(name)));
  return json::write(members);
}

std::optional<RecordedArguments> read_recorded_arguments(const json::Value& recorded) {
  const json::Object* members = recorded.as_object();
  if (!members) return std::nullopt;
  RecordedArguments arguments;
  for (const json::Member& member : *members) {
    arguments.recorded.insert(member.name);
    if (const json::Value* value = member.value.find("value")) {
      arguments.known.set(member.name, *value);
    } else if (member.value.find_string("digest")) {
      arguments.unknown.insert(member.name);
    } else if (const bool* absent = member.value.find_bool("absent"); !absent || !*absent) {
      return std::nullopt;
    }
  }
  return arguments;
}

}  // namespace writ::policy
