#pragma once

// Plain sockets on loopback, and the little of HTTP/1.1 that prepared requests need.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace writ::load {

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline void send_at_once(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// The bytes of the first whole message in `received`, head and body; absent while it is not whole. Bodies have a length or are chunked.
inline std::optional<std::size_t> whole_message(std::string_view received) {
  const std::size_t head = received.find("\r\n\r\n");
  if (head == std::string_view::npos) return std::nullopt;
  const std::size_t body = head + 4;
  std::size_t length = 0;
  bool chunked = false;
  for (std::size_t at = received.find("\r\n") + 2; at < head + 2;) {
    const std::size_t end = received.find("\r\n", at);
    const std::string_view line = received.substr(at, end - at);
    constexpr std::string_view kLength = "content-length:", kEncoding = "transfer-encoding: chunked";
    if (line.size() > kLength.size() && strncasecmp(line.data(), kLength.data(), kLength.size()) == 0) {
      const std::size_t digits = line.find_first_of("0123456789");
      if (digits != std::string_view::npos) std::from_chars(line.data() + digits, line.data() + line.size(), length);
    }
    chunked = chunked || (line.size() == kEncoding.size() && strncasecmp(line.data(), kEncoding.data(), kEncoding.size()) == 0);
    at = end + 2;
  }
  if (!chunked) return received.size() >= body + length ? std::optional(body + length) : std::nullopt;
  for (std::size_t at = body;;) {
    const std::size_t end = received.find("\r\n", at);
    if (end == std::string_view::npos) return std::nullopt;
    std::size_t size = 0;
    std::from_chars(received.data() + at, received.data() + end, size, 16);
    const std::size_t next = end + 2 + size + 2;
    if (received.size() < next) return std::nullopt;
    if (size == 0) return next;
    at = next;
  }
}

}  // namespace writ::load
