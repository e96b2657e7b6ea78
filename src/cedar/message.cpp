#include "cedar/message.h"

#include <algorithm>
#include <vector>

#include "encoding/utf8.h"

namespace writ::cedar {

namespace {

// What a terminal line can show; a longer line is cut around the place.
constexpr std::size_t kLineBytesMax = 4096;

std::string_view line_around(std::string_view text, std::size_t offset) {
  const std::size_t before = text.substr(0, offset).find_last_of("\r\n");
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  const std::size_t end = std::min(text.find_first_of("\r\n", offset), text.size());
  return text.substr(begin, std::min(end - begin, kLineBytesMax));
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::uint32_t count_characters(std::string_view text) {
  return static_cast<std::uint32_t>(std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

// Damerau-Levenshtein (optimal string alignment), given up above `limit`.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
  const std::size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (difference > limit) return limit + 1;
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), current(b.size() + 1);
  for (std::size_t k = 0; k <= b.size(); ++k) last[k] = k;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t k = 1; k <= b.size(); ++k) {
      const std::size_t cost = a[i - 1] == b[k - 1] ? 0 : 1;
      current[k] = std::min({last[k] + 1, current[k - 1] + 1, last[k - 1] + cost});
      if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
        current[k] = std::min(current[k], before_last[k - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return last[b.size()];
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The line of the text, and a caret under the place.
void append_line(std::string& out, const Message& message) {
  if (message.line.empty()) return;
  out += '\n';
  out += message.line;
  out += '\n';
  // Tabs are repeated so that the caret stands under the place whatever their width.
  std::uint32_t column = 1;
  std::size_t at = 0;
  for (; at < message.line.size() && column < message.position.column; ++at) {
    if (at + 1 < message.line.size() && continues_character(message.line[at + 1])) continue;
    out += message.line[at] == '\t' ? '\t' : ' ';
    ++column;
  }
  const std::size_t bytes = std::min<std::size_t>(message.span.end > message.span.begin ? message.span.end - message.span.begin : 1, message.line.size() - at);
  out.append(std::max<std::uint32_t>(count_characters(std::string_view(message.line).substr(at, bytes)), 1), '^');
}

}  // namespace

Position locate(std::string_view text, std::size_t offset) { return Locator(text).at(offset); }

Position Locator::at(std::size_t offset) {
  const std::size_t end = std::min(offset, text_.size());
  if (end < line_begin_) *this = Locator(text_);
  for (; read_ < end; ++read_) {
    // CR LF is one line end.
    const bool ends_line = text_[read_] == '\n' || (text_[read_] == '\r' && (read_ + 1 >= text_.size() || text_[read_ + 1] != '\n'));
    if (!ends_line) continue;
    ++line_;
    line_begin_ = read_ + 1;
  }
  return {line_, count_characters(text_.substr(line_begin_, end - line_begin_)) + 1};
}

std::string Message::summary() const {
  std::string out;
  if (span.end != 0 || !line.empty()) {
    out += std::to_string(position.line);
    out += ':';
    out += std::to_string(position.column);
    out += ": ";
  }
  out += text;
  if (!suggestion.empty()) {
    out += "; ";
    out += suggestion;
  }
  return out;
}

std::string Message::explain() const {
  std::string out = text;
  if (!suggestion.empty()) out += "; " + suggestion;
  append_line(out, *this);
  return out;
}

std::string Message::render() const {
  std::string out = summary();
  append_line(out, *this);
  return out;
}

Message message_at(std::string_view source, Span span, std::string text, std::string suggestion) {
  Message message;
  message.text = std::move(text);
  message.span = span;
  message.position = locate(source, span.begin);
  message.line = std::string(line_around(source, std::min<std::size_t>(span.begin, source.size())));
  message.suggestion = std::move(suggestion);
  return message;
}

Message message(std::string text) {
  Message message;
  message.text = std::move(text);
  return message;
}

std::optional<std::string_view> nearest(std::string_view name, std::span<const std::string_view> candidates) {
  constexpr std::size_t kNameBytesMax = 64;   // the table is quadratic
  if (name.empty() || name.size() > kNameBytesMax) return std::nullopt;
  const std::size_t limit = std::max<std::size_t>(1, name.size() / 3);
  const std::string wanted = lower(name);
  std::optional<std::string_view> best;
  std::size_t best_distance = limit + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate == name) continue;
    const std::size_t d = distance(wanted, lower(candidate), limit);
    if (d >= best_distance) continue;
    best = candidate;
    best_distance = d;
  }
  return best;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  const auto found = nearest(name, candidates);
  if (!found) return {};
  return "did you mean `" + std::string(*found) + "`?";
}

}  // namespace writ::cedar
