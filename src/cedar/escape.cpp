#include <algorithm>
#include <optional>

#include "cedar/lexer.h"

// Strings and patterns between the text and what they mean (language reference §1.2, §1.3).

namespace writ::cedar {

namespace {

struct Character {
  std::uint32_t scalar = 0;
  bool is_escaped_star = false;
};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, std::uint32_t scalar) {
  const auto byte = [&out](std::uint32_t value) { out += static_cast<char>(value); };
  if (scalar < 0x80) {
    byte(scalar);
  } else if (scalar < 0x800) {
    byte(0xC0 | scalar >> 6), byte(0x80 | (scalar & 0x3F));
  } else if (scalar < 0x10000) {
    byte(0xE0 | scalar >> 12), byte(0x80 | (scalar >> 6 & 0x3F)), byte(0x80 | (scalar & 0x3F));
  } else {
    byte(0xF0 | scalar >> 18), byte(0x80 | (scalar >> 12 & 0x3F)), byte(0x80 | (scalar >> 6 & 0x3F)), byte(0x80 | (scalar & 0x3F));
  }
}

// Reads the inside of a string token piece by piece.
class Unescaper {
 public:
  Unescaper(std::string_view source, const Token& string)
      : source_(source), inside_(string.text.substr(1, string.text.size() - 2)), begin_(string.span.begin + 1) {}

  bool is_at_end() const { return at_ == inside_.size(); }

  // Text up to the next backslash or star; it means itself.
  Result<std::string_view, Message> plain() {
    const std::size_t begin = at_;
    while (at_ < inside_.size() && inside_[at_] != '\\' && inside_[at_] != '*') {
      if (inside_[at_] == '\r') return unexpected(error(at_, at_ + 1, "a carriage return is written `\\r` in a string"));
      ++at_;
    }
    return inside_.substr(begin, at_ - begin);
  }
  bool take_star() {
    if (is_at_end() || inside_[at_] != '*') return false;
    return ++at_, true;
  }

  // Precondition: a backslash stands here. The lexer saw to it that something follows.
  Result<Character, Message> escape(bool allow_star) {
    const std::size_t begin = at_;
    const char letter = inside_[begin + 1];
    at_ += 2;
    switch (letter) {
      case 'n': return Character{'\n'};
      case 'r': return Character{'\r'};
      case 't': return Character{'\t'};
      case '\\': return Character{'\\'};
      case '0': return Character{'\0'};
      case '\'': return Character{'\''};
      case '"': return Character{'"'};
      case 'x': return hex(begin);
      case 'u': return unicode(begin);
      case '*':
        if (allow_star) return Character{'*', true};
        return unexpected(error(begin, at_, "`\\*` stands for a star only on the right of `like`"));
      default: return unexpected(error(begin, at_, "unknown escape; known are \\n \\r \\t \\0 \\\\ \\\" \\' \\x41 \\u{1F600}"));
    }
  }

 private:
  Result<Character, Message> hex(std::size_t begin) {
    const int high = at_ < inside_.size() ? hex_value(inside_[at_]) : -1;
    const int low = at_ + 1 < inside_.size() ? hex_value(inside_[at_ + 1]) : -1;
    if (high < 0 || low < 0) return unexpected(error(begin, at_, "`\\x` takes two hex digits"));
    at_ += 2;
    if (high > 7) return unexpected(error(begin, at_, "`\\x` goes up to `\\x7F`; above it write `\\u{…}`"));
    return Character{static_cast<std::uint32_t>(high * 16 + low)};
  }

  Result<Character, Message> unicode(std::size_t begin) {
    const auto refuse = [&](const char* text) { return unexpected(error(begin, std::min(at_, inside_.size()), text)); };
    if (at_ >= inside_.size() || inside_[at_] != '{') return refuse("`\\u` takes hex digits in braces, as in `\\u{1F600}`");
    ++at_;
    std::uint32_t scalar = 0;
    int digits = 0;
    for (; at_ < inside_.size() && inside_[at_] != '}'; ++at_) {
      if (inside_[at_] == '_' && digits > 0) continue;
      const int value = hex_value(inside_[at_]);
      if (value < 0) return refuse("`\\u` takes hex digits in braces, as in `\\u{1F600}`");
      if (++digits > 6) return refuse("`\\u{…}` takes at most six digits");
      scalar = scalar * 16 + static_cast<std::uint32_t>(value);
    }
    if (at_ >= inside_.size() || digits == 0) return refuse("`\\u` takes hex digits in braces, as in `\\u{1F600}`");
    ++at_;
    if (scalar > 0x10FFFF || (scalar >= 0xD800 && scalar <= 0xDFFF)) return refuse("this is no Unicode character");
    return Character{scalar};
  }

  Message error(std::size_t begin, std::size_t end, std::string text) const {
    const auto offset = [this](std::size_t at) { return begin_ + static_cast<std::uint32_t>(at); };
    return message_at(source_, {offset(begin), offset(end)}, std::move(text));
  }

  std::string_view source_;
  std::string_view inside_;
  std::uint32_t begin_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::string_view, Message> unescape(std::string_view source, const Token& string, Arena& arena) {
  const std::string_view inside = string.text.substr(1, string.text.size() - 2);
  if (inside.find_first_of("\\\r") == std::string_view::npos) return inside;
  Unescaper unescaper(source, string);
  std::string out;
  for (;;) {
    out += TRY(unescaper.plain());
    if (unescaper.is_at_end()) return arena.copy(out);
    if (unescaper.take_star()) {
      out += '*';
    } else {
      append_utf8(out, TRY(unescaper.escape(false)).scalar);
    }
  }
}

Result<std::span<const PatternPiece>, Message> unescape_pattern(std::string_view source, const Token& string, Arena& arena) {
  Unescaper unescaper(source, string);
  std::vector<PatternPiece> pieces;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) pieces.push_back({false, arena.copy(literal)});
    literal.clear();
  };
  for (;;) {
    literal += TRY(unescaper.plain());
    if (unescaper.is_at_end()) break;
    const Character character = unescaper.take_star() ? Character{'*'} : TRY(unescaper.escape(true));
    if (character.scalar == '*' && !character.is_escaped_star) {
      end_literal();
      pieces.push_back({true, {}});
    } else {
      append_utf8(literal, character.scalar);
    }
  }
  end_literal();
  return arena.copy(pieces);
}

std::string quote(std::string_view text) {
  static constexpr char kHexDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\0': out += "\\0"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
          out += "\\x";
          out += kHexDigits[static_cast<unsigned char>(c) >> 4];
          out += kHexDigits[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
  return out;
}

}  // namespace writ::cedar
