#include "demo.h"

#include <fmt/format.h>

#include <cstdio>

#include "adapters/net/pause.h"
#include "adapters/net/run_on.h"
#include "adapters/net/server.h"
#include "demo_server/server.h"
#include "demo_walk.h"
#include "demo_world.h"
#include "log.h"
#include "parts.h"
#include "signals.h"

namespace writ::writd {
namespace {

config::Config demo_config(const std::string& base) {
  config::Config config;
  config.base_url = base;
  config.organisation = "Acme (demo)";
  config.idp.issuer = base + "/idp";
  config.resource_as.issuer = base + "/ras";
  config.gateway.base = base + "/mcp";
  return config;
}

void print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

}  // namespace

int demo(const DemoOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  const Signals signals;
  config::Log quiet;
  quiet.level = config::Log::Level::warning;
  set_up_log(quiet);
  const SystemClock clock;
  net::EventLoops loops;

  // The port comes first: every URL has it in it.
  http::Router routes;
  net::ServerOptions server_options;
  server_options.log = [](std::string_view line) { log_warning(std::string(line)); };
  net::Server server(loops, std::move(server_options));
  net::Listener listener;
  listener.port = options.port;
  listener.handler = [&routes](const http::Request& request) { return routes.handle(request); };
  listener.body_bytes_max = Deployment::body_bytes_max;
  const auto port = server.listen(std::move(listener));
  if (!port) {
    std::fprintf(stderr, "writ demo: %s\n", port.error().c_str());
    return 1;
  }
  const std::string base = fmt::format("http://127.0.0.1:{}", *port);
  const DemoWorld world = make_demo_world(base);
  registry::Current registry(std::make_shared<registry::Snapshot>(world.objects, 1, world.definitions));
  policy::Current policy;
  policy.set(world.policy);
  policy::CurrentTools tools;
  tools.set(policy::ToolCatalogue::of(world.definitions));
  auto deployment = Deployment::build(demo_config(base), open_in_memory(), registry, policy, clock, loops, {&tools, nullptr});
  if (!deployment) {
    std::fprintf(stderr, "writ demo: %s\n", deployment.error().c_str());
    return 1;
  }
  demo_server::DemoServer notes({[](Milliseconds duration) { return net::pause(duration); }, Milliseconds{300}});
  routes = (*deployment)->public_routes();
  for (const char* method : {"POST", "GET", "DELETE"}) {
    routes.add(method, kDemoUpstreamPath, [&notes](const http::Request& request) { return notes.handle(request); });
  }

  const double milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
  print(fmt::format("Writ is up on {} after {:.0f} ms: identity provider, resource authorization server, gateway, and an MCP server behind it.", base, milliseconds));
  auto& parts = (*deployment)->parts();
  const bool good = net::run_on(loops, walk({parts.outgoing, clock, *parts.stores.audit_reader, world, base, print}));
  print(good ? "\nEvery step did what it says." : "\nA step went wrong; see the line with ✗.");
  if (options.exit_after_walk || !good) {
    server.drain(std::chrono::seconds(1));
    return good ? 0 : 1;
  }

  print(fmt::format("\nStill serving. Sign in by browser as alice (password: alice-password) or bob (bob-password):\n  {}/idp/sign-in\nPress Ctrl-C to stop.", base));
  for (int signal = 0; signal != SIGTERM && signal != SIGINT; signal = signals.wait(std::chrono::seconds(1))) {
    loops.executor(0).post([&deployment] { spawn((*deployment)->tick(), [](std::exception_ptr) {}); });
  }
  server.drain(std::chrono::seconds(2));
  return 0;
}

}  // namespace writ::writd
