#include "gateway/combined/names.h"

#include <charconv>

#include "crypto/hash.h"
#include "registry/check.h"

namespace writ::gateway::combined {
namespace {

constexpr std::string_view kBetween = "__";
constexpr std::string_view kUriPrefix = "writ+";
constexpr std::size_t kHashLetters = 10;   // 50 bits

std::string hash_of(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
  const crypto::Sha256 hash = crypto::sha256(text);
  std::string letters;
  for (std::size_t i = 0; i < kHashLetters; ++i) letters += kLetters[hash[i] % kLetters.size()];
  return letters;
}

std::optional<AtMember> split(std::string_view text, std::string_view between) {
  const std::size_t at = text.find(between);
  if (at == std::string_view::npos || !registry::is_server_id(text.substr(0, at))) return std::nullopt;
  return AtMember{text.substr(0, at), text.substr(at + between.size())};
}

// As many whole characters as fit.
std::string_view beginning(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

}  // namespace

std::string shown_name(std::string_view member, std::string_view name) {
  std::string shown = std::string(member).append(kBetween).append(name);
  if (shown.size() <= kNameBytesMax) return shown;
  return std::string(beginning(shown, kNameBytesMax - kHashLetters - 1)) + "_" + hash_of(shown);
}

std::optional<AtMember> split_name(std::string_view shown) { return split(shown, kBetween); }

std::string name_at_member(const registry::Definitions& definitions, registry::ObjectKind kind, std::string_view shown) {
  const auto parts = split_name(shown);
  if (!parts) return std::string(shown);
  // Only a shortened name is exactly as long as may be and ends in a hash; a plain one of that length counts first.
  if (shown.size() > kNameBytesMax || definitions.find(kind, parts->member, parts->rest)) return std::string(parts->rest);
  const auto* shelf = definitions.of(parts->member);
  if (!shelf || shown.size() + 4 < kNameBytesMax) return std::string(parts->rest);
  for (const auto& [key, definition] : *shelf) {
    const bool is_long = key.first == kind && parts->member.size() + kBetween.size() + key.second.size() > kNameBytesMax;
    if (is_long && shown_name(parts->member, key.second) == shown) return key.second;
  }
  return std::string(parts->rest);
}

std::string shown_uri(std::string_view member, std::string_view uri) { return std::string(kUriPrefix).append(member).append(":").append(uri); }

std::optional<AtMember> split_uri(std::string_view shown) {
  if (!shown.starts_with(kUriPrefix)) return std::nullopt;
  return split(shown.substr(kUriPrefix.size()), ":");
}

std::string shown_id(std::string_view member, const mcp::RequestId& id) {
  const std::string key = mcp::to_key(id);
  return std::string(member).append("/").append(key.substr(0, 1)).append("/").append(key.substr(1));
}

std::optional<IdAtMember> split_id(const mcp::RequestId& shown) {
  const auto* text = std::get_if<std::string>(&shown);
  const auto parts = text ? split(*text, "/") : std::nullopt;
  if (!parts || parts->rest.size() < 2 || parts->rest[1] != '/') return std::nullopt;
  const std::string_view value = parts->rest.substr(2);
  if (parts->rest[0] == 's') return IdAtMember{std::string(parts->member), std::string(value)};
  std::int64_t number = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
  if (parts->rest[0] != 'i' || read.ec != std::errc{} || read.ptr != value.data() + value.size()) return std::nullopt;
  // One text for each number: `05` and `5` would be two ids for one request.
  if (std::to_string(number) != value) return std::nullopt;
  return IdAtMember{std::string(parts->member), number};
}

std::string shown_handle(std::string_view member, std::string_view handle) { return std::string(member).append("/").append(handle); }
std::optional<AtMember> split_handle(std::string_view shown) { return split(shown, "/"); }

}  // namespace writ::gateway::combined
