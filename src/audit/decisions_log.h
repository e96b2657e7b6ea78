#pragma once

// Where decisions become durable. A grant runs in three steps (rules §6.2): decide(request, now, snapshot) is pure, then
// `co_await commit(...)`, then render. Nothing is answered before its commit.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/record.h"
#include "base/boxed.h"
#include "base/result.h"
#include "base/task.h"

namespace writ::audit {

// Something that may be used once: an ID-JAG, a client assertion, an approval. The key is the first 24 bytes of
// SHA-256 over (use, issuer, jti), each with its length, so that no use or issuer can collide with another (C8).
struct Claim {
  enum class Use { id_jag, client_assertion, authorization_code, approval, logout_token };
  std::array<std::uint8_t, 24> key{};
  Instant forget_after{};         // exp + skew: it is remembered at least until then
};
Claim make_claim(Claim::Use use, std::string_view issuer, std::string_view jti, Instant forget_after);

// Claims whose `forget_after` lies before this may be dropped at `now`: an hour later than their time says, so that a clock that stepped forward
// and comes back has made nothing usable twice (S7).
Instant claims_forgotten_before(Instant now);

enum class Durability { power, process };   // fsync before the answer, or written and synced within 50 ms (rules §6.1)

struct Commit {
  Record record;                       // what is recorded when nothing was claimed before
  std::optional<Claim> claim;
  Boxed<Record> if_replayed;           // recorded instead when the claim was used before. Required with a claim.
  Durability durability = Durability::power;
};

struct Committed {
  bool replayed = false;
  std::uint64_t position = 0;          // of the record that was written, its name where nodes have numbers (record_name.h): denial_code(position)
};

// Safe to share between threads: of two commits that claim one key, exactly one is not replayed. `Unavailable` when it cannot know,
// which callers treat as a refusal (503). Resumes on the caller's executor.
class DecisionsLog {
 public:
  virtual ~DecisionsLog() = default;
  virtual Task<Result<Committed, Unavailable>> commit(Commit commit) = 0;
};

// Reading back, newest first, for `audit query`, `why` and the console.
struct Query {
  std::string user, agent, server, tool, effect, event, id_jag_jti, access_token_jti, text;
  std::optional<Instant> since, until;
  std::uint64_t before_position = 0;   // 0: from the newest; else the position of the last row seen (keyset paging)
  std::uint64_t after_position = 0;    // for tail: oldest first from here
  std::size_t limit = 100;
};
struct StoredRecord {
  std::uint64_t position;
  std::string json_line;
};
class AuditReader {
 public:
  virtual ~AuditReader() = default;
  virtual Task<Result<std::vector<StoredRecord>, Unavailable>> query(Query query) = 0;
  virtual Task<Result<std::optional<StoredRecord>, Unavailable>> at(std::uint64_t position) = 0;   // or a name (record_name.h)
};

}  // namespace writ::audit
