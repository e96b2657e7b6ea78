#include "socket_request.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/descriptor.h"

namespace writ::cli::admin {
namespace {

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Everything until the other side closes, which it does because we ask it to.
bool receive_all(int socket, std::string& bytes, std::size_t bytes_max) {
  char piece[16384];
  while (true) {
    const ssize_t received = ::recv(socket, piece, sizeof piece, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return false;
    if (received == 0) return true;
    bytes.append(piece, static_cast<std::size_t>(received));
    if (bytes.size() > bytes_max) return false;
  }
}

Result<http::OutgoingResponse, std::string> read_response(std::string_view text) {
  http::OutgoingResponse response;
  const auto head_end = text.find("\r\n\r\n");
  if (head_end == std::string_view::npos || !text.starts_with("HTTP/1.1 ") || text.size() < 12) return unexpected(std::string("the server's answer is no HTTP"));
  std::from_chars(text.data() + 9, text.data() + 12, response.status);
  std::string_view head = text.substr(0, head_end);
  while (true) {
    const auto line_end = head.find("\r\n");
    if (line_end == std::string_view::npos) break;
    head.remove_prefix(line_end + 2);
    const auto line = head.substr(0, head.find("\r\n"));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    response.headers.add(std::string(line.substr(0, colon)), std::string(value));
  }
  std::string_view body = text.substr(head_end + 4);
  std::size_t length = 0;
  const std::string* stated = response.headers.find_single("Content-Length");
  if (!stated || std::from_chars(stated->data(), stated->data() + stated->size(), length).ec != std::errc{} || length != body.size()) {
    return unexpected(std::string("the server's answer was cut off"));
  }
  response.body = body;
  return response;
}

}  // namespace

Result<http::OutgoingResponse, std::string> socket_request(const std::string& path, const http::OutgoingRequest& request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return unexpected("the path of the socket is too long: `" + path + "`");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open() || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return unexpected("cannot reach the server at `" + path + "`: " + std::strerror(errno));
  }
  std::string bytes = request.method + " " + request.url + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n";
  for (const auto& [name, value] : request.headers.fields()) bytes += name + ": " + value + "\r\n";
  bytes += "\r\n" + request.body;
  std::string answer;
  if (!send_all(socket.get(), bytes) || !receive_all(socket.get(), answer, request.response_bytes_max)) {
    return unexpected("the connection to `" + path + "` broke off");
  }
  return read_response(answer);
}

}  // namespace writ::cli::admin
