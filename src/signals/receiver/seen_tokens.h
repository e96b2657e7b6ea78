#pragma once

// Which security event tokens were obeyed already (EN-28): a transmitter sends at least once.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "registry/documents.h"

namespace writ::signals {

// Safe to share between threads.
class SeenTokens final : public registry::DocumentOwner {
 public:
  static constexpr Seconds kKept{14 * 86'400};   // longer than anybody tries again
  static Result<std::unique_ptr<SeenTokens>, Unavailable> open(registry::Documents& documents);

  bool contains(std::string_view issuer, std::string_view jti) const;
  Task<Result<void, Unavailable>> add(std::string issuer, std::string jti, Instant now);   // durable when it completes
  void forget_expired(Instant now);

  std::string_view table() const override;
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  explicit SeenTokens(registry::Documents& documents) : documents_(documents) {}
  registry::Documents& documents_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Instant> seen_;
};

}  // namespace writ::signals
