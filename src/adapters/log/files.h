#pragma once

// The file system as the log uses it: behind an interface, so that tests can fail or cut every single operation.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace writ::log {

struct IoError {
  bool no_space = false;   // the disk is full, or a limit of size or quota is reached: it may pass
  std::string detail;      // a sentence for the operator
};

// One open file. Used by one thread at a time, `read_at` apart.
class File {
 public:
  virtual ~File() = default;
  // All of it or an error. A write that was cut short is an error: regular files are never cut short unless something is wrong, and what
  // did or did not reach the disk is found out at the next start.
  virtual Result<void, IoError> write_at(std::uint64_t offset, std::string_view bytes) = 0;
  virtual Result<std::string, IoError> read_at(std::uint64_t offset, std::size_t size) const = 0;   // shorter at the end of the file
  virtual Result<std::uint64_t, IoError> size() const = 0;
  virtual Result<void, IoError> truncate(std::uint64_t size) = 0;
  virtual Result<void, IoError> sync() = 0;   // fdatasync
};

class Files {
 public:
  virtual ~Files() = default;
  enum class Mode { read, write, create };   // create: for reading and writing, emptied when it exists
  virtual Result<std::unique_ptr<File>, IoError> open(const std::string& path, Mode mode) = 0;
  virtual Result<std::vector<std::string>, IoError> list(const std::string& directory) = 0;   // names, sorted
  virtual Result<void, IoError> make_directory(const std::string& path) = 0;                  // no error when it exists
  virtual Result<void, IoError> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void, IoError> remove(const std::string& path) = 0;
  virtual Result<void, IoError> sync_directory(const std::string& path) = 0;
  // Held until destroyed. An error when another process holds it.
  class Lock {
   public:
    virtual ~Lock() = default;
  };
  virtual Result<std::unique_ptr<Lock>, IoError> lock(const std::string& path) = 0;
};

std::shared_ptr<Files> system_files();

// Writes a small file so that a crash leaves the old one or the new one, whole.
Result<void, IoError> replace_file(Files& files, const std::string& directory, const std::string& name, std::string_view bytes);
Result<std::string, IoError> read_whole(Files& files, const std::string& path);

}  // namespace writ::log
