#pragma once

// The methods of both protocol eras: what each needs, which era has it, and which lists it answers with. A method that is not here is
// denied (rules §4.5).

#include <cstdint>
#include <string_view>

namespace writ::mcp {

// legacy: 2025-03-26 to 2025-11-25, stateful. modern: 2026-07-28, stateless.
enum class Era { legacy, modern };
std::string_view to_string(Era era);

// What a message asks to do, in the words of authorization.
enum class Need { connect, call, read_resource, subscribe, get_prompt, complete, task };   // task: what the call that made it needed

// Lists that a result may hold; a filter goes by them.
enum class List : std::uint8_t { none = 0, tools = 1, prompts = 2, resources = 4, resource_templates = 8, instructions = 16, tasks = 32 };   // instructions: no list, but reviewed like one; tasks: shown to whom they belong to
// The member of the result, and the member of each element that names it.
struct ListShape {
  List list;
  std::string_view member, element_name;
};
const ListShape* shape_of(List list);

struct Method {
  std::string_view name;
  Need need = Need::connect;
  bool is_notification = false;
  bool legacy = true, modern = false;
  List list = List::none;
  std::string_view subject = {};    // the member of `params` that names the tool, prompt or resource
  bool stands = false;              // its answer is a stream without an end of its own
};

// Messages that a client sends; null for any other.
const Method* find_method(std::string_view name, bool is_notification);
inline bool is_in(const Method& method, Era era) { return era == Era::legacy ? method.legacy : method.modern; }

inline constexpr std::string_view kInitialize = "initialize";
inline constexpr std::string_view kToolsCall = "tools/call";
inline constexpr std::string_view kToolsList = "tools/list";
inline constexpr std::string_view kDiscover = "server/discover";

}  // namespace writ::mcp
