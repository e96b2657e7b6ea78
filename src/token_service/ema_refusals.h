#pragma once

// Whom policy refused through enterprise-managed authorization, so that the same agent does not get by interactive sign-in what it was just refused
// (rules §3.1, docs/decisions/0037). A refusal counts as long as the policy that made it is active, and for a day at most; a later yes by
// enterprise-managed authorization ends it. Kept in memory and written through, so that a restart forgets nothing.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "audit/decisions_log.h"
#include "registry/documents.h"

namespace writ::token_service {

// Safe to share between threads.
class EmaRefusals final : public registry::DocumentOwner {
 public:
  static constexpr Seconds kCounts{24 * 3600};

  // Who was refused what.
  struct About {
    std::string user, agent, server;
    friend auto operator<=>(const About&, const About&) = default;
  };

  static Result<std::unique_ptr<EmaRefusals>, Unavailable> open(registry::Documents& documents);
  bool counts(const About& about, std::string_view policy_version, Instant now) const;
  Task<Result<void, Unavailable>> note(About about, std::string policy_version, Instant now);
  Task<Result<void, Unavailable>> forget(About about, Instant now);
  void forget_expired(Instant now);

  std::string_view table() const override;
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  struct Entry {
    std::string policy_version;   // empty: taken back
    Instant ends{};
    std::int64_t version = 1;
  };
  explicit EmaRefusals(registry::Documents& documents) : documents_(documents) {}

  registry::Documents& documents_;
  mutable std::mutex mutex_;
  std::map<About, Entry> entries_;
};

// The decisions log of both token endpoints, which also notes what their two legs refused by policy, and takes it back with a yes. The answer waits for it.
class EmaRefusalsLog final : public audit::DecisionsLog {
 public:
  EmaRefusalsLog(audit::DecisionsLog& log, EmaRefusals& refusals) : log_(log), refusals_(refusals) {}
  Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) override;

 private:
  audit::DecisionsLog& log_;
  EmaRefusals& refusals_;
};

// A member of the records of the interactive grant, which are no decisions of enterprise-managed authorization.
inline constexpr std::string_view kInteractiveGrant = "interactive";

}  // namespace writ::token_service
