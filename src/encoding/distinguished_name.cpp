#include "encoding/distinguished_name.h"

#include <algorithm>

#include "encoding/utf8.h"

namespace writ::distinguished_name {
namespace {

constexpr std::string_view kMustBeEscaped = "\"+,;<>\\";
constexpr std::string_view kMayBeEscaped = "\"+,;<>\\ #=";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<int> digit(char c) {
  if (is_digit(c)) return c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') return lower(c) - 'a' + 10;
  return std::nullopt;
}

struct Reader {
  std::string_view left;

  bool at_end() const { return left.empty(); }
  bool take(char c) {
    if (left.empty() || left.front() != c) return false;
    left.remove_prefix(1);
    return true;
  }
  void skip_spaces() {
    while (take(' ')) {
    }
  }

  // A name (RFC 4512 §1.4: a letter, then letters, digits, hyphens) or numbers with dots.
  std::optional<std::string> type() {
    std::string text;
    while (!left.empty() && (is_letter(left.front()) || is_digit(left.front()) || left.front() == '-' || left.front() == '.')) {
      text += lower(left.front());
      left.remove_prefix(1);
    }
    if (text.empty()) return std::nullopt;
    const bool is_name = is_letter(text.front()) && text.find('.') == std::string::npos;
    const bool is_number = is_digit(text.front()) && text.back() != '.' && text.find("..") == std::string::npos &&
                           std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
    if (!is_name && !is_number) return std::nullopt;
    return text;
  }

  std::optional<std::string> hexadecimal() {
    std::string text;
    while (!left.empty() && digit(left.front())) {
      text += lower(left.front());
      left.remove_prefix(1);
    }
    if (text.empty() || text.size() % 2 != 0) return std::nullopt;
    return text;
  }

  // Up to an unescaped `,`, `+` or the end. Unescaped spaces around it do not belong to it.
  std::optional<std::string> value() {
    std::string text;
    std::size_t kept = 0;   // behind it only unescaped spaces came
    while (!left.empty() && left.front() != ',' && left.front() != '+') {
      const char c = left.front();
      left.remove_prefix(1);
      if (c == '\\') {
        if (left.empty()) return std::nullopt;
        if (kMayBeEscaped.find(left.front()) != std::string_view::npos) {
          text += left.front();
          left.remove_prefix(1);
        } else {
          if (left.size() < 2) return std::nullopt;
          const auto high = digit(left[0]), low = digit(left[1]);
          if (!high || !low) return std::nullopt;
          text += static_cast<char>(*high * 16 + *low);
          left.remove_prefix(2);
        }
        kept = text.size();
        continue;
      }
      if (kMustBeEscaped.find(c) != std::string_view::npos || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return std::nullopt;
      text += c;
      if (c != ' ') kept = text.size();
    }
    text.resize(kept);
    if (!utf8::is_valid(text)) return std::nullopt;
    return text;
  }

  std::optional<Attribute> attribute() {
    Attribute attribute;
    skip_spaces();
    auto name = type();
    skip_spaces();
    if (!name || !take('=')) return std::nullopt;
    attribute.type = std::move(*name);
    skip_spaces();
    attribute.is_hexadecimal = take('#');
    auto text = attribute.is_hexadecimal ? hexadecimal() : value();
    if (!text) return std::nullopt;
    attribute.value = std::move(*text);
    if (attribute.is_hexadecimal) skip_spaces();
    return attribute;
  }
};

}  // namespace

std::optional<Name> parse(std::string_view text) {
  Name name;
  if (text.empty()) return name;
  Reader reader{text};
  do {
    std::vector<Attribute>& joined = name.emplace_back();
    do {
      auto attribute = reader.attribute();
      if (!attribute) return std::nullopt;
      joined.push_back(std::move(*attribute));
    } while (reader.take('+'));
    std::sort(joined.begin(), joined.end());
  } while (reader.take(','));
  if (!reader.at_end()) return std::nullopt;
  return name;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace writ::distinguished_name
