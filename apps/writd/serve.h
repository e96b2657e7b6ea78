#pragma once

#include <string>

namespace writ::writd {

struct ServeOptions {
  std::string config_file = "writ.yaml";
  std::string data_directory;   // instead of the file's `data`
};
// `writ serve`: runs the roles that the file names until it is told to stop. The process's exit code: 2 when the configuration is wrong (nothing
// was started), 1 when something else could not be had.
int serve(const ServeOptions& options);

}  // namespace writ::writd
