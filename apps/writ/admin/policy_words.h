#pragma once

// The words below `writ policy`, one file each.

#include <optional>
#include <string>

#include "admin_client.h"
#include "context.h"

namespace writ::cli::admin {

void add_policy_versions(CLI::App& policy, Context& context);   // show, history, compare, restore
void add_policy_test(CLI::App& policy, Context& context);

// The bundle of a folder as requests have it: {name: text}. Absent: the reason is told, the exit code set.
std::optional<json::Value> read_bundle_argument(Context& context, const std::string& path);
// What an activation, or its rehearsal, has to say: warnings and the version.
void print_activation(const Answer& answer, bool activated);
// policies/prod.cedar:4:1, from the members of an answer.
std::string place_text(const json::Value& item);

}  // namespace writ::cli::admin
