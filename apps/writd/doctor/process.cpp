#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/descriptor.h"
#include "doctor/limits.h"
#include "look.h"

namespace writ::writd {
namespace {

namespace fs = std::filesystem;

// The status and the body of one answer over the local socket; 0: there was none.
std::pair<int, std::string> ask(int socket, const char* path) {
  const std::string request = std::string("GET ") + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return {0, ""};
  std::string answer;
  char piece[4096];
  for (ssize_t size = 0; answer.size() < 65'536 && (size = ::recv(socket, piece, sizeof piece, 0)) > 0;) answer.append(piece, static_cast<std::size_t>(size));
  const auto body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 ") || body == std::string::npos) return {0, ""};
  return {std::atoi(answer.c_str() + 9), answer.substr(body + 4)};
}

void try_address(const char* name, const config::Listener& listener, doctor::Report& report) {
  if (listener.address.empty() || listener.port == 0) return;
  const bool is_six = listener.address.find(':') != std::string::npos;
  const Descriptor socket(::socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (is_six) {
    auto& six = reinterpret_cast<sockaddr_in6&>(storage);
    six.sin6_family = AF_INET6, six.sin6_port = htons(listener.port), size = sizeof six;
    ::inet_pton(AF_INET6, listener.address.c_str(), &six.sin6_addr);
  } else {
    auto& four = reinterpret_cast<sockaddr_in&>(storage);
    four.sin_family = AF_INET, four.sin_port = htons(listener.port), size = sizeof four;
    ::inet_pton(AF_INET, listener.address.c_str(), &four.sin_addr);
  }
  const std::string where = std::string("the address of the ") + name + " listener, " + listener.address + " port " + std::to_string(listener.port) + ",";
  // Bound and let go; nobody can connect, because nothing listens.
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0) return report.good("listeners", where + " is free");
  switch (errno) {
    case EADDRINUSE: return report.wrong("listeners", where + " is in use by another program", "stop that, or choose another port");
    case EACCES: return report.wrong("listeners", where + " is not open to this user", "give the service CAP_NET_BIND_SERVICE (AmbientCapabilities= of its unit), or choose a port from 1024 on");
    case EADDRNOTAVAIL: return report.wrong("listeners", where + " is not one of this machine", "name an address that this machine has, or 0.0.0.0 for all");
    default: return report.wrong("listeners", where + " cannot be used: " + std::strerror(errno), "choose another one");
  }
}

// "Max open files  1024  1048576  files"
std::uint64_t limit_of(pid_t process) {
  std::ifstream limits("/proc/" + std::to_string(process) + "/limits");
  for (std::string line; std::getline(limits, line);) {
    if (!line.starts_with("Max open files")) continue;
    std::istringstream rest(line.substr(14));
    std::string soft;   // a server has raised it to the hard one
    rest >> soft;
    return soft == "unlimited" ? UINT64_MAX : std::strtoull(soft.c_str(), nullptr, 10);
  }
  return 0;
}

std::uint64_t open_files_of(pid_t process) {
  std::error_code failed;
  std::uint64_t count = 0;
  for (fs::directory_iterator entry("/proc/" + std::to_string(process) + "/fd", failed), end; !failed && entry != end; entry.increment(failed)) ++count;
  return count;
}

}  // namespace

std::optional<RunningServer> look_for_server(const config::Config& config, doctor::Report& report) {
  const std::string& path = config.admin_listener.socket;
  if (!path.empty()) {
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{5, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      ucred peer{};
      socklen_t size = sizeof peer;
      RunningServer server;
      if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) server.process = peer.pid;
      auto [status, body] = ask(socket.get(), "/readyz");
      while (!body.empty() && body.back() == '\n') body.pop_back();
      const std::string runs = "a server runs" + (server.process > 0 ? " (process " + std::to_string(server.process) + ")" : std::string());
      if (status == 200) report.good("server", runs + " and is ready");
      else if (status == 0) report.wrong("server", runs + " and does not answer on `" + path + "` within 5 s", "look into its log");
      else report.wrong("server", runs + " and is not ready: " + body, "what follows here and its log may say why");
      return server;
    }
    if (errno == EACCES) {
      report.wrong("server", "the local socket `" + path + "` is closed to this user", "run this as the user of the service");
      return std::nullopt;
    }
  }
  report.note("server", path.empty() ? "whether a server runs is not known: `admin.socket` is none" : "no server runs with this configuration: nobody answers on `" + path + "`");
  try_address("public", config.public_listener, report);
  try_address("admin", config.admin_listener, report);
  return std::nullopt;
}

void look_at_limits(const config::Config& config, const std::optional<RunningServer>& server, doctor::Report& report) {
  fs::path place = fs::absolute(config.data_directory);
  std::error_code ignored;
  while (!fs::exists(place, ignored) && place.has_relative_path()) place = place.parent_path();
  struct statvfs about {};
  if (::statvfs(place.c_str(), &about) == 0) {
    doctor::judge_space(report, place.string(), static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize, about.f_favail, about.f_files > 0);
  } else {
    report.wrong("disk", "`" + place.string() + "` cannot be looked at: " + std::strerror(errno), "run this as the user of the service");
  }
  doctor::Descriptors descriptors;
  if (server && server->process > 0) {
    descriptors.limit = limit_of(server->process);
    descriptors.in_use = open_files_of(server->process);
    if (descriptors.limit > 0) return doctor::judge_descriptors(report, "the running server", descriptors);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  descriptors.limit = limit.rlim_max == RLIM_INFINITY ? UINT64_MAX : limit.rlim_max;
  doctor::judge_descriptors(report, "a server that is started from here", descriptors);
}

}  // namespace writ::writd
