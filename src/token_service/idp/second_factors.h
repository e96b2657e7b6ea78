#pragma once

// The second factors of people who sign in here: one authenticator app each, and recovery codes. The secret rests sealed, recovery codes as
// SHA-256; a code that was accepted is spent on disk before anybody is let in by it. Safe to share between threads.

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "crypto/seal.h"
#include "registry/documents.h"
#include "token_service/idp/sign_in_throttle.h"
#include "token_service/idp/totp.h"

namespace writ::token_service::idp {

class SecondFactors final : public registry::DocumentOwner {
 public:
  static Result<std::unique_ptr<SecondFactors>, Unavailable> open(registry::Documents& documents, crypto::SealingKey sealing_key);

  bool is_enrolled(std::string_view user_id) const;
  // `step` is that of the code by which the person proved the app; it is spent. False: somebody was quicker.
  Task<Result<bool, Unavailable>> enrol(std::string user_id, Secret secret, std::int64_t step, std::vector<std::string> recovery_digests, Instant now);

  enum class Used { totp, recovery_code, wrong, replayed, not_enrolled };
  // A six-digit code or a recovery code; what is accepted is spent.
  Task<Result<Used, Unavailable>> use(std::string user_id, std::string typed, Instant now);
  // The next time it is needed, the person enrols again. False: there was nothing.
  Task<Result<bool, Unavailable>> reset(std::string user_id);

  std::string_view table() const override;
  Result<void, Unavailable> take_over(const registry::Document& document) override;

  // Guessing needs the password first, so counting per person locks nobody out whose password is unknown: five free failures in five
  // minutes, then one attempt a minute.
  SignInThrottle& throttle() { return throttle_; }

 private:
  struct Factor {
    Secret secret;
    std::int64_t used_step = 0;
    std::vector<std::string> recovery;    // digests that are left
    Instant enrolled{};
    bool active = false;
    std::int64_t version = 0;
  };
  SecondFactors(registry::Documents& documents, crypto::SealingKey sealing_key) : documents_(documents), sealing_key_(std::move(sealing_key)) {}
  registry::Document document_of(const std::string& user_id, const Factor& factor) const;
  Result<Factor, Unavailable> read(const registry::Document& document) const;

  registry::Documents& documents_;
  crypto::SealingKey sealing_key_;
  SignInThrottle throttle_{SignInThrottleRules{5, Seconds{300}, Milliseconds{60'000}, Milliseconds{0}, 20'000, 64}};
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Factor> factors_;
};

}  // namespace writ::token_service::idp
