// How many requests a second the listener takes when the handler does nothing: the ceiling for everything built on it.
//
//   benchmarks/http [--loops 1] [--connections 16] [--seconds 3]
//
// The client is a closed loop of plain blocking sockets, one thread, in this process; server and client are pinned to different cores.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "adapters/net/server.h"

namespace {

using namespace writ;
using Clock = std::chrono::steady_clock;

Task<http::Response> answer(const http::Request&) { co_return http::json(200, R"({"access_token":"x","token_type":"Bearer","expires_in":300})"); }

void pin_to(unsigned core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core % std::max(1U, std::thread::hardware_concurrency()), &cores);
  sched_setaffinity(0, sizeof(cores), &cores);
}

int connect_to(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) std::abort();
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return descriptor;
}

// Of all threads but the calling one, which is the client: on a busy machine this says more than the rate.
double server_cpu_seconds() {
  const auto seconds_of = [](int who) {
    rusage usage{};
    getrusage(who, &usage);
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  };
  return seconds_of(RUSAGE_SELF) - seconds_of(RUSAGE_THREAD);
}

struct Load {
  std::uint64_t answers = 0;
  double seconds = 0;
  std::vector<std::uint32_t> microseconds;   // of each answer
};

// Every connection has one request under way; when its answer has come, the next one is sent.
Load run_load(std::uint16_t port, std::size_t connections, double seconds) {
  std::string request = "POST /token HTTP/1.1\r\nHost: localhost:" + std::to_string(port) +
                        "\r\nUser-Agent: benchmark\r\nAccept: application/json\r\nContent-Type: application/x-www-form-urlencoded\r\n";
  const std::string body = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + std::string(700, 'a');
  request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  struct Connection {
    int descriptor;
    Clock::time_point sent;
  };
  std::vector<Connection> all;
  const int events = ::epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t i = 0; i < connections; ++i) {
    all.push_back({connect_to(port), {}});
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    ::epoll_ctl(events, EPOLL_CTL_ADD, all[i].descriptor, &event);
  }
  const auto send = [&](Connection& connection) {
    connection.sent = Clock::now();
    if (::send(connection.descriptor, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) std::abort();
  };
  Load load;
  load.microseconds.reserve(4'000'000);
  for (Connection& connection : all) send(connection);
  const auto start = Clock::now();
  const auto until = start + std::chrono::duration<double>(seconds);
  std::array<epoll_event, 64> ready;
  std::array<char, 4096> buffer;
  while (Clock::now() < until) {
    const int count = ::epoll_wait(events, ready.data(), ready.size(), 100);
    for (int i = 0; i < count; ++i) {
      Connection& connection = all[ready[static_cast<std::size_t>(i)].data.u64];
      const ssize_t received = ::recv(connection.descriptor, buffer.data(), buffer.size(), 0);
      if (received < 12 || std::string_view(buffer.data(), 12) != "HTTP/1.1 200") {
        std::fprintf(stderr, "unexpected answer\n");
        std::exit(1);
      }
      ++load.answers;
      load.microseconds.push_back(static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - connection.sent).count()));
      send(connection);
    }
  }
  load.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  for (const Connection& connection : all) ::close(connection.descriptor);
  ::close(events);
  return load;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t loops = 1;
  std::size_t connections = 16;
  double seconds = 3;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--loops") loops = std::strtoul(argv[i + 1], nullptr, 10);
    if (name == "--connections") connections = std::strtoul(argv[i + 1], nullptr, 10);
    if (name == "--seconds") seconds = std::strtod(argv[i + 1], nullptr);
  }
  if (loops == 1) pin_to(0);   // the loop's thread inherits it
  net::EventLoops event_loops(loops);
  net::Server server(event_loops, {});
  net::Listener listener;
  listener.handler = answer;
  const auto port = server.listen(std::move(listener));
  if (!port) return std::fprintf(stderr, "%s\n", port.error().c_str()), 1;
  if (loops == 1) pin_to(1);
  run_load(*port, connections, 0.3);
  const double cpu_before = server_cpu_seconds();
  Load load = run_load(*port, connections, seconds);
  const double cpu = server_cpu_seconds() - cpu_before;
  std::sort(load.microseconds.begin(), load.microseconds.end());
  const auto at = [&](double share) { return load.microseconds[static_cast<std::size_t>(static_cast<double>(load.microseconds.size() - 1) * share)]; };
  const auto answers = static_cast<double>(load.answers);
  std::printf("%.0f requests/s with %zu loops, %zu connections; server CPU %.2f us a request; latency p50 %u us, p99 %u us, max %u us\n",
              answers / load.seconds, loops, connections, cpu * 1e6 / answers, at(0.5), at(0.99), at(1));
  server.drain(std::chrono::seconds(1));
  event_loops.stop();
}
