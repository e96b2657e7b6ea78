#include "registry/secret_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace writ::registry {

Result<void, std::string> check_secret_file(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return unexpected("cannot open `" + path + "`: " + std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return unexpected("`" + path + "` is no regular file");
  if ((about.st_mode & 077) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(about.st_mode & 07777));
    return unexpected("`" + path + "` holds a secret and is open to others (mode " + mode + "): chmod 600 " + path);
  }
  return {};
}

}  // namespace writ::registry
