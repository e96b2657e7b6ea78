#include "oauth/authorization_details.h"

#include <algorithm>
#include <array>

namespace writ::oauth {
namespace {

constexpr std::size_t kTextBytesMax = 8 * 1024, kDetailsMax = 20, kListMax = 50, kValueBytesMax = 512;
constexpr std::array<std::string_view, 4> kLists = {"locations", "actions", "datatypes", "privileges"};

bool is_text(const json::Value& value) { return value.is_string() && !value.as_string()->empty() && value.as_string()->size() <= kValueBytesMax; }

bool is_list(const json::Value& value) {
  const json::Array* texts = value.as_array();
  return texts != nullptr && !texts->empty() && texts->size() <= kListMax && std::all_of(texts->begin(), texts->end(), is_text);
}

Result<void, DetailsProblem> check_shape(const json::Array& details) {
  if (details.size() > kDetailsMax) return unexpected(DetailsProblem::too_many);
  for (const json::Value& detail : details) {
    const json::Value* type = detail.find("type");
    if (type == nullptr || !is_text(*type)) return unexpected(DetailsProblem::malformed);
  }
  return {};
}

bool is_part_of(const json::Array& part, const json::Array& whole) {
  return std::all_of(part.begin(), part.end(), [&](const json::Value& one) { return std::find(whole.begin(), whole.end(), one) != whole.end(); });
}

}  // namespace

std::string_view to_string(DetailsProblem problem) {
  switch (problem) {
    case DetailsProblem::malformed: return "malformed";
    case DetailsProblem::too_many: return "too_many";
    case DetailsProblem::type_unknown: return "type_unknown";
    case DetailsProblem::member_unknown: return "member_unknown";
    case DetailsProblem::member_malformed: return "member_malformed";
  }
  return "malformed";
}

Result<json::Array, DetailsProblem> parse_authorization_details(std::string_view text) {
  auto parsed = json::parse(text, {kTextBytesMax, 8, 1'000});
  if (!parsed || !parsed->is_array() || parsed->as_array()->empty()) return unexpected(DetailsProblem::malformed);
  TRY(check_shape(*parsed->as_array()));
  return std::move(*parsed->as_array());
}

Result<void, DetailsProblem> check_authorization_details(const json::Array& details, std::span<const std::string> types) {
  TRY(check_shape(details));
  for (const json::Value& detail : details) {
    if (std::find(types.begin(), types.end(), *detail.find_string("type")) == types.end()) return unexpected(DetailsProblem::type_unknown);
    for (const json::Member& member : *detail.as_object()) {
      if (member.name == "type") continue;
      const bool is_known_list = std::find(kLists.begin(), kLists.end(), member.name) != kLists.end();
      if (!is_known_list && member.name != "identifier") return unexpected(DetailsProblem::member_unknown);
      if (is_known_list ? !is_list(member.value) : !is_text(member.value)) return unexpected(DetailsProblem::member_malformed);
    }
  }
  return {};
}

bool covers(const json::Value& granted, const json::Value& asked) {
  for (const char* name : {"type", "identifier"}) {
    const std::string* of_granted = granted.find_string(name);
    const std::string* of_asked = asked.find_string(name);
    if ((of_granted == nullptr) != (of_asked == nullptr) || (of_granted != nullptr && *of_granted != *of_asked)) return false;
  }
  for (const std::string_view name : kLists) {
    const json::Array* of_granted = granted.find_array(name);
    const json::Array* of_asked = asked.find_array(name);
    if ((of_granted == nullptr) != (of_asked == nullptr) || (of_granted != nullptr && !is_part_of(*of_asked, *of_granted))) return false;
  }
  return true;
}

}  // namespace writ::oauth
