// writ server: MCP servers.

#include "commands.h"
#include "object_command.h"

namespace writ::cli::admin {

void add_server(CLI::App& parent, Context& context) {
  add_object_command(parent, context, {registry::ObjectKind::server, "server", "MCP servers", {"id", "display_name", "resource", "resource_authorization_server", "active"}, "id"});
}

}  // namespace writ::cli::admin
