#include "output.h"

#include <cstdio>

#include "encoding/uri.h"
#include "encoding/utf8.h"

namespace writ::cli::admin {
namespace {

std::size_t width_of(std::string_view text) {
  std::size_t characters = 0;
  for (const char letter : text) characters += (static_cast<unsigned char>(letter) & 0xC0) != 0x80;
  return characters;
}

// C1 controls and the marks that turn the direction of text (S4).
bool is_hidden(std::string_view character) {
  if (character.size() == 2) return character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0;
  if (character.size() != 3 || character[0] != '\xE2') return character == "\xEF\xBB\xBF";
  const auto second = static_cast<unsigned char>(character[1]), third = static_cast<unsigned char>(character[2]);
  return (second == 0x80 && (third == 0x8E || third == 0x8F || (third >= 0xA8 && third <= 0xAE))) || (second == 0x81 && third >= 0xA6 && third <= 0xA9);
}

}  // namespace

std::string safe(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8::length_of_first(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(character.size());
    const auto first = static_cast<unsigned char>(character[0]);
    if (length == 0 || (first < 0x20 && first != '\n') || first == 0x7F || is_hidden(character)) {
      out += "\xEF\xBF\xBD";
    } else {
      out += character;
    }
  }
  return out;
}

void print_json(const json::Value& value) { std::printf("%s\n", json::write(value).c_str()); }

void Table::print() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - width_of(row[i]) + 2, ' ');
    }
    while (line.ends_with(' ')) line.pop_back();
    std::printf("%s\n", line.c_str());
  }
}

std::string text_of(const json::Value& object, std::string_view member) {
  const json::Value* value = object.find(member);
  if (!value || value->is_null()) return "";
  if (const auto* text = value->as_string()) return safe(*text);
  if (const auto* list = value->as_array()) {
    std::string joined;
    for (const auto& item : *list) joined += (joined.empty() ? "" : ", ") + (item.as_string() ? safe(*item.as_string()) : json::write(item));
    return joined;
  }
  return safe(json::write(*value));
}

std::string path_segment(std::string_view text) { return uri::encode_component(text); }

}  // namespace writ::cli::admin
