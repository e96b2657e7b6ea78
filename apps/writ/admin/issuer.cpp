// writ issuer: issuers whose ID-JAGs are accepted.

#include "commands.h"
#include "object_command.h"

namespace writ::cli::admin {

void add_issuer(CLI::App& parent, Context& context) {
  add_object_command(parent, context, {registry::ObjectKind::trusted_issuer, "issuer", "issuers whose ID-JAGs are accepted", {"issuer", "display_name", "clients", "scope_ceiling", "replay", "active"}, "issuer"});
}

}  // namespace writ::cli::admin
