#pragma once

// Members of a record's line as audit::to_json_line writes it: one object, no white space. For finding, never for deciding.

#include <string>
#include <string_view>

#include "encoding/plain_text.h"

namespace writ::log {

// Calls use(name, value) for each member; strings without their quotes, as escaped in the line. Stops at anything unexpected.
template <class Use>
void for_each_member(std::string_view line, Use use) {
  const auto end_of_string = [&](std::size_t at) {   // `at` stands behind the opening quote
    while (at < line.size() && line[at] != '"') {
      const std::size_t plain = plain_prefix(line.substr(at));
      at += plain != 0 ? plain : line[at] == '\\' ? 2 : 1;
    }
    return at;
  };
  std::size_t at = 1;
  while (at < line.size() && line[at] == '"') {
    const std::size_t name_end = end_of_string(at + 1);
    if (name_end + 2 >= line.size()) return;
    const std::string_view name = line.substr(at + 1, name_end - at - 1);
    at = name_end + 2;
    std::string_view value;
    if (line[at] == '"') {
      const std::size_t end = end_of_string(at + 1);
      if (end >= line.size()) return;
      value = line.substr(at + 1, end - at - 1);
      at = end + 1;
    } else {   // a number, or an object (`arguments`), whole
      std::size_t end = at;
      for (int depth = 0; end < line.size() && (depth > 0 || (line[end] != ',' && line[end] != '}')); ++end) {
        if (line[end] == '"') end = end_of_string(end + 1);
        else if (line[end] == '{' || line[end] == '[') ++depth;
        else if (line[end] == '}' || line[end] == ']') --depth;
      }
      if (end >= line.size()) return;
      value = line.substr(at, end - at);
      at = end;
    }
    use(name, value);
    ++at;   // the comma
  }
}

}  // namespace writ::log
