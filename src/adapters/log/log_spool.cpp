#include "adapters/log/log_spool.h"

#include <cassert>

namespace writ::log {

bool LogSpool::is_there(const std::string& directory) {
  const auto files = system_files();
  return AppendOnlyLog::is_there(*files, directory);
}

Result<std::unique_ptr<LogSpool>, std::string> LogSpool::open(Options options, const Clock& clock) {
  assert(options.number != 0);
  auto told = std::make_shared<Told>();
  auto delivered = std::make_shared<std::atomic<std::uint64_t>>(0);
  options.on_disk = [told] {
    const std::lock_guard lock(told->mutex);
    if (told->callback) told->callback();
  };
  options.needed_from = [delivered] { return delivered->load() + 1; };   // at its start nobody has told it: everything
  auto log = TRY(AppendOnlyLog::open(std::move(options), clock));
  return std::unique_ptr<LogSpool>(new LogSpool(std::move(told), std::move(delivered), std::move(log)));
}

LogSpool::~LogSpool() = default;

void LogSpool::on_disk(std::function<void()> callback) {
  const std::lock_guard lock(told_->mutex);
  told_->callback = std::move(callback);
}

}  // namespace writ::log
