#include "commands.h"

namespace writ::cli::admin {

void add_admin_words(CLI::App& app, Context& context) {
  app.add_option("--socket", context.socket, "the server's local administration socket")->envname("WRIT_SOCKET");
  app.add_option("--server", context.server, "base URL of an admin listener, instead of the socket")->envname("WRIT_SERVER");
  app.add_option("--token-file", context.token_file, "file with an API token for --server (mode 0600)")->envname("WRIT_TOKEN_FILE");
  app.add_option("--ca-file", context.ca_file, "PEM file with the certificate authority of --server")->envname("WRIT_CA_FILE");
  for (const AddCommand add : {add_apply, add_user, add_group, add_agent, add_server, add_issuer, add_connector, add_level, add_decision_point, add_policy, add_audit, add_can, add_why, add_keys, add_signals, add_review, add_account}) add(app, context);
}

}  // namespace writ::cli::admin
