#include "upstream_stub.h"

#include <sys/epoll.h>

#include <array>
#include <cstdio>
#include <string>
#include <unordered_map>

#include "socket.h"

namespace writ::load {
namespace {

// The id as it stands in the message: a number or a string.
std::string_view id_of(std::string_view message) {
  constexpr std::string_view kId = "\"id\":";
  const std::size_t at = message.find(kId);
  if (at == std::string_view::npos) return "null";
  const std::size_t begin = at + kId.size();
  return message.substr(begin, message.find_first_of(",}", begin) - begin);
}

constexpr std::string_view kTools =
    R"({"tools":[{"name":"echo","description":"Says it back","inputSchema":{"type":"object","properties":{"text":{"type":"string"},"repo":{"type":"string"}}}}]})";
constexpr std::string_view kInitialize = R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"stub","version":"1"}})";

constexpr std::string_view kDiscover = R"({"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{"tools":{}},"serverInfo":{"name":"stub","version":"1"}})";
constexpr std::string_view kStream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kOpen = R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"open"}})";
constexpr std::string_view kSubscribed = R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}})";

std::string chunk(std::string_view event) {
  std::array<char, 16> size{};
  std::snprintf(size.data(), size.size(), "%zx", event.size());
  return std::string(size.data()) + "\r\n" + std::string(event) + "\r\n";
}

// What the client gets at once; of a stream its head, and after that nothing.
std::string answer_to(std::string_view request, std::string_view result) {
  if (request.starts_with("GET ")) return std::string(kStream) + chunk("data: " + std::string(kOpen) + "\n\n");
  if (request.find("\"subscriptions/listen\"") != std::string_view::npos) return std::string(kStream) + chunk("data: " + std::string(kSubscribed) + "\n\n");
  const auto asks = [&](std::string_view method) { return request.find(method) != std::string_view::npos; };
  const std::string_view said = asks("\"tools/list\"") ? kTools : asks("\"initialize\"") ? kInitialize : asks("\"server/discover\"") ? kDiscover : result;
  const std::string body = "{\"jsonrpc\":\"2.0\",\"id\":" + std::string(id_of(request)) + ",\"result\":" + std::string(said) + "}";
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

int serve_stub(std::uint16_t port, std::size_t answer_bytes) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 4096) != 0) return std::fprintf(stderr, "writ-load: cannot listen on %u\n", port), 1;
  const std::string text(answer_bytes > 120 ? answer_bytes - 120 : 0, 'x');
  const std::string result = "{\"content\":[{\"type\":\"text\",\"text\":\"" + text + "\"}],\"isError\":false}";

  const int events = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  epoll_ctl(events, EPOLL_CTL_ADD, listener, &event);
  std::unordered_map<int, std::string> received;
  std::array<epoll_event, 128> ready;
  std::array<char, 65536> buffer;
  while (true) {
    const int count = epoll_wait(events, ready.data(), ready.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int descriptor = ready[static_cast<std::size_t>(i)].data.fd;
      if (descriptor == listener) {
        event.data.fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (event.data.fd < 0) continue;
        send_at_once(event.data.fd);
        epoll_ctl(events, EPOLL_CTL_ADD, event.data.fd, &event);
        continue;
      }
      const ssize_t got = recv(descriptor, buffer.data(), buffer.size(), 0);
      std::string& message = received[descriptor];
      if (got <= 0) {
        close(descriptor);
        received.erase(descriptor);
        continue;
      }
      message.append(buffer.data(), static_cast<std::size_t>(got));
      while (const auto size = whole_message(message)) {
        const std::string answer = answer_to(std::string_view(message).substr(0, *size), result);
        message.erase(0, *size);
        if (send(descriptor, answer.data(), answer.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(answer.size())) break;
      }
    }
  }
}

}  // namespace writ::load
