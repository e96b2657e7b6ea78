#include "server_words.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace writ::writd {
namespace {

template <class Options>
void does(CLI::App* word, const std::shared_ptr<Options>& options, const std::function<int(const Options&)>& function, int& code) {
  word->fallthrough(false);   // they are parsed by another program, which knows nothing of what stands around them
  if (function) word->callback([options, function, &code] { code = function(*options); });
}

template <class Options>
void add_place(CLI::App* word, const std::shared_ptr<Options>& options) {
  word->add_option("-c,--config", options->config_file, "the configuration")->capture_default_str();
  word->add_option("--data", options->data_directory, "the data directory instead of the configuration's `data`");
}

void add_init(CLI::App& app, const ServerWords& words, int& code) {
  const auto init = std::make_shared<InitOptions>();
  config::FirstAnswers& answers = init->answers;
  CLI::App* word = app.add_subcommand("init", "write a first configuration; asks on a terminal for what no option says, and never overwrites a file");
  word->add_option("folder", init->folder, "where writ.yaml and the folder `deployment` are made")->capture_default_str();
  word->add_option("--base-url", answers.base_url, "what the world calls it: https://writ.example.com, or http on loopback")->capture_default_str();
  word->add_option("--organisation", answers.organisation, "shown on the sign-in page");
  word->add_option("--data", answers.data_directory, "the data directory")->capture_default_str();
  word->add_option("--listen", answers.listen, "address and port of the public listener");
  word->add_option("--certificate", answers.certificate, "PEM file of the public listener, the chain behind it");
  word->add_option("--key", answers.key, "PEM file with its key, mode 0600");
  word->add_option("--trusted-proxy", answers.trusted_proxies, "network (CIDR) of a proxy in front of it that has the certificate");
  word->add_option("--postgresql", answers.postgresql, "libpq's connection string, without a password, instead of files in the data directory");
  word->add_option("--postgresql-password-file", answers.postgresql_password_file, "libpq's .pgpass format, mode 0600");
  word->add_option("--provider", answers.provider, "issuer of the OpenID provider where people sign in");
  word->add_option("--provider-client-id", answers.provider_client_id, "this deployment's client id there");
  word->add_option("--provider-client-secret-file", answers.provider_client_secret_file, "file with its client secret, mode 0600");
  word->add_option("--provider-domain", answers.provider_domain, "e-mail domain whose people get an account at their first sign-in");
  word->add_option("--provider-group", answers.provider_group, "value of its `groups` claim that makes somebody a member of --group");
  word->add_option("--person", answers.person, "somebody who signs in here, with a password of their own");
  word->add_option("--group", answers.group, "the first group")->capture_default_str();
  word->add_option("--server", init->servers, "an MCP server as ID=URL; may be repeated");
  word->add_flag("--no-input", init->no_input, "ask nothing");
  word->add_flag("--json", init->json, "one JSON object on standard output");
  does(word, init, words.init, code);
}

}  // namespace

std::vector<std::string> add_server_words(CLI::App& app, const ServerWords& words, int& code) {
  const std::size_t before = app.get_subcommands({}).size();
  const auto demo = std::make_shared<DemoOptions>();
  CLI::App* word = app.add_subcommand("demo", "everything, in memory, with sample people, agents and servers; prints each leg");
  word->add_option("--port", demo->port, "port on 127.0.0.1; 0 lets the system choose")->capture_default_str();
  word->add_flag("--exit", demo->exit_after_walk, "end after the walk, with exit code 0 when every step did what it says");
  does(word, demo, words.demo, code);

  const auto serve = std::make_shared<ServeOptions>();
  word = app.add_subcommand("serve", "run the roles that the configuration names");
  add_place(word, serve);
  does(word, serve, words.serve, code);

  const auto backup = std::make_shared<BackupOptions>();
  word = app.add_subcommand("backup", "copy everything that a deployment keeps to a new folder, while it serves");
  word->add_option("folder", backup->folder, "the folder to make; with --check the backup to check")->required();
  add_place(word, backup);
  word->add_flag("--check", backup->check_only, "only compare a backup with its manifest");
  word->add_flag("--json", backup->json, "one JSON object on standard output");
  does(word, backup, words.backup, code);

  const auto restore = std::make_shared<RestoreOptions>();
  word = app.add_subcommand("restore", "put a backup back, into an empty data directory or database; what was issued before is refused");
  word->add_option("folder", restore->folder, "the backup")->required();
  add_place(word, restore);
  word->add_flag("--json", restore->json, "one JSON object on standard output");
  does(word, restore, words.restore, code);

  const auto doctor = std::make_shared<DoctorOptions>();
  word = app.add_subcommand("doctor", "look for what is wrong with a configuration and its deployment, whether it runs or not; changes nothing; exit code 7 when something is wrong");
  add_place(word, doctor);
  word->add_flag("--offline", doctor->offline, "ask nobody outside of this machine");
  word->add_flag("--json", doctor->json, "one JSON object on standard output");
  does(word, doctor, words.doctor, code);
  add_init(app, words, code);

  std::vector<std::string> names;
  const auto all = app.get_subcommands({});
  for (std::size_t at = before; at < all.size(); ++at) names.push_back(all[at]->get_name());
  return names;
}

}  // namespace writ::writd
