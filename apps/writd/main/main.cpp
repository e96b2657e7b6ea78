// The server. People type `writ serve` and `writ demo`; `writ` executes this program for them, so that the client's start does not pay for it.

#include <CLI/CLI.hpp>

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

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int parse_code = app.exit(error);
    return parse_code == 0 ? 0 : 2;
  }
  return code;
}
