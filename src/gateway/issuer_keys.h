#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "jose/jwk.h"
#include "jose/remote_key_set.h"

namespace writ::gateway {

// Keys of resource authorization servers, learned over HTTP from their metadata as any protected resource learns them, also when the RAS
// is in this very process. Safe to share between threads.
class IssuerKeys {
 public:
  virtual ~IssuerKeys() = default;
  // The issuer's keys, never null; they may lack `kid`. What is known is answered without waiting. A change of keys is another object: what
  // was verified with an earlier one is verified again. Resumes on the caller's executor.
  virtual Task<Result<std::shared_ptr<const jose::KeySet>, Unavailable>> find(std::string issuer, std::optional<std::string> kid, Instant now) = 0;
};

class RemoteIssuerKeys final : public IssuerKeys {
 public:
  explicit RemoteIssuerKeys(jose::RemoteKeySets& sets) : sets_(sets) {}
  Task<Result<std::shared_ptr<const jose::KeySet>, Unavailable>> find(std::string issuer, std::optional<std::string> kid, Instant now) override;

 private:
  jose::RemoteKeySets& sets_;
};

}  // namespace writ::gateway
