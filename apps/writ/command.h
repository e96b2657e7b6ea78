#pragma once

// What every command shares: exit codes, --json, and how a failure is told.

// CLI11 costs seconds in every file that includes it, so only main.cpp does: it declares the words and options, the commands are functions.

#include <cstdint>
#include <optional>
#include <string>

#include "encoding/json.h"

namespace writ::cli {

enum class Exit { done = 0, failed = 1, usage = 2, denied = 3, sign_in_needed = 4, difference = 7 };

// The settings of one run. A command sets `exit`.
struct Run {
  bool json = false;      // --json: one JSON document (or one a line) on standard output, nothing else
  Exit exit = Exit::done;
};

// Prints a sentence for a person, or {"error": …} with --json; to standard error. Sets run.exit.
void fail(Run& run, Exit exit, const std::string& sentence, json::Value more = nullptr);
void print_json(const json::Value& value);
void print_line(const std::string& line);

// ---- the commands, one file each

struct LoginOptions {
  std::string issuer, client_id = "writ-cli", device_name;
  bool no_browser = false;
  bool device = false;   // the code is typed on another device (RFC 8628)
  // A better sign-in for what asked for it (RFC 9470); the device keeps the key that it has.
  std::string acr_values;
  std::optional<std::int64_t> max_age_seconds;
};
std::string default_device_name();
void login(const LoginOptions& options, Run& run);
void logout(Run& run);
void whoami(Run& run);
void servers(Run& run);
struct OwnAccountOptions {
  bool allowed = false;      // the person's own account where the server knows nothing of the enterprise
  std::string client_id, client_issuer, client_secret_file;   // registered by hand at one authorization server
  std::string client_metadata;                                // URL of a client ID metadata document
};
struct ConnectOptions {
  std::string url;
  OwnAccountOptions own_account;
  std::string dpop = "when-required";   // when the key of this process is proved: when-required, always, never
  bool no_browser = false;   // when a better sign-in is needed: say which command to run instead of opening the browser
};
void connect(const ConnectOptions& options, Run& run);
struct ApprovalsOptions;   // admin/approvals_command.h
void approvals(const ApprovalsOptions& options, Run& run);

}  // namespace writ::cli
