#include "adapters/telemetry/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace writ::telemetry {
namespace {

constexpr std::span<const std::string> kNoLabels;

struct Stat {
  double virtual_bytes = 0, resident_bytes = 0, threads = 0, started_ticks = 0;
};

// /proc/self/stat: the fields behind the command's name, which may hold anything and ends with the last parenthesis.
Stat read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  Stat stat;
  const auto end = text.rfind(')');
  if (end == std::string::npos) return stat;
  std::istringstream fields(text.substr(end + 1));
  std::string field;
  for (int number = 3; fields >> field; ++number) {
    const auto value = [&field] { return std::strtod(field.c_str(), nullptr); };
    if (number == 20) stat.threads = value();
    if (number == 22) stat.started_ticks = value();
    if (number == 23) stat.virtual_bytes = value();
    if (number == 24) stat.resident_bytes = value() * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }
  return stat;
}

double open_files() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (!directory) return 0;
  double count = 0;
  while (const dirent* entry = ::readdir(directory)) count += entry->d_name[0] != '.';
  ::closedir(directory);
  return count - 1;   // the one that looks
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double start_time() {
  timespec wall{}, since_boot{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const auto seconds = [](const timespec& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9; };
  return seconds(wall) - seconds(since_boot) + read_stat().started_ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

void add_process_metrics(Registry& registry) {
  registry.poll_counter({"process_cpu_seconds_total", "Processor time that was used, in user and system mode."}, [](Samples& samples) { samples.add(kNoLabels, cpu_seconds()); });
  registry.poll_gauge({"process_resident_memory_bytes", "Memory that is in use."}, [](Samples& samples) { samples.add(kNoLabels, read_stat().resident_bytes); });
  registry.poll_gauge({"process_virtual_memory_bytes", "Address space that is in use."}, [](Samples& samples) { samples.add(kNoLabels, read_stat().virtual_bytes); });
  registry.poll_gauge({"process_open_fds", "File descriptors that are open."}, [](Samples& samples) { samples.add(kNoLabels, open_files()); });
  registry.poll_gauge({"process_max_fds", "File descriptors that may be open."}, [](Samples& samples) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    samples.add(kNoLabels, static_cast<double>(limit.rlim_cur));
  });
  registry.poll_gauge({"process_threads", "Threads that run."}, [](Samples& samples) { samples.add(kNoLabels, read_stat().threads); });
  registry.poll_gauge({"process_start_time_seconds", "When the process was started, in seconds since 1970."}, [started = start_time()](Samples& samples) { samples.add(kNoLabels, started); });
}

void add_disk_metrics(Registry& registry, std::string path) {
  registry.poll_gauge({"writ_data_directory_free_bytes", "Space that is left for the data directory."}, [path = std::move(path)](Samples& samples) {
    struct statvfs space {};
    if (!path.empty() && ::statvfs(path.c_str(), &space) == 0) samples.add(kNoLabels, static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize));
  });
}

}  // namespace writ::telemetry
