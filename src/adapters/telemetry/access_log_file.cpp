#include "adapters/telemetry/access_log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace writ::telemetry {
namespace {

constexpr std::size_t kWriteBytes = 64 << 10;
constexpr int kPatienceMs = 1'000;   // with a pipe whose reader does not read

Result<int, std::string> open_for_appending(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  if (file < 0) return unexpected("cannot open the access log `" + path + "`: " + std::strerror(errno));
  return file;
}

// Everything, or false. Standard error may be a pipe that blocks: no more is written than it has room for.
bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    pollfd waiting{file, POLLOUT, 0};
    const int ready = ::poll(&waiting, 1, kPatienceMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t written = ::write(file, text.data(), file == STDERR_FILENO ? std::min<std::size_t>(text.size(), PIPE_BUF) : text.size());
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR && errno != EAGAIN) return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<AccessLogFile>, std::string> AccessLogFile::open(std::string path, Instruments& instruments) {
  int file = STDERR_FILENO;
  if (!path.empty()) file = TRY(open_for_appending(path));
  return std::unique_ptr<AccessLogFile>(new AccessLogFile(std::move(path), file, instruments));
}

AccessLogFile::AccessLogFile(std::string path, int file, Instruments& instruments)
    : path_(std::move(path)), instruments_(instruments), file_(file), thread_([this] { run(); }) {}

AccessLogFile::~AccessLogFile() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
  if (!path_.empty()) ::close(file_);
  if (next_file_ >= 0) ::close(next_file_);
}

void AccessLogFile::write(std::string line) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() < kQueueMax) {
      queue_.push_back(std::move(line));
      if (queue_.size() > 1) return;   // the thread was woken for the first
    } else {
      instruments_.access_log_dropped.add();
      return;
    }
  }
  arrived_.notify_one();
}

Result<void, std::string> AccessLogFile::reopen() {
  if (path_.empty()) return {};
  const int file = TRY(open_for_appending(path_));
  const std::lock_guard lock(mutex_);
  if (next_file_ >= 0) ::close(next_file_);
  next_file_ = file;
  return {};
}

std::size_t AccessLogFile::write_lines(const std::vector<std::string>& lines, int file) {
  // What failed may have ended within a line.
  std::string text = std::exchange(is_within_line_, false) ? "\n" : "";
  std::size_t written = 0, held = 0;
  for (const std::string& line : lines) {
    text += line;
    text += '\n';
    ++held;
    if (text.size() < kWriteBytes && &line != &lines.back()) continue;
    if (!write_all(file, text)) {
      is_within_line_ = true;
      break;   // the rest is dropped: what follows must not wait for it
    }
    written += std::exchange(held, 0);
    text.clear();
  }
  return written;
}

void AccessLogFile::run() {
  while (true) {
    std::vector<std::string> lines;
    bool stop = false;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      lines.swap(queue_);
      stop = stopping_ && lines.empty();
      if (next_file_ >= 0) {
        ::close(file_);
        file_ = std::exchange(next_file_, -1);
      }
    }
    if (stop) return;
    const std::size_t written = write_lines(lines, file_);
    instruments_.access_log_lines.add(written);
    if (written < lines.size()) instruments_.access_log_dropped.add(lines.size() - written);
  }
}

}  // namespace writ::telemetry
