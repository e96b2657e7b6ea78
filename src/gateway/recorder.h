#pragma once

// Writes the gateway's audit records (rules §5.2): one for each decided message before it goes anywhere, one outcome for each that was
// forwarded. Never a token or a secret, and of arguments what policies read and let a record keep.

#include <string>

#include "base/task.h"
#include "gateway/call_authorization.h"
#include "gateway/dependencies.h"
#include "gateway/exchange.h"

namespace writ::gateway {

class Recorder {
 public:
  explicit Recorder(const Dependencies& dependencies) : dependencies_(dependencies) {}

  // Who, to where; the caller adds what and why.
  static audit::Record base(const registry::Server& server, const AccessToken* token, const Caller* caller, const http::Request& request, Instant now);
  static void add(audit::Record& record, const Circumstances& circumstances, const Verdict& verdict);

  // Of a text that a client chose, as much as a record keeps: what waits to be written must not be as large as a message.
  static std::string bounded(std::string_view text);

  const Settings& settings() const { return dependencies_.settings; }

  // Durable as the setting wants it when it completes. Answers the record's position.
  Task<Result<std::uint64_t, Unavailable>> decide(audit::Record record) const;
  // Of a call that `lifted` lets through: its one use is claimed in the same step (rules §4.6). Replayed: it was used before, and the record says so.
  Task<Result<audit::Committed, Unavailable>> decide_lifted(audit::Record record, approvals::Request lifted) const;
  // Somebody asks for approval. Durable when it completes.
  Task<Result<std::uint64_t, Unavailable>> requested(approvals::Request request, Instant now) const;
  // Once for each exchange; nobody waits for it.
  void outcome(Exchange& exchange, int status, std::string_view reason) const;
  // A message of the upstream that was not passed on.
  void dropped(Exchange& exchange, std::string_view reason) const;

 private:
  static constexpr int kDroppedRecordsMax = 20;   // an upstream that talks nonsense must not fill the log
  audit::Record outcome_record(const Exchange& exchange, std::string_view reason) const;
  void write(audit::Record record) const;
  const Dependencies& dependencies_;
};

}  // namespace writ::gateway
