// The command that people type. Server words are handed to the program `writd` beside this one, so that the client's start does not pay for
// the server.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "../server_words/server_words.h"
#include "admin/approvals_command.h"
#include "admin/commands.h"
#include "command.h"
#include "completion.h"
#include "words_of.h"

namespace {

using namespace writ::cli;

// `argv` from the word on; `json` when --json stood before it.
int exec_server(char** argv, bool json) {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const std::string server = (failed ? std::filesystem::path("writd") : self.parent_path() / "writd").string();
  std::vector<char*> arguments{const_cast<char*>("writd")};
  for (; *argv != nullptr; ++argv) arguments.push_back(*argv);
  if (json) arguments.push_back(const_cast<char*>("--json"));
  arguments.push_back(nullptr);
  execv(server.c_str(), arguments.data());
  std::fprintf(stderr, "writ: cannot start `%s`: %s\n", server.c_str(), std::strerror(errno));
  return 1;
}

void add_own_account(CLI::App& word, OwnAccountOptions& options) {
  CLI::Option* allowed = word.add_flag("--own-account", options.allowed, "if the server knows nothing of the company's identity provider: sign in there by browser, with your own account");
  word.add_option("--client-id", options.client_id, "this client as it is registered at the server's authorization server")->needs(allowed);
  word.add_option("--client-issuer", options.client_issuer, "the authorization server that --client-id is for")->needs(allowed);
  word.add_option("--client-secret-file", options.client_secret_file, "a file with the secret of --client-id, readable by you alone")->needs(allowed);
  word.add_option("--client-metadata", options.client_metadata, "the URL of a client ID metadata document that is this client")->needs(allowed);
}

// The employee's side.
void add_client_words(CLI::App& app, Run& run) {
  const auto options = std::make_shared<LoginOptions>();
  options->device_name = default_device_name();
  CLI::App* word = app.add_subcommand("login", "sign in once on this device");
  word->add_option("issuer", options->issuer, "the company's identity provider, for example https://writ.example.com/idp; with --acr-values or --max-age that of the present sign-in");
  word->add_option("--client-id", options->client_id, "the agent that this device is an instance of")->capture_default_str();
  word->add_option("--device-name", options->device_name, "how this device is called in the list of sessions")->capture_default_str();
  word->add_flag("--no-browser", options->no_browser, "only print the address");
  word->add_flag("--device", options->device, "show a code to type in a browser elsewhere: for machines without one");
  word->add_option("--acr-values", options->acr_values, "ask for a stronger sign-in: authentication contexts, the preferred one first");
  word->add_option("--max-age", options->max_age_seconds, "ask for a sign-in that is at most so many seconds old");
  word->callback([options, &run] { login(*options, run); });

  app.add_subcommand("whoami", "who is signed in on this device")->callback([&run] { whoami(run); });
  app.add_subcommand("servers", "the servers that you may reach")->callback([&run] { servers(run); });
  app.add_subcommand("logout", "end this device's sign-in")->callback([&run] { logout(run); });

  const auto bridged = std::make_shared<ConnectOptions>();
  word = app.add_subcommand("connect", "bridge a stdio MCP client to a protected server");
  word->add_option("url", bridged->url, "the server's MCP endpoint")->required();
  word->add_option("--dpop", bridged->dpop, "when access tokens are bound to a key of this process: when-required (by the server), always, never")->check(CLI::IsMember({"when-required", "always", "never"}));
  word->add_flag("--no-browser", bridged->no_browser, "never open the browser: say which command to run when a better sign-in is needed");
  add_own_account(*word, bridged->own_account);
  word->callback([bridged, &run] { connect(*bridged, run); });
}

// Held calls: as a person, or with --admin as whoever administers.
void add_approvals(CLI::App& app, Run& run, admin::Context& administration) {
  const auto options = std::make_shared<ApprovalsOptions>();
  CLI::App* command = app.add_subcommand("approvals", "calls that wait for approval");
  command->require_subcommand(1);
  command->add_flag("--admin", options->admin, "over the admin API instead of your own sign-in");
  const auto add = [&](const char* word, const char* what, bool one, bool reason) {
    CLI::App* sub = command->add_subcommand(word, what);
    if (one) sub->add_option("id", options->id, "as in apr_Zk3…")->required();
    if (reason) sub->add_option("-m,--reason", options->reason, "why; the agent of a rejected call is told");
    sub->callback([options, word, &run, &administration] {
      options->word = word;
      administration.json = run.json;
      if (options->admin) {
        admin::administer_approvals(*options, administration);
      } else {
        approvals(*options, run);
      }
    });
  };
  add("list", "what waits for you, and your own calls that wait", false, false);
  add("show", "one call, with exactly what would be sent", true, false);
  add("approve", "let this one call go, once", true, true);
  add("reject", "do not let it go", true, true);
}

void add_completion(CLI::App& app) {
  CLI::App* word = app.add_subcommand("completion", "print the script by which a shell completes these words, for example: source <(writ completion bash)");
  word->require_subcommand(1);
  for (const auto& [name, shell] : {std::pair("bash", Shell::bash), std::pair("zsh", Shell::zsh), std::pair("fish", Shell::fish)}) {
    word->add_subcommand(name, std::string("for ") + name)->callback([&app, shell = shell] { print_line(completion_script(words_of(app), shell)); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writ: who may use which MCP server, through which agent, with which tools", "writ");
  int server_code = 0;
  const auto server_words = writ::writd::add_server_words(app, {}, server_code);
  const int json_first = argc > 1 && std::string_view(argv[1]) == "--json" ? 1 : 0;
  if (argc > 1 + json_first && std::find(server_words.begin(), server_words.end(), argv[1 + json_first]) != server_words.end()) {
    return exec_server(argv + 1 + json_first, json_first == 1);
  }

  Run run;
  app.add_flag("--json", run.json, "print JSON");
  app.fallthrough();
  app.require_subcommand(1);
  app.set_version_flag("--version", "writ 0.1.0");

  add_client_words(app, run);
  admin::Context administration;
  admin::add_admin_words(app, administration);
  add_approvals(app, run, administration);
  add_completion(app);
  app.parse_complete_callback([&] { administration.json = run.json; });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
  }
  for (const auto& name : server_words) {
    if (!app.got_subcommand(name)) continue;
    std::fprintf(stderr, "writ: `%s` comes first: its options stand behind it\n", name.c_str());
    return static_cast<int>(Exit::usage);
  }
  return administration.exit_code != 0 ? administration.exit_code : static_cast<int>(run.exit);
}
