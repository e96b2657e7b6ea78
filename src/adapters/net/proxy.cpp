#include "adapters/net/proxy.h"

#include <arpa/inet.h>

#include <array>

namespace writ::net {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kHeaderBytesMax = 1024;

std::size_t number16(std::string_view bytes) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8 | static_cast<unsigned char>(bytes[1]);
}

std::string numeric(int family, std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, bytes.data(), text.data(), text.size()) ? std::string(text.data()) : std::string();
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(trim(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// A node without its port: 192.0.2.1, 192.0.2.1:80, [2001:db8::1]:80, 2001:db8::1. Empty when it is no address (`unknown`, `_hidden`).
std::string_view node_address(std::string_view node) {
  if (node.size() >= 2 && node.front() == '"' && node.back() == '"') node = node.substr(1, node.size() - 2);
  if (node.starts_with('[')) {
    const std::size_t end = node.find(']');
    node = end == std::string_view::npos ? std::string_view() : node.substr(1, end - 1);
  } else if (const std::size_t colon = node.find(':'); colon != std::string_view::npos && node.find(':', colon + 1) == std::string_view::npos) {
    node = node.substr(0, colon);
  }
  return parse_address(node) ? node : std::string_view();
}

// The last address that is not a trusted proxy's. A node that cannot be read ends the walk: what a stranger claims to its left is not believed.
std::string_view nearest_stranger(const std::vector<std::string_view>& nodes, const std::vector<Network>& trusted) {
  std::string_view nearest;
  for (std::size_t i = nodes.size(); i-- > 0;) {
    const std::string_view address = node_address(nodes[i]);
    if (address.empty()) break;
    nearest = address;
    if (!contains(trusted, address)) break;
  }
  return nearest;
}

}  // namespace

std::optional<std::size_t> proxy_header_size(std::string_view start) {
  if (start.size() < kProxyHeaderStart || !start.starts_with(kSignature)) return std::nullopt;
  const std::size_t size = kProxyHeaderStart + number16(start.substr(14));
  return size <= kHeaderBytesMax ? std::optional(size) : std::nullopt;
}

std::optional<ProxiedClient> parse_proxy_header(std::string_view header) {
  const auto size = proxy_header_size(header);
  if (!size || *size != header.size()) return std::nullopt;
  const auto command = static_cast<unsigned char>(header[12]);
  const auto family = static_cast<unsigned char>(header[13]);
  if (command == 0x20) return ProxiedClient{};   // LOCAL
  if (command != 0x21) return std::nullopt;
  std::string_view rest = header.substr(kProxyHeaderStart);
  ProxiedClient client;
  if (family == 0x11 && rest.size() >= 12) {
    client.address = numeric(AF_INET, rest);
    rest.remove_prefix(12);
  } else if (family == 0x21 && rest.size() >= 36) {
    client.address = numeric(AF_INET6, rest);
    rest.remove_prefix(36);
  } else {
    return std::nullopt;
  }
  while (rest.size() >= 3) {   // type, length, value
    const std::size_t length = number16(rest.substr(1));
    if (rest.size() - 3 < length) return std::nullopt;
    const bool is_tls = rest[0] == 0x20 && length >= 1;
    if (is_tls) client.secure = (rest[3] & 1) != 0;
    rest.remove_prefix(3 + length);
  }
  if (!rest.empty()) return std::nullopt;
  if (!client.secure) client.secure = false;   // the proxy says nothing of TLS: there was none
  return client;
}

ProxiedClient from_x_forwarded(const http::Headers& headers, const std::vector<Network>& trusted) {
  ProxiedClient client;
  std::vector<std::string_view> nodes;
  for (const std::string_view line : headers.find_all("x-forwarded-for")) {
    for (const std::string_view node : split(line, ',')) nodes.push_back(node);
  }
  client.address = nearest_stranger(nodes, trusted);
  if (headers.count("x-forwarded-proto") > 0) {
    const std::string* protocol = headers.find_single("x-forwarded-proto");
    client.secure = protocol && http::equals_ignoring_case(*protocol, "https");   // repeated or a list: somebody's claim, not secure
  }
  return client;
}

ProxiedClient from_forwarded(const http::Headers& headers, const std::vector<Network>& trusted) {
  // Quoted strings with separators inside are not taken apart properly here, on purpose: they yield nodes that are no addresses, which ends
  // the walk at the nearest proxy.
  ProxiedClient client;
  std::vector<std::string_view> nodes;
  std::vector<std::string_view> protocols;
  for (const std::string_view line : headers.find_all("forwarded")) {
    for (const std::string_view element : split(line, ',')) {
      std::string_view node;
      std::string_view protocol;
      for (const std::string_view pair : split(element, ';')) {
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        if (http::equals_ignoring_case(pair.substr(0, equals), "for")) node = pair.substr(equals + 1);
        if (http::equals_ignoring_case(pair.substr(0, equals), "proto")) protocol = pair.substr(equals + 1);
      }
      nodes.push_back(node);
      protocols.push_back(protocol);
    }
  }
  client.address = nearest_stranger(nodes, trusted);
  if (!protocols.empty()) client.secure = http::equals_ignoring_case(protocols.back(), "https");
  return client;
}

}  // namespace writ::net
