#include "decisions_log.h"

#include <filesystem>

#include "adapters/log/append_only_log.h"
#include "adapters/log/audit_key.h"
#include "adapters/sqlite/earlier_decisions.h"
#include "log.h"

namespace writ::writd {
namespace {

namespace fs = std::filesystem;

using Opened = Result<std::unique_ptr<log::AppendOnlyLog>, std::string>;

Opened open_in(const std::string& directory, const std::string& node, const Secret& sealing_key, Seconds keep, const Clock& clock, std::uint64_t first_position,
               std::vector<log::SpentClaim> spent_before, const LogMeters& meters = {}) {
  const auto files = log::system_files();
  if (const auto made = files->make_directory(directory); !made) return unexpected(made.error().detail);
  auto key = TRY(log::open_audit_key(directory, crypto::SealingKey(sealing_key)));
  log::Options options{.directory = directory, .node = node, .key = std::move(key), .keep = keep, .first_position = first_position, .spent_before = std::move(spent_before), .notice = log_notice};
  options.on_batch = meters.on_batch;
  options.on_sync = meters.on_sync;
  return log::AppendOnlyLog::open(std::move(options), clock);
}

// Made beside its place and moved there when it is whole: a crash in between begins anew.
Result<void, std::string> take_over(const std::string& data_directory, const std::string& node, const Secret& sealing_key, const Clock& clock) {
  const std::string earlier_path = data_directory + "/decisions.db", unfinished = data_directory + "/audit.new";
  auto earlier = sqlite::read_earlier_decisions(earlier_path);
  if (!earlier) return unexpected("cannot read the spent claims of `" + earlier_path + "`: " + earlier.error().detail);
  std::vector<log::SpentClaim> spent;
  for (const audit::Claim& claim : earlier->spent) spent.push_back({claim.key, log::forget_after_seconds(claim.forget_after)});
  std::error_code failed;
  fs::remove_all(unfinished, failed);
  {
    const auto opened = open_in(unfinished, node, sealing_key, Seconds{0}, clock, earlier->newest_position + 1, std::move(spent));
    if (!opened) return unexpected(opened.error());
  }
  const auto files = log::system_files();
  auto moved = files->rename(unfinished, data_directory + "/audit");
  if (moved) moved = files->sync_directory(data_directory);
  if (!moved) return unexpected(moved.error().detail);
  log_info("decisions are kept in `" + data_directory + "/audit` from now on: " + std::to_string(earlier->spent.size()) + " spent claims were taken over from `" + earlier_path +
           "`; its records, up to position " + std::to_string(earlier->newest_position) + ", stay there and are not searched any more");
  return {};
}

}  // namespace

void log_notice(log::Options::Level level, const std::string& sentence) {
  switch (level) {
    case log::Options::Level::info: return log_info(sentence);
    case log::Options::Level::warning: return log_warning(sentence);
    case log::Options::Level::error: return log_error(sentence);
  }
}

Result<OpenedLog, std::string> open_decisions_log(const std::string& data_directory, const std::string& node, const Secret& sealing_key, Seconds keep, const Clock& clock, const LogMeters& meters) {
  if (!fs::exists(data_directory + "/audit") && fs::exists(data_directory + "/decisions.db")) TRY(take_over(data_directory, node, sealing_key, clock));
  auto opened = open_in(data_directory + "/audit", node, sealing_key, keep, clock, 1, {}, meters);
  if (!opened) return unexpected("cannot open the decisions log: " + opened.error());
  OpenedLog result;
  result.log = opened->get();
  result.reader = opened->get();
  result.owner = std::move(*opened);
  return result;
}

}  // namespace writ::writd
