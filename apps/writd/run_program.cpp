#include "run_program.h"

#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

extern char** environ;

namespace writ::writd {

Result<void, std::string> run_program(const std::vector<std::string>& command, const std::vector<std::pair<std::string, std::string>>& environment) {
  std::vector<std::string> settings;
  for (char** entry = environ; *entry != nullptr; ++entry) settings.emplace_back(*entry);
  for (const auto& [name, value] : environment) settings.push_back(name + "=" + value);
  std::vector<char*> arguments, variables;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  for (const std::string& setting : settings) variables.push_back(const_cast<char*>(setting.c_str()));
  arguments.push_back(nullptr);
  variables.push_back(nullptr);
  pid_t child = 0;
  if (const int error = ::posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), variables.data()); error != 0) {
    return unexpected("cannot start `" + command[0] + "`: " + std::strerror(error));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return unexpected("cannot wait for `" + command[0] + "`: " + std::strerror(errno));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return unexpected("`" + command[0] + "` failed" + (WIFEXITED(status) ? " with exit code " + std::to_string(WEXITSTATUS(status)) : " (signal " + std::to_string(WTERMSIG(status)) + ")"));
}

}  // namespace writ::writd
