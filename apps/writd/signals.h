#pragma once

#include <csignal>

#include <chrono>

namespace writ::writd {

// Signals as values for the main thread. Block them before the first thread starts, so that no other thread takes them.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);   // a peer that went away is an error of write(), not the end of the process
  }
  // The signal that came, or 0 when none did in time.
  int wait(std::chrono::milliseconds at_most) const {
    const timespec limit{at_most.count() / 1'000, (at_most.count() % 1'000) * 1'000'000};
    const int signal = sigtimedwait(&set_, nullptr, &limit);
    return signal > 0 ? signal : 0;
  }

 private:
  sigset_t set_{};
};

}  // namespace writ::writd
