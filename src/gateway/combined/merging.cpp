#include "gateway/combined/merging.h"

#include <algorithm>
#include <set>

#include "gateway/combined/names.h"
#include "gateway/combined/translation.h"

namespace writ::gateway::combined {
namespace {

constexpr std::size_t kCursorBytesMax = 16 * 1024;

bool show(mcp::List list, std::string_view member, json::Value& element, const registry::Definitions& definitions) {
  const mcp::ListShape& shape = *mcp::shape_of(list);
  json::Value* name = find_member(element, shape.element_name);
  if (!name || !name->is_string()) return false;
  const std::string own = *name->as_string();
  if (list == mcp::List::tasks) {
    *name = shown_handle(member, own);
    return true;
  }
  if (list == mcp::List::resources || list == mcp::List::resource_templates) {
    *name = shown_uri(member, own);
    return true;
  }
  std::string shown = shown_name(member, own);
  // What would lead to something else when it is used is not shown: of two names that are shortened alike, one.
  const auto kind = list == mcp::List::tools ? registry::ObjectKind::tool : registry::ObjectKind::prompt;
  if (name_at_member(definitions, kind, shown) != own) return false;
  *name = std::move(shown);
  return true;
}

// Flags that are true anywhere are true; objects are united member by member.
void unite(json::Value& into, const json::Value& more) {
  for (const json::Member& member : *more.as_object()) {
    json::Value* present = find_member(into, member.name);
    if (!present) into.set(member.name, member.value);
    else if (present->is_object() && member.value.is_object()) unite(*present, member.value);
    else if (present->is_bool() && member.value.is_bool()) *present = *present->as_bool() || *member.value.as_bool();
  }
}

}  // namespace

MergedList merge_lists(mcp::List list, const std::vector<Answered>& answers, const registry::Definitions& definitions) {
  MergedList merged;
  const mcp::ListShape& shape = *mcp::shape_of(list);
  for (const Answered& answered : answers) {
    if (const auto* elements = answered.result.find_array(shape.member)) {
      for (const json::Value& element : *elements) {
        json::Value shown = element;
        if (show(list, answered.member, shown, definitions)) merged.elements.push_back(std::move(shown));
      }
    }
    const auto* cursor = answered.result.find_string("nextCursor");
    if (cursor && !cursor->empty() && cursor->size() <= kCursorBytesMax) merged.cursors[answered.member] = *cursor;
  }
  return merged;
}

json::Value merge_capabilities(const std::vector<json::Value>& capabilities) {
  json::Value merged = json::Object{};
  // Only what this address itself can do for a member: what it does not know it could not carry.
  for (const json::Value& one : capabilities) {
    json::Value known = json::Object{};
    for (const char* name : {"tools", "prompts", "resources", "completions", "logging", "tasks"}) {
      const json::Value* said = one.find(name);
      if (said && said->is_object()) known.set(name, *said);
    }
    unite(merged, known);
  }
  json::Value own = json::Object{};
  own.set("tools", json::Value{{"listChanged", true}});
  unite(merged, own);
  if (json::Value* tools = find_member(merged, "tools")) tools->set("listChanged", true);
  return merged;
}

json::Value all_capabilities() {
  json::Value all = json::Object{};
  all.set("tools", json::Value{{"listChanged", true}});
  all.set("prompts", json::Value{{"listChanged", true}});
  all.set("resources", json::Value{{"subscribe", true}, {"listChanged", true}});
  all.set("completions", json::Object{});
  all.set("logging", json::Object{});
  return all;
}

std::string merge_instructions(const std::vector<Answered>& answers) {
  std::string merged;
  for (const Answered& answered : answers) {
    const auto* said = answered.result.find_string("instructions");
    if (!said || said->empty()) continue;
    if (!merged.empty()) merged += "\n\n";
    merged += "# " + answered.title + " (tools `" + answered.member + "__…`)\n\n" + *said;
  }
  return merged;
}

std::int64_t merge_ttl(const std::vector<Answered>& answers, bool is_complete) {
  if (!is_complete || answers.empty()) return 0;
  std::int64_t least = -1;
  for (const Answered& answered : answers) {
    const auto* ttl = answered.result.find_int("ttlMs");
    const std::int64_t own = ttl && *ttl > 0 ? *ttl : 0;
    least = least < 0 ? own : std::min(least, own);
  }
  return least;
}

}  // namespace writ::gateway::combined
