#pragma once

// Characters that a person does not see, or that change how the text around them is shown: controls, marks that turn the direction of text, zero-width
// and filler characters, tags, variation selectors, spaces that look like others. They are how a text says one thing to a reader and another to a model.

#include <string>
#include <string_view>

namespace writ::text {

// An ordinary space is not hidden; every control character is, the end of a line too.
bool is_hidden(char32_t point);

// The text without them; bytes that are no UTF-8 become U+FFFD.
std::string without_hidden(std::string_view text);

// A JSON text in which they stand as \u escapes: the same value, nothing unseen. Precondition: it is JSON as json::write writes it, so that such
// characters stand in strings only.
std::string with_hidden_escaped(std::string_view json);

}  // namespace writ::text
