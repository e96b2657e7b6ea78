#pragma once

// The access log on standard error or in a file. Lines wait in a bounded queue for a thread of their own: a disk that stands still, or a reader of the pipe
// that reads no more, costs lines (they are counted), never a request.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "telemetry/access_log.h"
#include "telemetry/instruments.h"

namespace writ::telemetry {

// Safe to share between threads.
class AccessLogFile final : public AccessLog {
 public:
  static constexpr std::size_t kQueueMax = 8'192;

  // `path` empty: standard error. The file is made with mode 0640 and appended to. The error is a sentence for the operator.
  static Result<std::unique_ptr<AccessLogFile>, std::string> open(std::string path, Instruments& instruments);
  ~AccessLogFile() override;   // writes what is queued, unless nothing can be written

  void write(std::string line) override;
  // Opens the file anew: after it was moved away (SIGHUP). What cannot be opened leaves it as it is.
  Result<void, std::string> reopen();

 private:
  AccessLogFile(std::string path, int file, Instruments& instruments);
  void run();
  std::size_t write_lines(const std::vector<std::string>& lines, int file);

  const std::string path_;
  Instruments& instruments_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::string> queue_;
  int file_;
  int next_file_ = -1;      // takes the place of `file_` before the next line
  bool stopping_ = false;
  bool is_within_line_ = false;   // touched by the thread alone
  std::thread thread_;      // the last one: it uses the others
};

}  // namespace writ::telemetry
