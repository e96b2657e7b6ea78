// The server. People type `writ serve`, `writ demo`, `writ backup` and `writ restore`; `writ` executes this program for them, so that the client's start does not pay for it.

#include <CLI/CLI.hpp>

#include "../backup.h"
#include "../demo.h"
#include "../serve.h"

int main(int argc, char** argv) {
  CLI::App app("writd: the Writ server");
  app.require_subcommand(1);
  int code = 0;

  writ::writd::DemoOptions demo_options;
  CLI::App* demo = app.add_subcommand("demo", "everything, in memory, with sample people, agents and servers; prints each leg");
  demo->add_option("--port", demo_options.port, "port on 127.0.0.1; 0 lets the system choose")->capture_default_str();
  demo->add_flag("--exit", demo_options.exit_after_walk, "end after the walk, with exit code 0 when every step did what it says");
  demo->callback([&] { code = writ::writd::demo(demo_options); });

  writ::writd::ServeOptions serve_options;
  CLI::App* serve = app.add_subcommand("serve", "run the roles that the configuration names");
  serve->add_option("-c,--config", serve_options.config_file, "the configuration")->capture_default_str();
  serve->add_option("--data", serve_options.data_directory, "keep everything in this folder instead of the configuration's `data`");
  serve->callback([&] { code = writ::writd::serve(serve_options); });

  writ::writd::BackupOptions backup_options;
  CLI::App* backup = app.add_subcommand("backup", "copy everything that a deployment keeps to a new folder, while it serves");
  backup->add_option("folder", backup_options.folder, "the folder to make; with --check the backup to check")->required();
  backup->add_option("-c,--config", backup_options.config_file, "the configuration")->capture_default_str();
  backup->add_option("--data", backup_options.data_directory, "the data directory instead of the configuration's `data`");
  backup->add_flag("--check", backup_options.check_only, "only compare a backup with its manifest");
  backup->add_flag("--json", backup_options.json, "one JSON object on standard output");
  backup->callback([&] { code = writ::writd::backup(backup_options); });

  writ::writd::RestoreOptions restore_options;
  CLI::App* restore = app.add_subcommand("restore", "put a backup back, into an empty data directory or database; what was issued before is refused");
  restore->add_option("folder", restore_options.folder, "the backup")->required();
  restore->add_option("-c,--config", restore_options.config_file, "the configuration")->capture_default_str();
  restore->add_option("--data", restore_options.data_directory, "the data directory instead of the configuration's `data`");
  restore->add_flag("--json", restore_options.json, "one JSON object on standard output");
  restore->callback([&] { code = writ::writd::restore(restore_options); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int parse_code = app.exit(error);
    return parse_code == 0 ? 0 : 2;
  }
  return code;
}
