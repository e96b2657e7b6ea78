#include "policy/recorded_arguments.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::policy {
namespace {

constexpr std::size_t kValueBytesMax = 256;
constexpr std::size_t kArgumentsBytesMax = 8 * 1024;   // what a record keeps (audit/record.cpp)
constexpr std::size_t kMembersMax = 1000;

json::Value kept(const json::Value* value, Kept how = Kept::value) {
  if (!value) return json::Value{{"absent", true}};
  const std::string text = json::write_canonical(*value);
  if (how == Kept::value && text.size() <= kValueBytesMax) return json::Value{{"value", *value}};
  return json::Value{{"digest", base64url::encode(crypto::sha256_bytes(text))}};
}

}  // namespace

std::string record_arguments(const json::Value& arguments, const std::set<std::string>& read) {
  if (read.empty()) return {};
  json::Value members = json::Object{};
  for (const std::string& name : read) members.set(name, kept(arguments.find(name)));
  return json::write(members);
}

std::string record_arguments(const json::Value& arguments, const ArgumentsRead& read) {
  std::map<std::string, Kept, std::less<>> wanted = read.members;
  if (const json::Object* given = arguments.as_object(); given && read.others) {
    for (const json::Member& member : *given) wanted.insert_or_assign(member.name, *read.find(member.name));
  }
  std::erase_if(wanted, [](const auto& one) { return one.second == Kept::never; });
  // A caller chooses how many members it sends: more than a record could keep are not worked on.
  if (wanted.empty() || wanted.size() > kMembersMax) return {};
  for (const Kept least : {Kept::value, Kept::digest}) {
    json::Object members;
    for (const auto& [name, how] : wanted) members.push_back({name, kept(arguments.find(name), std::max(how, least))});
    std::string text = json::write(std::move(members));
    if (text.size() <= kArgumentsBytesMax) return text;
  }
  return {};
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
