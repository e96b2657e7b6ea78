#include "adapters/log/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/descriptor.h"

namespace writ::log {
namespace {

Unexpected<IoError> failure(const char* what, const std::string& path, int error) {
  const bool no_space = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return unexpected(IoError{no_space, std::string("cannot ") + what + " `" + path + "`: " + std::strerror(error)});
}

class SystemFile final : public File {
 public:
  SystemFile(int number, std::string path) : descriptor_(number), path_(std::move(path)) {}

  Result<void, IoError> write_at(std::uint64_t offset, std::string_view bytes) override {
    ssize_t written = 0;
    do written = ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    while (written < 0 && errno == EINTR);
    if (written < 0) return failure("write", path_, errno);
    if (static_cast<std::size_t>(written) != bytes.size()) {
      return unexpected(IoError{false, "`" + path_ + "` took " + std::to_string(written) + " of " + std::to_string(bytes.size()) + " bytes"});
    }
    return {};
  }

  Result<std::string, IoError> read_at(std::uint64_t offset, std::size_t size) const override {
    std::string bytes(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const ssize_t got = ::pread(descriptor_.get(), bytes.data() + have, size - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failure("read", path_, errno);
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }

  Result<std::uint64_t, IoError> size() const override {
    struct stat about {};
    if (::fstat(descriptor_.get(), &about) != 0) return failure("look at", path_, errno);
    return static_cast<std::uint64_t>(about.st_size);
  }
  Result<void, IoError> truncate(std::uint64_t size) override {
    if (::ftruncate(descriptor_.get(), static_cast<off_t>(size)) != 0) return failure("shorten", path_, errno);
    return {};
  }
  Result<void, IoError> sync() override {
    if (::fdatasync(descriptor_.get()) != 0) return failure("sync", path_, errno);
    return {};
  }

 private:
  Descriptor descriptor_;
  std::string path_;
};

class SystemLock final : public Files::Lock {
 public:
  explicit SystemLock(int number) : descriptor_(number) {}

 private:
  Descriptor descriptor_;
};

class SystemFiles final : public Files {
 public:
  Result<std::unique_ptr<File>, IoError> open(const std::string& path, Mode mode) override {
    const int flags = mode == Mode::read ? O_RDONLY : mode == Mode::write ? O_RDWR : O_RDWR | O_CREAT | O_TRUNC;
    const int number = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (number < 0) return failure("open", path, errno);
    return std::unique_ptr<File>(std::make_unique<SystemFile>(number, path));
  }
  Result<std::vector<std::string>, IoError> list(const std::string& directory) override {
    std::error_code failed;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator entry(directory, failed), end; !failed && entry != end; entry.increment(failed)) names.push_back(entry->path().filename());
    if (failed) return failure("list", directory, failed.value());
    std::sort(names.begin(), names.end());
    return names;
  }
  Result<void, IoError> make_directory(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failure("make", path, errno);
    return {};
  }
  Result<void, IoError> rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) != 0) return failure("rename", from, errno);
    return {};
  }
  Result<void, IoError> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failure("remove", path, errno);
    return {};
  }
  Result<void, IoError> sync_directory(const std::string& path) override {
    const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.is_open() || ::fsync(directory.get()) != 0) return failure("sync", path, errno);
    return {};
  }
  Result<std::unique_ptr<Lock>, IoError> lock(const std::string& path) override {
    const int number = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (number < 0) return failure("open", path, errno);
    auto held = std::make_unique<SystemLock>(number);
    if (::flock(number, LOCK_EX | LOCK_NB) != 0) return unexpected(IoError{false, "another process uses this log (it holds `" + path + "`)"});
    return std::unique_ptr<Lock>(std::move(held));
  }
};

}  // namespace

std::shared_ptr<Files> system_files() { return std::make_shared<SystemFiles>(); }

Result<void, IoError> replace_file(Files& files, const std::string& directory, const std::string& name, std::string_view bytes) {
  const std::string path = directory + "/" + name;
  {
    auto file = TRY(files.open(path + ".new", Files::Mode::create));
    TRY(file->write_at(0, bytes));
    TRY(file->sync());
  }
  TRY(files.rename(path + ".new", path));
  return files.sync_directory(directory);
}

Result<std::string, IoError> read_whole(Files& files, const std::string& path) {
  auto file = TRY(files.open(path, Files::Mode::read));
  const auto size = TRY(file->size());
  return file->read_at(0, size);
}

}  // namespace writ::log
