#include "cedar/name.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "cedar/lexer.h"

namespace writ::cedar {

namespace {

constexpr std::array<std::string_view, 9> kReserved{"true", "false", "if", "then", "else", "in", "is", "like", "has"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

__extension__ using Wide = unsigned __int128;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

bool is_identifier(std::string_view text) {
  if (text.empty() || !is_letter(text[0])) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool is_reserved(std::string_view identifier) {
  if (identifier.size() > 5) return false;   // the longest of them; this is asked for every word
  return std::find(kReserved.begin(), kReserved.end(), identifier) != kReserved.end();
}

bool is_plain_name(std::string_view text) { return is_identifier(text) && !is_reserved(text) && text != "__cedar"; }

bool is_type_name(std::string_view text) {
  for (;;) {
    const std::size_t end = text.find("::");
    if (!is_plain_name(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 2);
  }
}

std::string_view last_component(std::string_view type_name) {
  const std::size_t colons = type_name.rfind("::");
  return colons == std::string_view::npos ? type_name : type_name.substr(colons + 2);
}

std::string_view name_space_of(std::string_view type_name) {
  const std::size_t colons = type_name.rfind("::");
  return colons == std::string_view::npos ? std::string_view() : type_name.substr(0, colons);
}

bool is_action_type(std::string_view type_name) { return last_component(type_name) == "Action"; }

std::uint64_t hash_text(std::string_view text) {
  std::uint64_t hash = 0x9E3779B97F4A7C15u ^ text.size();
  while (text.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), 8);
    hash = mix(hash ^ word, 0xD6E8FEB86659FD93u);
    text.remove_prefix(8);
  }
  std::uint64_t rest = 0;
  if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
  return mix(hash ^ rest, 0xA0761D6478BD642Fu);
}

EntityUid::EntityUid(std::string_view type, std::string_view id)
    : type_(type), id_(id), hash_(mix(hash_text(type) ^ std::rotl(hash_text(id), 17), 0xE7037ED1A0B428DBu)) {}

EntityUid EntityUid::copy_to(Arena& arena) const {
  EntityUid copy;
  copy.type_ = arena.copy(type_);
  copy.id_ = arena.copy(id_);
  copy.hash_ = hash_;
  return copy;
}

std::string EntityUid::to_string() const { return std::string(type_) + "::" + quote(id_); }

}  // namespace writ::cedar
