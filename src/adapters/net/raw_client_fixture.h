#pragma once

// Raw sockets for tests: what is sent is exactly what stands here. Blocking, with a time limit on everything.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace writ::net {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) {
    descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  explicit RawClient(const std::string& unix_path) {
    descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, unix_path.c_str(), sizeof(address.sun_path) - 1);
    connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  RawClient(RawClient&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), connected_(other.connected_), rest_(std::move(other.rest_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { close(); }

  bool is_connected() const { return connected_; }
  int descriptor() const { return descriptor_; }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  void end_output() { ::shutdown(descriptor_, SHUT_WR); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // More bytes, or empty at the end or after `limit`.
  std::string receive_some(std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    pollfd waiting{descriptor_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(limit.count())) <= 0) return "";
    std::array<char, 65536> buffer;
    const ssize_t received = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
    return received > 0 ? std::string(buffer.data(), static_cast<std::size_t>(received)) : "";
  }

  // Everything until the server closes. `closed` tells whether it did within the limit.
  std::string receive_all(std::chrono::milliseconds limit = std::chrono::seconds(10), bool* closed = nullptr) {
    std::string all = std::exchange(rest_, "");
    const auto until = std::chrono::steady_clock::now() + limit;
    if (closed) *closed = false;
    while (true) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0) return all;
      pollfd waiting{descriptor_, POLLIN, 0};
      if (::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return all;
      std::array<char, 65536> buffer;
      const ssize_t received = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
      if (received <= 0) {
        if (closed) *closed = true;
        return all;
      }
      all.append(buffer.data(), static_cast<std::size_t>(received));
    }
  }

  // Up to and including `end`; what follows stays for the next call. Empty when it does not come.
  std::string receive_until(std::string_view end, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (true) {
      const std::size_t found = rest_.find(end);
      if (found != std::string::npos) {
        std::string result = rest_.substr(0, found + end.size());
        rest_.erase(0, found + end.size());
        return result;
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      const std::string more = left.count() > 0 ? receive_some(left) : "";
      if (more.empty()) return "";
      rest_ += more;
    }
  }

  // One response with a Content-Length: head and body.
  std::string receive_response(std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    std::string head = receive_until("\r\n\r\n", limit);
    const std::size_t at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    const std::size_t length = std::stoul(head.substr(at + 16));
    while (rest_.size() < length) {
      const std::string more = receive_some(limit);
      if (more.empty()) return head + rest_;
      rest_ += more;
    }
    head += rest_.substr(0, length);
    rest_.erase(0, length);
    return head;
  }

 private:
  int descriptor_ = -1;
  bool connected_ = false;
  std::string rest_;
};

// 0 when there is no status line.
inline int status_of(std::string_view response) {
  if (response.size() < 12 || !response.starts_with("HTTP/1.1 ")) return 0;
  return (response[9] - '0') * 100 + (response[10] - '0') * 10 + (response[11] - '0');
}

}  // namespace writ::net
