#pragma once

// For tests only: a small log on a simulated disk, and what a client remembers of it.

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "adapters/log/append_only_log.h"
#include "adapters/log/simulated_disk_fixture.h"
#include "base/task.h"

namespace writ::log::test {

class FixedClock final : public Clock {
 public:
  Instant now() const override { return Instant{Milliseconds{milliseconds.load()}}; }
  std::atomic<std::int64_t> milliseconds{1'795'000'000'000};
};

inline const jose::SigningKey& audit_key() {
  static const jose::SigningKey key{"audit-1", crypto::Algorithm::es256, crypto::PrivateKey::generate(crypto::Algorithm::es256)};
  return key;
}

inline Options small_log(std::shared_ptr<Files> files) {
  Options options{.directory = "/audit", .node = "n1", .key = audit_key()};
  options.files = std::move(files);
  options.segment_bytes = 4'000;
  options.journal_bytes = 64 + 8 * 32;   // eight claims
  options.room_bytes = 2'000;
  options.sync_within = Milliseconds{1};
  return options;
}

inline audit::Commit record(const std::string& reason, audit::Durability durability = audit::Durability::power) {
  audit::Commit commit;
  commit.record.event = audit::Event::access_token;
  commit.record.effect = audit::Effect::allow;
  commit.record.reason = reason;
  commit.record.time = Instant{Milliseconds{1'795'000'000'000}};
  commit.durability = durability;
  return commit;
}
inline audit::Commit claiming(const std::string& jti, const std::string& reason) {
  audit::Commit commit = record(reason);
  commit.claim = audit::make_claim(audit::Claim::Use::id_jag, "https://idp.example", jti, Instant{Milliseconds{1'795'000'330'000}});
  commit.if_replayed = commit.record;
  commit.if_replayed->effect = audit::Effect::deny;
  commit.if_replayed->reason = "replayed";
  return commit;
}

inline std::string all_lines(AppendOnlyLog& log) {
  audit::Query query;
  query.limit = 100'000;
  const auto rows = run(log.query(query));
  std::string lines;
  if (rows) {
    for (const auto& row : *rows) lines += row.json_line + "\n";
  }
  return lines;
}

inline std::size_t count_of(const std::string& text, const std::string& wanted) {
  std::size_t count = 0;
  for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) ++count;
  return count;
}

}  // namespace writ::log::test
