#pragma once

// What the commands of all kinds of objects have in common: list, show, add, edit, disable, enable, remove.

#include "admin_client.h"
#include "context.h"
#include "registry/read.h"

namespace writ::cli::admin {

struct ObjectWords {
  registry::ObjectKind kind;
  const char* word;                    // "user"
  const char* help;
  std::vector<std::string> columns;    // of `list`, by member
  const char* key_member;              // "id", "issuer"; for `add`: the member that the first argument is
  bool can_be_disabled = true;
};
// The subcommand, for more words of its own.
CLI::App* add_object_command(CLI::App& parent, Context& context, const ObjectWords& words);

// The object with this key, or the user with this name; says so and sets the exit code when there is none.
std::optional<json::Value> find_object(Context& context, const AdminClient& client, registry::ObjectKind kind, const std::string& key);
// Replaces the version that was read.
bool put_object(Context& context, const AdminClient& client, registry::ObjectKind kind, const json::Value& object, bool lock_me_out);

}  // namespace writ::cli::admin
