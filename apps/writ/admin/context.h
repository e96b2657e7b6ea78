#pragma once

// The administrator's words. A command is a file with one function that hangs itself into the tree. To add one: write add_x(), declare it
// in commands.h, name it in commands.cpp.

#include <CLI/CLI.hpp>
#include <string>

namespace writ::cli::admin {

// 0 done, 1 failed, 2 usage, 3 denied, 4 sign-in needed, 7 difference or failed test
enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kDenied = 3, kSignIn = 4, kDifference = 7 };

// What every command shares. Lives as long as the program.
struct Context {
  bool json = false;           // --json: one JSON value on standard output
  std::string socket;          // --socket, WRIT_SOCKET: the local administration socket
  std::string server;          // --server, WRIT_SERVER: base URL of an admin listener, instead of the socket
  std::string token_file;      // --token-file, WRIT_TOKEN_FILE: an API token for it; 0600
  std::string ca_file;         // --ca-file: for a server with a certificate of one's own
  int exit_code = kDone;       // what the command that ran has to say
};

// Adds the command's words under `parent`; its callback sets exit_code.
using AddCommand = void (*)(CLI::App& parent, Context& context);

}  // namespace writ::cli::admin
