#pragma once

// The decisions log of a node: the folder `audit` in the data directory.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "adapters/log/append_only_log.h"
#include "audit/decisions_log.h"
#include "base/clock.h"
#include "base/secret.h"

namespace writ::writd {

// What a log has to say, into the operator's.
void log_notice(log::Options::Level level, const std::string& sentence);

struct OpenedLog {
  std::unique_ptr<audit::DecisionsLog> owner;
  audit::DecisionsLog* log = nullptr;
  audit::AuditReader* reader = nullptr;
};
// See log::Options.
struct LogMeters {
  std::function<void(std::size_t records, std::chrono::steady_clock::duration)> on_batch{};
  std::function<void(std::chrono::steady_clock::duration)> on_sync{};
};
// `keep`: how long records are kept; 0: for ever. A `decisions.db` of an earlier version is taken over once: what was spent stays spent, and
// positions go on. `clock` outlives the log. The error is a sentence for the operator.
Result<OpenedLog, std::string> open_decisions_log(const std::string& data_directory, const std::string& node, const Secret& sealing_key, Seconds keep, const Clock& clock, const LogMeters& meters = {});

}  // namespace writ::writd
