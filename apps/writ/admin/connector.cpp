// writ connector: the OpenID Connect providers that people sign in at.

#include "commands.h"
#include "object_command.h"

namespace writ::cli::admin {

void add_connector(CLI::App& parent, Context& context) {
  add_object_command(parent, context, {registry::ObjectKind::identity_connector, "connector", "OpenID Connect providers that people sign in at", {"id", "display_name", "issuer", "domains", "match", "active"}, "id"});
}

}  // namespace writ::cli::admin
