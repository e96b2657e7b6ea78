#include "adapters/sqlite/copy_database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace writ::sqlite {
namespace {

Result<void, Failure> close_to_others_and_sync(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  const bool done = file >= 0 && ::fchmod(file, 0600) == 0 && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (!done) return unexpected(Failure{"cannot finish `" + path + "`: " + std::strerror(error)});
  return {};
}

}  // namespace

Result<void, Failure> copy_database(const std::string& from, const std::string& to) {
  std::error_code ignored;
  // Opening would make an empty one.
  if (!std::filesystem::exists(from, ignored)) return unexpected(Failure{"there is no `" + from + "`"});
  if (std::filesystem::exists(to, ignored)) return unexpected(Failure{"`" + to + "` exists already"});
  auto source = TRY(Connection::open(from));
  // One read transaction: what others commit meanwhile is not in it, and does not wait for it.
  auto copying = TRY(source.prepare("VACUUM INTO ?1"));
  TRY(copying.bind(1, to).run());
  TRY(close_to_others_and_sync(to));
  auto copy = TRY(Connection::open(to));
  auto checking = TRY(copy.prepare("PRAGMA integrity_check(1)"));
  if (!TRY(checking.step()) || checking.text(0) != "ok") return unexpected(Failure{"`" + from + "` is damaged: " + checking.text(0)});
  return {};
}

}  // namespace writ::sqlite
