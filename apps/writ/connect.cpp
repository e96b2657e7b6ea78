// writ connect URL: a bridge for hosts that speak MCP on stdio. Standard output carries messages alone.

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "adapters/net/pause.h"
#include "bridge/bridge.h"
#include "client_world.h"
#include "encoding/uri.h"
#include "own_account.h"

namespace writ::cli {

namespace {

// A host that was started by a service or over a plain shell has no screen to open a page on.
bool has_browser() {
  for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}) {
    if (const char* value = std::getenv(name); value && *value) return true;
  }
  return false;
}

}  // namespace

// Everything lives on the loop; lines come from a thread that blocks on standard input.
void connect(const ConnectOptions& options, Run& run) {
  const std::string& url = options.url;
  const auto parsed = uri::parse(url);
  if (!parsed || !uri::is_secure_or_loopback(*parsed)) {
    return fail(run, Exit::usage, "`" + url + "` is no https URL of an MCP server (http is for loopback only)");
  }
  auto registration = registration_settings(options.own_account);
  if (!registration) return fail(run, Exit::usage, registration.error());
  World world;
  if (!require_sign_in(world, run)) return;
  const bool may_open_browser = !options.no_browser && has_browser();
  world.person->may_open_browser(may_open_browser);

  using Use = client::Possession::Use;
  const Use use = options.dpop == "always" ? Use::always : options.dpop == "never" ? Use::never : Use::when_required;
  dpop::Prover prover;
  if (options.own_account.allowed && use != Use::never) {
    auto key = account_proof_key();
    if (!key) return fail(run, Exit::failed, key.error());
    prover = dpop::Prover(std::move(*key));
  }
  client::Possession possession(use, std::move(prover));
  client::ProvingUpstream proving(world.upstream, world.clock, possession);
  client::AccessSettings settings;
  settings.possession = &possession;
  settings.idp_issuer = world.person->login().idp_issuer;
  settings.at_idp = world.person->credentials();
  settings.device_key = world.person->credentials();
  client::Access access(world.outgoing, world.clock, *world.person, std::move(settings));
  OwnAccount own_account(world, access, std::move(*registration), possession, may_open_browser);
  client::McpHttp http(proving, options.own_account.allowed ? own_account.tokens() : access, url);
  bridge::Parts parts{http,
                      [](std::string_view line) {
                        std::fwrite(line.data(), 1, line.size(), stdout);
                        std::fputc('\n', stdout);
                        std::fflush(stdout);
                      },
                      [](std::string_view sentence) { std::fprintf(stderr, "writ connect: %.*s\n", static_cast<int>(sentence.size()), sentence.data()); },
                      [](Milliseconds duration) { return net::pause(duration); }};
  bridge::Bridge bridge(std::move(parts));
  Executor& loop = world.loops.executor(0);

  std::string line;
  while (std::getline(std::cin, line)) {
    loop.post([&bridge, line] { bridge.receive(line); });
  }
  QueueExecutor here;
  bool done = false;
  loop.post([&] {
    spawn(bridge.finish(), [&](std::exception_ptr) { here.post([&] { done = true; }); });
  });
  here.run_until([&] { return done; });
}

}  // namespace writ::cli
