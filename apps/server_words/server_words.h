#pragma once

// The words that `writ` hands to the program `writd`: their options, declared once. `writ` shows them (help, completion) and hands them on; `writd` does them.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config/first_files.h"

namespace CLI {
class App;
}

namespace writ::writd {

struct DemoOptions {
  std::uint16_t port = 8420;   // 0: the system chooses
  bool exit_after_walk = false;
};
struct ServeOptions {
  std::string config_file = "writ.yaml";
  std::string data_directory;   // instead of the file's `data`
};
struct BackupOptions {
  std::string config_file = "writ.yaml", data_directory;
  std::string folder;        // the backup; must not exist yet
  bool check_only = false;   // an existing backup is compared with its manifest, nothing else
  bool json = false;
};
struct RestoreOptions {
  std::string config_file = "writ.yaml", data_directory;
  std::string folder;
  bool json = false;
};

struct DoctorOptions {
  std::string config_file = "writ.yaml", data_directory;
  bool offline = false;      // nobody outside of this machine is asked
  bool json = false;
};

struct InitOptions {
  std::string folder = ".";
  config::FirstAnswers answers;
  std::vector<std::string> servers;   // ID=URL
  bool no_input = false, json = false;
};

struct ServerWords {
  std::function<int(const DemoOptions&)> demo;
  std::function<int(const ServeOptions&)> serve;
  std::function<int(const BackupOptions&)> backup;
  std::function<int(const RestoreOptions&)> restore;
  std::function<int(const DoctorOptions&)> doctor;
  std::function<int(const InitOptions&)> init;
};
// Adds the words to `app`. Parsing one of them calls its function and puts the exit code into `code`; an empty function: nothing is called.
// Returns their names.
std::vector<std::string> add_server_words(CLI::App& app, const ServerWords& words, int& code);

}  // namespace writ::writd
