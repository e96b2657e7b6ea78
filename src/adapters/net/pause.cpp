#include "adapters/net/pause.h"

#include "adapters/net/loop.h"

namespace writ::net {

Task<void> pause(std::chrono::milliseconds duration) {
  boost::asio::steady_timer timer(Loop::current()->context(), duration);
  co_await suspend_until<bool>([&timer](std::function<void(bool)> resume) {
    timer.async_wait([resume](const boost::system::error_code&) { resume(true); });
  });
}

}  // namespace writ::net
