#pragma once

#include "context.h"

namespace writ::cli::admin {

// All of the words below, and the options that say how the server is reached.
void add_admin_words(CLI::App& app, Context& context);

void add_apply(CLI::App& parent, Context& context);
void add_user(CLI::App& parent, Context& context);
void add_group(CLI::App& parent, Context& context);
void add_agent(CLI::App& parent, Context& context);
void add_server(CLI::App& parent, Context& context);
void add_issuer(CLI::App& parent, Context& context);
void add_connector(CLI::App& parent, Context& context);
void add_level(CLI::App& parent, Context& context);
void add_decision_point(CLI::App& parent, Context& context);
void add_policy(CLI::App& parent, Context& context);
void add_audit(CLI::App& parent, Context& context);
void add_can(CLI::App& parent, Context& context);
void add_why(CLI::App& parent, Context& context);
void add_keys(CLI::App& parent, Context& context);
void add_signals(CLI::App& parent, Context& context);
void add_review(CLI::App& parent, Context& context);
void add_account(CLI::App& parent, Context& context);

}  // namespace writ::cli::admin
