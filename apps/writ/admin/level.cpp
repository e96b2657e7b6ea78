// writ level: what a sign-in may be asked to be. writ decision-point: who else is asked.

#include "commands.h"
#include "object_command.h"

namespace writ::cli::admin {

void add_level(CLI::App& parent, Context& context) {
  add_object_command(parent, context,
                     {registry::ObjectKind::authentication_level, "level", "authentication levels for step-up", {"id", "strength", "acr", "expected_amr", "max_age"}, "id", false});
}

void add_decision_point(CLI::App& parent, Context& context) {
  add_object_command(parent, context,
                     {registry::ObjectKind::decision_point, "decision-point", "external policy decision points", {"id", "url", "servers", "timeout_ms", "active"}, "id"});
}

}  // namespace writ::cli::admin
