#include "private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace writ::cli {
namespace {

std::string error_text() { return std::strerror(errno); }

}  // namespace

std::string config_directory() {
  if (const char* directory = std::getenv("WRIT_CONFIG_DIR"); directory && *directory) return directory;
  if (const char* directory = std::getenv("XDG_CONFIG_HOME"); directory && *directory) return std::string(directory) + "/writ";
  const char* home = std::getenv("HOME");
  return std::string(home ? home : ".") + "/.config/writ";
}

Result<std::optional<std::string>, std::string> read_private_file(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::optional<std::string>();
    return unexpected("cannot read `" + path + "`: " + error_text());
  }
  if ((status.st_mode & 077) != 0) return unexpected("`" + path + "` is open to other users: run `chmod 600 " + path + "`, or sign in again");
  std::ifstream stream(path, std::ios::binary);
  return std::optional<std::string>(std::string((std::istreambuf_iterator<char>(stream)), {}));
}

Result<void, std::string> write_private_file(const std::string& path, const std::string& text) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return unexpected("cannot make `" + directory + "`: " + failed.message());
  ::chmod(directory.c_str(), 0700);
  const std::string temporary = path + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return unexpected("cannot write `" + temporary + "`: " + error_text());
  const bool written = ::fchmod(file, 0600) == 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  ::close(file);
  if (!written || std::rename(temporary.c_str(), path.c_str()) != 0) return unexpected("cannot write `" + path + "`: " + error_text());
  return {};
}

}  // namespace writ::cli
