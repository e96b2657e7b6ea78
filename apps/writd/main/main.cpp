// The server. People type `writ serve`, `writ demo`, `writ backup`, `writ restore`, `writ doctor` and `writ init`; `writ` executes this program for them, so that the client's start does not pay for it.

#include <CLI/CLI.hpp>

#include "../../server_words/server_words.h"
#include "../backup.h"
#include "../demo.h"
#include "../doctor.h"
#include "../init.h"
#include "../serve.h"

int main(int argc, char** argv) {
  CLI::App app("writd: the Writ server");
  app.require_subcommand(1);
  int code = 0;
  writ::writd::add_server_words(app, {writ::writd::demo, writ::writd::serve, writ::writd::backup, writ::writd::restore, writ::writd::doctor, writ::writd::init}, code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int parse_code = app.exit(error);
    return parse_code == 0 ? 0 : 2;
  }
  return code;
}
