#include "log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "audit/record.h"
#include "encoding/json.h"

namespace writ::writd {
namespace {

bool as_json = false;

void write(spdlog::level::level_enum level, const std::string& sentence) {
  if (!spdlog::should_log(level)) return;
  if (!as_json) {
    spdlog::log(level, "{}", sentence);
    return;
  }
  const auto name = spdlog::level::to_string_view(level);
  const json::Value line{{"time", audit::to_iso8601(SystemClock().now())}, {"level", std::string(name.data(), name.size())}, {"message", sentence}};
  spdlog::log(level, "{}", json::write(line));
}

}  // namespace

void set_up_log(const config::Log& settings) {
  auto logger = spdlog::stderr_color_mt("writd");
  spdlog::set_default_logger(logger);
  as_json = settings.format == config::Log::Format::json || (settings.format == config::Log::Format::automatic && isatty(STDERR_FILENO) == 0);
  spdlog::set_pattern(as_json ? "%v" : "%H:%M:%S %^%l%$ %v");
  switch (settings.level) {
    case config::Log::Level::debug: spdlog::set_level(spdlog::level::debug); break;
    case config::Log::Level::info: spdlog::set_level(spdlog::level::info); break;
    case config::Log::Level::warning: spdlog::set_level(spdlog::level::warn); break;
    case config::Log::Level::error: spdlog::set_level(spdlog::level::err); break;
  }
}

void log_info(const std::string& sentence) { write(spdlog::level::info, sentence); }
void log_warning(const std::string& sentence) { write(spdlog::level::warn, sentence); }
void log_error(const std::string& sentence) { write(spdlog::level::err, sentence); }

}  // namespace writ::writd
