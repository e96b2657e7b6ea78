// What a commit costs: commits a second and latencies at both levels with 1, 16 and 256 in flight, and beside it what one write with one
// fdatasync costs on the same file system in the same run. Rounds alternate; the median round is printed.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "adapters/log/append_only_log.h"
#include "base/task.h"

namespace {

using namespace writ;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 3;
constexpr auto kRoundTime = std::chrono::milliseconds(1'500);

struct Figures {
  double rate = 0, p50_us = 0, p99_us = 0;
};

Figures figures_of(std::vector<double>& latencies_us, double seconds) {
  std::sort(latencies_us.begin(), latencies_us.end());
  const auto at = [&](double part) { return latencies_us.empty() ? 0 : latencies_us[static_cast<std::size_t>(part * static_cast<double>(latencies_us.size() - 1))]; };
  return {static_cast<double>(latencies_us.size()) / seconds, at(0.5), at(0.99)};
}

// A record as a redemption leaves it, some 500 bytes as a line.
audit::Commit redemption(std::uint64_t number, audit::Durability durability) {
  audit::Commit commit;
  auto& record = commit.record;
  record.event = audit::Event::access_token;
  record.effect = audit::Effect::allow;
  record.time = Instant{Milliseconds{1'795'000'000'000}};
  record.reason = "granted";
  record.user = "usr_01HZX3V9K4T7QW", record.user_name = "alice", record.agent = "cursor", record.client_id = "cursor-ras", record.server = "github";
  record.resource = "https://mcp.example.com/github", record.scope = "repo.read issues.write", record.issuer = "https://idp.example.com";
  record.session = "9e43f81b64a33f20", record.id_jag_jti = "jag-" + std::to_string(number), record.access_token_jti = "at-" + std::to_string(number);
  record.peer = "192.0.2.17", record.policy = "grant:eng-cursor-github", record.policy_version = "17";
  commit.durability = durability;
  if (durability == audit::Durability::power) {
    commit.claim = audit::make_claim(audit::Claim::Use::id_jag, record.issuer, record.id_jag_jti, Instant{Milliseconds{1'795'000'330'000}});
    commit.if_replayed = record;
  }
  return commit;
}

Task<void> one_after_the_other(log::AppendOnlyLog& log, audit::Durability durability, Clock::time_point until, std::uint64_t& number, std::vector<double>& latencies_us) {
  while (Clock::now() < until) {
    audit::Commit commit = redemption(number++, durability);
    const auto start = Clock::now();
    const auto committed = co_await log.commit(std::move(commit));
    if (!committed || committed->replayed) std::abort();
    latencies_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
}

Figures measure(log::AppendOnlyLog& log, audit::Durability durability, int in_flight, std::uint64_t& number) {
  QueueExecutor executor;
  std::vector<double> latencies;
  int running = in_flight;
  const auto start = Clock::now();
  for (int i = 0; i < in_flight; ++i) {
    executor.post([&] { spawn(one_after_the_other(log, durability, start + kRoundTime, number, latencies), [&](std::exception_ptr) { --running; }); });
  }
  executor.run_until([&] { return running == 0; });
  return figures_of(latencies, std::chrono::duration<double>(Clock::now() - start).count());
}

// One record, one write, one fdatasync, into bytes that had their place before: nothing that is durable is faster.
Figures measure_bare(const std::string& directory) {
  const std::string path = directory + "/bare";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) std::abort();
  const std::string room(64 << 20, '\0'), record(600, 'x');
  if (::pwrite(file, room.data(), room.size(), 0) != static_cast<ssize_t>(room.size()) || ::fdatasync(file) != 0) std::abort();
  std::vector<double> latencies;
  const auto start = Clock::now();
  for (off_t at = 0; Clock::now() < start + kRoundTime; at = (at + 600) % (60 << 20)) {
    const auto begin = Clock::now();
    if (::pwrite(file, record.data(), record.size(), at) != static_cast<ssize_t>(record.size()) || ::fdatasync(file) != 0) std::abort();
    latencies.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  ::close(file);
  ::unlink(path.c_str());
  return figures_of(latencies, seconds);
}

Figures median(std::vector<Figures> rounds) {
  std::sort(rounds.begin(), rounds.end(), [](const Figures& a, const Figures& b) { return a.rate < b.rate; });
  return rounds[rounds.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::string directory = std::string(argc > 1 ? argv[1] : ".") + "/log-benchmark";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  const SystemClock clock;
  log::Options options{.directory = directory + "/audit", .node = "bench", .key = {"bench", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)}};
  auto log = log::AppendOnlyLog::open(std::move(options), clock);
  if (!log) return std::fprintf(stderr, "%s\n", log.error().c_str()), 1;

  struct Row {
    const char* level;
    audit::Durability durability;
    int in_flight;
    std::vector<Figures> rounds;
  };
  std::vector<Row> rows;
  for (const int in_flight : {1, 16, 256}) rows.push_back({"power", audit::Durability::power, in_flight, {}});
  for (const int in_flight : {1, 16, 256}) rows.push_back({"process", audit::Durability::process, in_flight, {}});
  std::vector<Figures> bare;
  std::uint64_t number = 0;
  for (int round = 0; round < kRounds; ++round) {
    bare.push_back(measure_bare(directory));
    for (Row& row : rows) row.rounds.push_back(measure(**log, row.durability, row.in_flight, number));
  }
  const Figures yardstick = median(bare);
  std::printf("%-10s %9s %12s %10s %10s %22s\n", "level", "in flight", "commits/s", "p50 us", "p99 us", "x write + fdatasync");
  std::printf("%-10s %9d %12.0f %10.0f %10.0f %22.2f\n", "bare", 1, yardstick.rate, yardstick.p50_us, yardstick.p99_us, 1.0);
  for (const Row& row : rows) {
    const Figures figures = median(row.rounds);
    std::printf("%-10s %9d %12.0f %10.0f %10.0f %22.2f\n", row.level, row.in_flight, figures.rate, figures.p50_us, figures.p99_us, figures.rate / yardstick.rate);
  }
  log->reset();
  std::filesystem::remove_all(directory);
  return 0;
}
