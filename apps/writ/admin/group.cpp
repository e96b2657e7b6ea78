// writ group: groups of users.

#include "commands.h"
#include "object_command.h"

namespace writ::cli::admin {

void add_group(CLI::App& parent, Context& context) {
  add_object_command(parent, context, {registry::ObjectKind::group, "group", "groups of users", {"id", "display_name", "parents"}, "id", false});
}

}  // namespace writ::cli::admin
