#pragma once

// What a person is told about a policy or schema text: what is wrong, where, and what would be right.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cedar/position.h"

namespace writ::cedar {

struct Message {
  std::string text;         // lower case, no full stop, the user's input in backticks
  Span span;                // empty when the message is about no place of a text (then `line` is empty too)
  Position position;
  std::string line;         // the line that the span begins in, without its line end
  std::string suggestion;   // "did you mean `principal`?", or empty

  // "3:14: unknown function `decimel`; did you mean `decimal`?" and below it the line with a caret under the place.
  std::string render() const;
  // The first line of `render`.
  std::string summary() const;
  // `render` without line and column, for those who name the place themselves.
  std::string explain() const;
};

// A message about a place in `source`.
Message message_at(std::string_view source, Span span, std::string text, std::string suggestion = {});
// A message about no place, for example about a JSON value.
Message message(std::string text);

// The candidate that `name` is most likely a misspelling of; nothing when none is near.
std::optional<std::string_view> nearest(std::string_view name, std::span<const std::string_view> candidates);
// "did you mean `x`?", or empty.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace writ::cedar
