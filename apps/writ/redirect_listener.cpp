#include "redirect_listener.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "encoding/uri.h"

extern char** environ;

namespace writ::cli {
namespace {

constexpr auto kWaitForBrowser = std::chrono::minutes{5};

constexpr const char* kDonePage =
    "<!doctype html><meta charset=\"utf-8\"><title>Signed in</title><body style=\"font-family:system-ui;margin:4rem auto;max-width:32rem\">"
    "<h1>You can close this page</h1><p>The command line goes on by itself.</p>";

}  // namespace

void open_browser(const std::string& url) {
  const auto parsed = uri::parse(url);
  if (!parsed || !uri::is_secure_or_loopback(*parsed)) return;
  std::string opener = "xdg-open", argument = url;
  char* const arguments[] = {opener.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  if (posix_spawnp(&child, opener.c_str(), &actions, nullptr, arguments, environ) == 0) waitpid(child, nullptr, 0);
  posix_spawn_file_actions_destroy(&actions);
}

Result<std::string, std::string> RedirectListener::listen() {
  net::Listener listener;
  listener.handler = [this](const http::Request& request) { return answer(request); };
  const auto port = server_.listen(std::move(listener));
  if (!port) return unexpected(port.error());
  return "http://127.0.0.1:" + std::to_string(*port) + "/callback";
}

std::optional<std::string> RedirectListener::wait() {
  std::thread timer([this] {
    std::unique_lock lock(mutex_);
    if (!stopped_.wait_for(lock, kWaitForBrowser, [this] { return stop_; })) here_.post([this] { timed_out_ = true; });
  });
  here_.run_until([this] { return query_.has_value() || timed_out_; });
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    stopped_.notify_one();
  }
  timer.join();
  server_.drain(std::chrono::milliseconds(500));
  return query_;
}

Task<http::Response> RedirectListener::answer(const http::Request& request) {
  if (request.path != "/callback" || request.method != "GET") co_return http::text(404, "not here");
  std::string query = request.query;
  here_.post([this, query] {
    if (!query_) query_ = query;
  });
  http::Response page = http::text(200, kDonePage);
  page.headers.set("Content-Type", "text/html; charset=utf-8");
  page.headers.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  page.headers.set("Referrer-Policy", "no-referrer");
  co_return page;
}

}  // namespace writ::cli
