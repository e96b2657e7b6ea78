#include "load.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iterator>
#include <vector>

#include "socket.h"

namespace writ::load {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> read_requests(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(in)), {});
  std::vector<std::string> requests;
  for (std::size_t at = 0; at + 8 <= all.size();) {
    std::size_t length = 0;
    std::from_chars(all.data() + at, all.data() + at + 8, length, 16);
    requests.push_back(all.substr(at + 8, length));
    at += 8 + length;
  }
  return requests;
}

class Run {
 public:
  Run(const Options& options, std::vector<std::string> requests) : options_(options), requests_(std::move(requests)) {}

  int run() {
    if (!open()) return 1;
    start_ = Clock::now();
    const auto until = start_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.seconds));
    while (true) {
      const auto now = Clock::now();
      const bool over = now >= until || (options_.once && next_ >= requests_.size());
      if (over && (busy_ == 0 || now >= until + std::chrono::seconds(2))) break;
      if (!over) send_what_is_due(now);
      if (!receive()) return 1;
    }
    report(std::chrono::duration<double>(last_answer_ - start_).count());
    return good_ > 0 ? 0 : 1;
  }

 private:
  struct Connection {
    int descriptor = -1;
    bool is_busy = false;
    Clock::time_point since;
    std::string received;
  };

  bool open() {
    events_ = epoll_create1(EPOLL_CLOEXEC);
    connections_.resize(options_.connections);
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      if (!connect(i)) return std::fprintf(stderr, "writ-load: cannot connect to port %u\n", options_.port), false;
      idle_.push_back(i);
    }
    return true;
  }
  bool connect(std::size_t index) {
    Connection& connection = connections_[index];
    connection.descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(options_.port);
    if (::connect(connection.descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
    send_at_once(connection.descriptor);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    return epoll_ctl(events_, EPOLL_CTL_ADD, connection.descriptor, &event) == 0;
  }

  void send_what_is_due(Clock::time_point now) {
    while (!idle_.empty() && !(options_.once && next_ >= requests_.size())) {
      Clock::time_point due = now;
      if (options_.rate > 0) {
        due = start_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(static_cast<double>(next_) / options_.rate));
        if (due > now) return;
      }
      Connection& connection = connections_[idle_.front()];
      idle_.pop_front();
      const std::string& request = requests_[next_++ % requests_.size()];
      connection.is_busy = true, connection.since = due, ++busy_;
      connection.received.clear();
      // Requests are smaller than a socket's buffer.
      if (::send(connection.descriptor, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) ++failed_sends_;
    }
  }

  bool receive() {
    std::array<epoll_event, 128> ready;
    const int count = epoll_wait(events_, ready.data(), ready.size(), options_.rate > 0 ? 0 : 50);
    std::array<char, 65536> buffer;
    for (int i = 0; i < count; ++i) {
      const std::size_t index = ready[static_cast<std::size_t>(i)].data.u64;
      Connection& connection = connections_[index];
      const ssize_t got = recv(connection.descriptor, buffer.data(), buffer.size(), 0);
      if (got <= 0) {
        // A server that ends connections after some requests is no failure of an idle one.
        if (connection.is_busy) ++lost_, --busy_, connection.is_busy = false;
        else std::erase(idle_, index);
        close(connection.descriptor);
        if (!connect(index)) return std::fprintf(stderr, "writ-load: the server is gone\n"), false;
        idle_.push_back(index);
        continue;
      }
      connection.received.append(buffer.data(), static_cast<std::size_t>(got));
      if (whole_message(connection.received)) take_answer(index);
    }
    return true;
  }

  void take_answer(std::size_t index) {
    Connection& connection = connections_[index];
    last_answer_ = Clock::now();
    if (connection.received.size() > 12 && connection.received.compare(9, 3, options_.status) == 0) {
      ++good_;
      microseconds_.push_back(std::chrono::duration<double, std::micro>(last_answer_ - connection.since).count());
    } else {
      if (bad_++ == 0) first_bad_ = connection.received.substr(0, 600);
    }
    connection.is_busy = false, --busy_;
    idle_.push_back(index);
  }

  void report(double seconds) {
    std::sort(microseconds_.begin(), microseconds_.end());
    const auto at = [&](double share) { return microseconds_.empty() ? 0.0 : microseconds_[static_cast<std::size_t>(static_cast<double>(microseconds_.size() - 1) * share)]; };
    std::printf("{\"good\":%zu,\"bad\":%zu,\"lost\":%zu,\"seconds\":%.4f,\"rate\":%.1f,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f}\n", good_, bad_,
                lost_ + failed_sends_, seconds, static_cast<double>(good_) / std::max(seconds, 1e-9), at(0.5), at(0.9), at(0.99), at(1));
    if (bad_ > 0) std::fprintf(stderr, "writ-load: the first answer without status %s:\n%s\n", options_.status.c_str(), first_bad_.c_str());
  }

  const Options& options_;
  const std::vector<std::string> requests_;
  int events_ = -1;
  std::vector<Connection> connections_;
  std::deque<std::size_t> idle_;
  std::size_t next_ = 0, busy_ = 0, good_ = 0, bad_ = 0, lost_ = 0, failed_sends_ = 0;
  Clock::time_point start_, last_answer_;
  std::vector<double> microseconds_;
  std::string first_bad_;
};

}  // namespace

int run(const Options& options) {
  auto requests = read_requests(options.requests_file);
  if (requests.empty()) return std::fprintf(stderr, "writ-load: no requests in %s\n", options.requests_file.c_str()), 2;
  return Run(options, std::move(requests)).run();
}

}  // namespace writ::load
