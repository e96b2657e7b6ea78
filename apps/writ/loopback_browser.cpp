#include "loopback_browser.h"

#include <cstdio>
#include <thread>

#include "redirect_listener.h"

namespace writ::cli {

// A world of its own, so that what waits here holds up nothing else.
struct LoopbackBrowser::Listening {
  World world;
  QueueExecutor here;
  RedirectListener listener{world, here};
};

Result<std::string, client::Failure> LoopbackBrowser::redirect_uri() {
  auto listening = std::make_shared<Listening>();
  auto uri = listening->listener.listen();
  if (!uri) return unexpected(client::Failure{client::FailureKind::configuration, "cannot listen for the browser: " + uri.error(), {}, {}, {}, {}});
  listening_ = std::move(listening);
  return std::move(*uri);
}

Task<Result<std::string, client::Failure>> LoopbackBrowser::visit(std::string url) {
  std::fprintf(stderr, "writ connect: sign in here with your own account (the page should open by itself):\n  %s\n", url.c_str());
  using Query = std::optional<std::string>;
  auto begin = [listening = std::move(listening_), opens = may_open_, url](std::function<void(Query)> resume) {
    std::thread([listening, opens, url, resume = std::move(resume), executor = Executor::current()] {
      if (opens) open_browser(url);   // it waits for the opener
      auto query = std::make_shared<Query>(listening->listener.wait());
      executor->post([resume, query] { resume(std::move(*query)); });
    }).detach();
  };
  auto waiting = suspend_until<Query>(std::move(begin));
  auto query = co_await waiting;
  if (!query) co_return unexpected(client::Failure{client::FailureKind::sign_in_needed, "nobody signed in within five minutes", {}, {}, {}, {}});
  co_return std::move(*query);
}

}  // namespace writ::cli
