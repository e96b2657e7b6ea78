#include <algorithm>

#include "dpop/proof.h"
#include "encoding/uri.h"

namespace writ::dpop {
namespace {

int hex_value(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

// RFC 3986 §6.2.2.1 and §6.2.2.2. Precondition: escapes are whole (uri::parse). A dot segment that was escaped is one afterwards, and is not
// removed: no endpoint's URL has one, so it never matches.
std::string with_escapes_in_one_spelling(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      result += path[i];
      continue;
    }
    const int byte = hex_value(path[i + 1]) * 16 + hex_value(path[i + 2]);
    i += 2;
    if (is_unreserved(static_cast<char>(byte))) result += static_cast<char>(byte);
    else result.append("%").append(1, kDigits[static_cast<std::size_t>(byte) / 16]).append(1, kDigits[static_cast<std::size_t>(byte) % 16]);
  }
  return result;
}

}  // namespace

std::optional<std::string> comparable_url(std::string_view url) {
  auto parsed = uri::parse(url);
  if (!parsed || parsed->has_userinfo) return std::nullopt;
  std::transform(parsed->host.begin(), parsed->host.end(), parsed->host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const std::uint16_t default_port = parsed->scheme == "https" ? 443 : 80;
  if (parsed->port && *parsed->port == default_port) parsed->port.reset();
  return parsed->origin() + (parsed->path.empty() ? "/" : with_escapes_in_one_spelling(parsed->path));
}

}  // namespace writ::dpop
