#pragma once

// Revocations in memory, written through to Documents.

#include <atomic>
#include <memory>
#include <shared_mutex>
#include <unordered_map>

#include "registry/documents.h"
#include "registry/revocations.h"

namespace writ::registry {

class StoredRevocations final : public Revocations {
 public:
  // Reads what was revoked before; `documents` outlives the object.
  static Result<std::unique_ptr<StoredRevocations>, Unavailable> open(Documents& documents);

  bool is_token_revoked(std::string_view jti) const override;
  bool is_session_ended(std::string_view sid) const override;
  Task<Result<void, Unavailable>> revoke_token(std::string jti, Instant forget_after) override;
  Task<Result<void, Unavailable>> end_session(std::string sid, Instant forget_after) override;
  std::uint64_t epoch() const override { return epoch_.load(std::memory_order_acquire); }
  Instant restored() const override { return restored_; }
  // What a restore leaves in the documents before the next start.
  static Document restoration(Instant restored);

  // Drops what can no longer matter from memory.
  void forget_expired(Instant now);

 private:
  explicit StoredRevocations(Documents& documents) : documents_(documents) {}
  Document remember(const char* kind, const std::string& id, Instant forget_after);
  bool has(const char* kind, std::string_view id) const;

  Documents& documents_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, Instant> revoked_;   // kind ":" id → forget after
  std::atomic<std::uint64_t> epoch_{1};
  Instant restored_{};
};

}  // namespace writ::registry
