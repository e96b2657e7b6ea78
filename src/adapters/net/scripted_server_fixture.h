#pragma once

// A server that does what a test tells it, byte by byte, and remembers what it was sent. For the clients of this project.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace writ::net {

class ScriptedServer {
 public:
  // One accepted connection.
  class Peer {
   public:
    Peer(ScriptedServer& server, int descriptor, int which) : number(which), server_(server), descriptor_(descriptor) {}
    ~Peer() { close(); }
    const int number;   // 0 for the first connection

    // One request, head and body by Content-Length; empty when the other side closed or the server stops.
    std::string receive() {
      while (true) {
        const std::size_t end = rest_.find("\r\n\r\n");
        if (end != std::string::npos) {
          std::size_t length = 0;
          const std::size_t at = rest_.find("Content-Length: ");
          if (at != std::string::npos && at < end) length = std::stoul(rest_.substr(at + 16));
          if (rest_.size() >= end + 4 + length) {
            std::string request = rest_.substr(0, end + 4 + length);
            rest_.erase(0, end + 4 + length);
            server_.remember(number, request);
            return request;
          }
        }
        if (!receive_more()) return "";
      }
    }
    bool send(std::string_view bytes) {
      while (!bytes.empty()) {
        pollfd waiting{descriptor_, POLLOUT, 0};
        if (server_.stopping_ || ::poll(&waiting, 1, 50) < 0) return false;
        if (!(waiting.revents & (POLLOUT | POLLERR | POLLHUP))) continue;
        const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      }
      return true;
    }
    // True when the other side closed within the limit.
    bool is_closed_within(std::chrono::milliseconds limit) {
      const auto until = std::chrono::steady_clock::now() + limit;
      while (std::chrono::steady_clock::now() < until && !server_.stopping_) {
        pollfd waiting{descriptor_, POLLIN, 0};
        if (::poll(&waiting, 1, 20) <= 0) continue;
        std::array<char, 4096> buffer;
        if (::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT) <= 0) return true;
      }
      return false;
    }
    void hold() {   // until the server stops or the other side closes
      while (!server_.stopping_ && !is_closed_within(std::chrono::milliseconds(100))) {
      }
    }
    void reset() {
      const linger now{1, 0};
      ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
      close();
    }
    void end_output() { ::shutdown(descriptor_, SHUT_WR); }
    void close() {
      if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    }

   private:
    bool receive_more() {
      while (!server_.stopping_) {
        pollfd waiting{descriptor_, POLLIN, 0};
        if (::poll(&waiting, 1, 20) <= 0) continue;
        std::array<char, 65536> buffer;
        const ssize_t received = ::recv(descriptor_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (received <= 0) return false;
        rest_.append(buffer.data(), static_cast<std::size_t>(received));
        return true;
      }
      return false;
    }
    ScriptedServer& server_;
    int descriptor_;
    std::string rest_;
  };

  explicit ScriptedServer(std::function<void(Peer&)> script) : script_(std::move(script)) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ::bind(listening_, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(listening_, 64);
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept(); });
  }
  ~ScriptedServer() {
    stopping_ = true;
    accepting_.join();
    for (std::thread& thread : serving_) thread.join();
    ::close(listening_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  int connections() const { return connections_; }
  // (connection, request) in the order of arrival.
  std::vector<std::pair<int, std::string>> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void accept() {
    while (!stopping_) {
      pollfd waiting{listening_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int accepted = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted < 0) continue;
      serving_.emplace_back([this, accepted, number = connections_++] {
        Peer peer(*this, accepted, number);
        script_(peer);
      });
    }
  }
  void remember(int connection, const std::string& request) {
    const std::lock_guard lock(mutex_);
    requests_.emplace_back(connection, request);
  }

  std::function<void(Peer&)> script_;
  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::vector<std::pair<int, std::string>> requests_;
  std::vector<std::thread> serving_;   // the accepting thread's own until it has ended
  std::thread accepting_;
};

}  // namespace writ::net
