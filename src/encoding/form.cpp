#include "encoding/form.h"

#include <algorithm>

#include "encoding/plain_text.h"
#include "encoding/utf8.h"

namespace writ::form {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

bool is_control(char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F; }

// Decodes and checks what every component must be: text that people and logs can bear.
Result<std::string, Problem> component(std::string_view text) {
  auto decoded = decode(text);
  if (!decoded) return unexpected(Problem::bad_escape);
  if (plain_prefix(*decoded) == decoded->size()) return std::move(*decoded);   // printable ASCII
  if (!utf8::is_valid(*decoded)) return unexpected(Problem::invalid_utf8);
  if (std::any_of(decoded->begin(), decoded->end(), is_control)) return unexpected(Problem::control_character);
  return std::move(*decoded);
}

}  // namespace

const std::string* Parameters::find(std::string_view name) const {
  for (const auto& [key, value] : pairs_)
    if (key == name) return &value;
  return nullptr;
}

std::vector<std::string_view> Parameters::find_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : pairs_)
    if (key == name) values.emplace_back(value);
  return values;
}

std::optional<std::string> Parameters::first_repeated(std::initializer_list<std::string_view> repeatable) const {
  for (std::size_t i = 1; i < pairs_.size(); ++i) {
    const std::string& name = pairs_[i].first;
    if (std::find(repeatable.begin(), repeatable.end(), name) != repeatable.end()) continue;
    for (std::size_t k = 0; k < i; ++k)
      if (pairs_[k].first == name) return name;
  }
  return std::nullopt;
}

std::string_view to_string(Problem problem) {
  switch (problem) {
    case Problem::too_large: return "too_large";
    case Problem::too_many_parameters: return "too_many_parameters";
    case Problem::bad_escape: return "bad_escape";
    case Problem::invalid_utf8: return "invalid_utf8";
    case Problem::control_character: return "control_character";
  }
  return "unknown";
}

Result<Parameters, Problem> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes_max) return unexpected(Problem::too_large);
  std::vector<std::pair<std::string, std::string>> pairs;
  std::size_t seen = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    if (++seen > limits.parameters_max) return unexpected(Problem::too_many_parameters);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::string name = TRY(component(pair.substr(0, equals)));
    std::string value = TRY(component(pair.substr(std::min(equals + 1, pair.size()))));
    if (value.empty()) continue;   // RFC 6749 §3.2: as if omitted
    pairs.emplace_back(std::move(name), std::move(value));
  }
  return Parameters(std::move(pairs));
}

std::string encode(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                          byte == '-' || byte == '.' || byte == '_' || byte == '*';
    if (is_plain) {
      encoded += letter;
    } else if (letter == ' ') {
      encoded += '+';
    } else {
      encoded += {'%', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
    }
  }
  return encoded;
}

std::optional<std::string> decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  // Tokens are long and have nothing to decode: whole runs, not letters. Each of the two is looked for again only behind where it was found.
  const auto find = [text](char letter, std::size_t from) { return std::min(text.find(letter, from), text.size()); };
  std::size_t plus = find('+', 0), escape = find('%', 0);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(plus, escape);
    decoded += text.substr(at, end - at);
    if (end == text.size()) break;
    if (end == plus) {
      decoded += ' ';
      at = end + 1;
      plus = find('+', at);
      continue;
    }
    if (text.size() - end < 3) return std::nullopt;
    const int high = hex_value(text[end + 1]);
    const int low = hex_value(text[end + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high << 4 | low);
    at = end + 3;
    escape = find('%', at);
  }
  return decoded;
}

std::string write(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string text;
  for (const auto& [name, value] : pairs) {
    if (!text.empty()) text += '&';
    text += encode(name) + '=' + encode(value);
  }
  return text;
}

}  // namespace writ::form
