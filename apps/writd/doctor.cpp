#include "doctor.h"

#include <cstdio>

#include "adapters/net/event_loops.h"
#include "adapters/yaml/yaml.h"
#include "doctor/look.h"
#include "log.h"

namespace writ::writd {
namespace {

constexpr int kFoundSomething = 7;   // product.md: difference or failed test

void add(doctor::Report& report, const registry::Problems& problems, const char* remedy) {
  for (const auto& problem : problems) report.add({problem.is_warning ? doctor::Level::warning : doctor::Level::wrong, "configuration", registry::to_string(problem), remedy});
}

std::optional<config::Config> read(const DoctorOptions& options, doctor::Report& report) {
  constexpr const char* kRemedy = "correct the configuration: until then nothing else was looked at (docs/reference/configuration.md)";
  const auto root = yaml::parse_file(options.config_file);
  if (!root) return add(report, root.error(), kRemedy), std::nullopt;
  auto config = config::read_config(*root, options.config_file, options.data_directory);
  if (!config) return add(report, config.error(), kRemedy), std::nullopt;
  report.good("configuration", "`" + options.config_file + "` is well-formed: " + config->base_url);
  return std::move(*config);
}

}  // namespace

int doctor(const DoctorOptions& options) {
  doctor::Report report;
  if (const auto config = read(options, report)) {
    config::Log quiet;
    quiet.level = config::Log::Level::error;
    set_up_log(quiet);
    const SystemClock clock;
    net::EventLoops loops(1);
    look_at_files(*config, clock.now(), report);
    look_at_certificates(*config, clock.now(), report);
    const auto server = look_for_server(*config, report);
    look_at_limits(*config, server, report);
    auto found = look_at_store(*config, server.has_value(), clock, report);
    const auto objects = look_at_objects(*config, std::move(found), loops, clock, report);
    if (objects) look_at_files(*objects, clock.now(), report);
    if (!options.offline) look_at_others(*config, objects, server.has_value(), loops, clock, report);
  }
  std::fputs((options.json ? json::write(doctor::to_json(report)) + "\n" : doctor::to_text(report)).c_str(), stdout);
  return report.has_wrong() ? kFoundSomething : 0;
}

}  // namespace writ::writd
