#pragma once

// The offered links, in memory and written through to Documents. Safe to share between threads; tasks resume on the caller's executor.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/task.h"
#include "linked_accounts/offer.h"

namespace writ::linked_accounts {

struct Limits {
  std::size_t of_user_max = 10;      // an issuer that invents subjects must not bury a person under questions
  std::size_t all_max = 10'000;
};

class Offers final : public registry::DocumentOwner {
 public:
  // Reads those that were made before; `documents` outlives the object.
  static Result<std::unique_ptr<Offers>, Unavailable> open(registry::Documents& documents, Limits limits = {});

  struct TooMany {};
  struct Made {
    Offer offer;
    bool is_new = false;
  };
  // The open offer of this subject to this person, or a new one. One that was rejected stays until it expires. Durable when it completes.
  Task<Result<Made, std::variant<TooMany, Unavailable>>> make(Offer wanted, Instant now);

  std::optional<Offer> find(const std::string& id, Instant now) const;
  std::vector<Offer> list(Instant now) const;   // oldest first
  Task<Result<void, Unavailable>> reject(std::string id, std::string by, Instant now);
  Task<Result<void, Unavailable>> end(std::string id, Instant now);   // it became a link, or counts no more; so does a rejection
  void forget_expired(Instant now);

  std::string_view table() const override { return kTable; }
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  Offers(registry::Documents& documents, Limits limits) : documents_(documents), limits_(limits) {}
  static bool is_open(const Offer& offer, Instant now) { return !offer.is_over && now < offer.expires; }

  registry::Documents& documents_;
  Limits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Offer> offers_;   // by id
};

}  // namespace writ::linked_accounts
