#pragma once

// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.

#include <cstddef>
#include <string_view>

namespace writ::utf8 {

// How many bytes the character that begins at `text[0]` has; 0 when no valid one begins there. Precondition: text is not empty.
std::size_t length_of_first(std::string_view text);
bool is_valid(std::string_view text);

}  // namespace writ::utf8
