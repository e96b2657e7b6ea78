// writ server: MCP servers.

#include <cstdio>
#include <memory>

#include "commands.h"
#include "object_command.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

std::string words_of(const json::Value& state) {
  const std::string circuit = text_of(state, "circuit");
  if (circuit == "open") return "left alone";
  if (circuit == "half_open") return "being tried";
  const auto *failures = state.find_int("failures"), *requests = state.find_int("requests");
  if (failures && *failures > 0) return "failing";
  return requests && *requests > 0 ? "reachable" : "not asked yet";
}

// Whether the gateway reaches them. With a server: that one.
void status(Context& context, const std::string& server) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "GET", "/admin/v1/upstreams");
  if (!answer) return;
  json::Array states;
  for (const auto& state : *answer->body.find_array("items")) {
    if (server.empty() || text_of(state, "server") == server) states.push_back(state);
  }
  if (states.empty() && !server.empty()) {
    std::fprintf(stderr, "writ: no server `%s` stands behind this gateway; `writ server status` lists those that do\n", safe(server).c_str());
    context.exit_code = kFailed;
    return;
  }
  if (context.json) return print_json(json::Value{{"items", std::move(states)}});
  Table table({"server", "state", "failures", "last failure", "tried again at", "waiting", "requests", "failed", "turned away"});
  for (const auto& state : states) {
    table.add({text_of(state, "server"), words_of(state), text_of(state, "failures"), text_of(state, "last_failure"), text_of(state, "retry_at"), text_of(state, "waiting"),
               text_of(state, "requests"), text_of(state, "failed"), text_of(state, "turned_away")});
  }
  table.print();
}

}  // namespace

void add_server(CLI::App& parent, Context& context) {
  CLI::App* command = add_object_command(parent, context, {registry::ObjectKind::server, "server", "MCP servers", {"id", "display_name", "resource", "resource_authorization_server", "active"}, "id"});
  CLI::App* status_command = command->add_subcommand("status", "whether the gateway reaches the servers behind it");
  const auto server = std::make_shared<std::string>();
  status_command->add_option("server", *server, "one of them");
  status_command->callback([&context, server] { status(context, *server); });
}

}  // namespace writ::cli::admin
