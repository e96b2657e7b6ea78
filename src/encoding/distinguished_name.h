#pragma once

// Distinguished names in the string form of RFC 4514, so that two can be compared whatever is escaped in them and how. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace writ::distinguished_name {

// One attribute: its type as written, in lower case, and its value without escapes; one that is written as `#` and hexadecimal keeps that form.
struct Attribute {
  std::string type, value;
  bool is_hexadecimal = false;
  friend bool operator==(const Attribute& a, const Attribute& b) = default;
  friend auto operator<=>(const Attribute& a, const Attribute& b) = default;
};
// From the most specific on, as it is written: `CN=desk,O=Acme`. Attributes that `+` joins are sorted: they have no order.
using Name = std::vector<std::vector<Attribute>>;

// Absent: that is none. Empty text is the empty name.
std::optional<Name> parse(std::string_view text);

// Of ASCII letters alone, as in host names.
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace writ::distinguished_name
