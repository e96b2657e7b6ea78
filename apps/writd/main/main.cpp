// The server. People type `writ serve`, `writ demo`, `writ backup`, `writ restore`, `writ doctor` and `writ init`; `writ` executes this program for them, so that the client's start does not pay for it.

#include <CLI/CLI.hpp>
#ifdef WRIT_MIMALLOC
#include <mimalloc.h>
#endif

#include "../../server_words/server_words.h"
#include "../backup.h"
#include "../demo.h"
#include "../doctor.h"
#include "../init.h"
#include "../serve.h"

namespace {

// What a large answer leaves free goes back to the system after a millisecond, not after 25: half of what one stream makes the process grow by.
void give_memory_back_soon() {
#ifdef WRIT_MIMALLOC
  mi_option_set(mi_option_decommit_delay, 1);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  give_memory_back_soon();
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
