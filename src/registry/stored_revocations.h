#pragma once

// Revocations in memory, written through to Documents.

#include <atomic>
#include <memory>
#include <shared_mutex>
#include <unordered_map>

#include "registry/documents.h"
#include "registry/revocations.h"

namespace writ::registry {

class StoredRevocations final : public Revocations, public DocumentOwner {
 public:
  // Reads what was revoked before; `documents` outlives the object.
  static Result<std::unique_ptr<StoredRevocations>, Unavailable> open(Documents& documents);

  bool is_token_revoked(std::string_view jti) const override;
  // Of a name with a moment, `name@seconds`, also when `name` was ended until then or later.
  bool is_session_ended(std::string_view sid) const override;
  Task<Result<void, Unavailable>> revoke_token(std::string jti, Instant forget_after) override;
  Task<Result<void, Unavailable>> end_session(std::string sid, Instant forget_after) override;
  // Ends what is called `name@seconds` with a moment up to this one; what begins later is another session. An earlier moment changes nothing.
  // Precondition: no `@` in the name.
  Task<Result<void, Unavailable>> end_sessions_until(std::string name, std::int64_t seconds, Instant forget_after);
  std::uint64_t epoch() const override { return epoch_.load(std::memory_order_acquire); }
  Instant restored() const override { return restored_; }
  // What a restore leaves in the documents before the next start.
  static Document restoration(Instant restored);

  std::string_view table() const override;
  Result<void, Unavailable> take_over(const Document& document) override;

  // Drops what can no longer matter from memory.
  void forget_expired(Instant now);

 private:
  explicit StoredRevocations(Documents& documents) : documents_(documents) {}
  struct Entry {
    Instant forget_after{};
    std::int64_t version = 0;
  };
  Document remember(const std::string& key, Instant forget_after);
  Task<Result<void, Unavailable>> revoke(std::string key, Instant forget_after);
  bool has(const char* kind, std::string_view id) const;
  bool is_ended_until(std::string_view name_and_moment) const;

  Documents& documents_;
  mutable std::shared_mutex mutex_;
  struct EndedUntil {
    std::int64_t seconds = 0, version = 0;
    Instant forget_after{};
  };
  Document remember_until(const std::string& name, std::int64_t seconds, Instant forget_after);
  std::unordered_map<std::string, Entry> revoked_;           // by kind ":" id
  std::unordered_map<std::string, EndedUntil> ended_until_;  // by name
  std::atomic<std::uint64_t> epoch_{1};
  Instant restored_{};
};

}  // namespace writ::registry
