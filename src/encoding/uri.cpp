#include "encoding/uri.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace writ::uri {
namespace {

constexpr std::size_t kBytesMax = 4096;
constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_unreserved(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~'; }
char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), to_lower);
  return result;
}

// RFC 3986 pchar, and the characters of `also`. Escapes must be whole.
bool is_made_of_pchars(std::string_view text, std::string_view also) {
  constexpr std::string_view kSubDelimiters = "!$&'()*+,;=:@";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      i += 2;
    } else if (!is_unreserved(c) && kSubDelimiters.find(c) == std::string_view::npos && also.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

// Names of letters, digits, hyphen, dot and underscore only: an escaped or exotic host is read differently by different programs.
bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 255 &&
         std::all_of(host.begin(), host.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; });
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_loopback_ip(const std::string& host) {
  in_addr four{};
  if (inet_pton(AF_INET, host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  in6_addr six{};
  return inet_pton(AF_INET6, host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  if (text.empty() || text.size() > 5 || text[0] == '0' || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

bool parse_authority(std::string_view authority, Uri& uri) {
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (!is_made_of_pchars(authority.substr(0, at), "")) return false;
    uri.has_userinfo = true;
    authority.remove_prefix(at + 1);
  }
  std::string_view rest;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return false;
    uri.host = authority.substr(1, close - 1);
    if (!is_ipv6(uri.host)) return false;
    rest = authority.substr(close + 1);
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    uri.host = authority.substr(0, colon);
    if (!is_host_name(uri.host)) return false;
    rest = authority.substr(colon);
  }
  if (rest.empty()) return true;
  std::uint16_t port = 0;
  if (rest[0] != ':' || !parse_port(rest.substr(1), port)) return false;
  uri.port = port;
  return true;
}

// `.` and `..` as whole segments, escaped or not: intermediaries remove them, so two spellings would name one place.
bool has_dot_segments(std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    std::string segment = lower(path.substr(0, end));
    for (std::size_t at; (at = segment.find("%2e")) != std::string::npos;) segment.replace(at, 3, ".");
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

std::string_view without_last_slash(std::string_view path) {
  if (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

}  // namespace

std::uint16_t Uri::effective_port() const { return port ? *port : scheme == "https" ? 443 : 80; }

std::string Uri::origin() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return scheme + "://" + (is_v6 ? "[" + host + "]" : host) + (port ? ":" + std::to_string(*port) : "");
}

bool Uri::is_loopback() const { return is_loopback_ip(host) || lower(host) == "localhost"; }

std::optional<Uri> parse(std::string_view text) {
  if (text.size() > kBytesMax) return std::nullopt;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  Uri uri;
  uri.scheme = lower(text.substr(0, colon));
  if (uri.scheme != "https" && uri.scheme != "http") return std::nullopt;
  std::string_view rest = text.substr(colon + 3);

  if (const std::size_t hash = rest.find('#'); hash != std::string_view::npos) {
    uri.fragment = rest.substr(hash + 1);
    rest = rest.substr(0, hash);
    if (!is_made_of_pchars(*uri.fragment, "/?")) return std::nullopt;
  }
  if (const std::size_t mark = rest.find('?'); mark != std::string_view::npos) {
    uri.query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
    if (!is_made_of_pchars(*uri.query, "/?")) return std::nullopt;
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  uri.path = rest.substr(slash);
  if (!is_made_of_pchars(uri.path, "/")) return std::nullopt;
  if (!parse_authority(rest.substr(0, slash), uri)) return std::nullopt;
  return uri;
}

bool is_secure_or_loopback(const Uri& uri) { return uri.scheme == "https" || (uri.scheme == "http" && uri.is_loopback()); }

bool is_issuer(std::string_view text) {
  const auto uri = parse(text);
  return uri && is_secure_or_loopback(*uri) && !uri->query && !uri->fragment && !uri->has_userinfo && !has_dot_segments(uri->path);
}

bool is_resource(std::string_view text) {
  const auto uri = parse(text);
  return uri && is_secure_or_loopback(*uri) && !uri->fragment && !uri->has_userinfo && !has_dot_segments(uri->path);
}

bool redirect_matches(std::string_view registered, std::string_view requested) {
  if (registered == requested) return true;
  auto known = parse(registered);
  auto asked = parse(requested);
  if (!known || !asked) return false;
  // RFC 8252 §7.3: IP literals only. `localhost` may resolve to somebody else (§8.3).
  if (known->scheme != "http" || !is_loopback_ip(known->host)) return false;
  return asked->scheme == known->scheme && asked->host == known->host && asked->path == known->path && asked->query == known->query &&
         asked->fragment == known->fragment && !known->has_userinfo && !asked->has_userinfo;
}

std::optional<std::string> well_known(std::string_view identifier, std::string_view name) {
  const auto uri = parse(identifier);
  if (!uri || uri->fragment || uri->has_userinfo) return std::nullopt;
  // RFC 8414 §3.1 drops any terminating slash of an issuer; RFC 9728 §3.1 only the one that follows the host.
  const bool is_of_resource = name == "oauth-protected-resource";
  const std::string_view path = is_of_resource && uri->path != "/" ? std::string_view(uri->path) : without_last_slash(uri->path);
  std::string url = uri->origin() + "/.well-known/";
  url.append(name).append(path);
  if (uri->query) url.append("?").append(*uri->query);
  return url;
}

std::optional<std::string> well_known_appended(std::string_view issuer, std::string_view name) {
  const auto uri = parse(issuer);
  if (!uri || uri->fragment || uri->query || uri->has_userinfo) return std::nullopt;
  std::string url = uri->origin();
  url.append(without_last_slash(uri->path)).append("/.well-known/").append(name);
  return url;
}

std::string encode_component(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (is_unreserved(letter)) {
      encoded += letter;
    } else {
      encoded += {'%', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
    }
  }
  return encoded;
}

}  // namespace writ::uri
