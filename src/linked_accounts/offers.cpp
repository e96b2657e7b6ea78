#include "linked_accounts/offers.h"

#include <algorithm>
#include <tuple>

namespace writ::linked_accounts {

Result<std::unique_ptr<Offers>, Unavailable> Offers::open(registry::Documents& documents, Limits limits) {
  std::unique_ptr<Offers> offers(new Offers(documents, limits));
  for (const registry::Document& document : TRY(documents.load(kTable))) {
    Offer offer = TRY(read_offer(document));
    std::string id = offer.id();
    offers->offers_.emplace(std::move(id), std::move(offer));
  }
  return offers;
}

Task<Result<Offers::Made, std::variant<Offers::TooMany, Unavailable>>> Offers::make(Offer wanted, Instant now) {
  using Failure = std::variant<TooMany, Unavailable>;
  const std::string id = wanted.id();
  std::optional<Offer> before;
  Made made;
  registry::Document document;
  {
    const std::lock_guard lock(mutex_);
    const auto known = offers_.find(id);
    if (known != offers_.end()) {
      before = known->second;
      // To somebody else, now that the address is somebody else's: what was asked of the one says nothing about the other.
      if (is_open(*before, now) && before->user == wanted.user && before->email == wanted.email) {
        made.offer = *before;
        co_return made;
      }
    }
    std::size_t of_user = 0, all = 0;
    for (const auto& [_, offer] : offers_) {
      if (!is_open(offer, now)) continue;
      ++all;
      of_user += offer.user == wanted.user && offer.rejected_by.empty();
    }
    if (of_user >= limits_.of_user_max || all >= limits_.all_max) co_return unexpected(Failure{TooMany{}});
    made.is_new = true;
    made.offer = std::move(wanted);
    made.offer.created = now;
    made.offer.expires = now + kOfferLifetime;
    made.offer.rejected_by.clear();
    made.offer.is_over = false;
    made.offer.version = before ? before->version + 1 : 1;
    offers_.insert_or_assign(id, made.offer);
    document = document_of(made.offer);
  }
  const auto stored = co_await documents_.put(std::move(document));
  if (!stored) {
    const std::lock_guard lock(mutex_);
    const auto now_there = offers_.find(id);
    // Not acknowledged, so it never was.
    if (now_there != offers_.end() && now_there->second.version == made.offer.version) offers_.erase(now_there);
    co_return unexpected(Failure{stored.error()});
  }
  co_return made;
}

std::optional<Offer> Offers::find(const std::string& id, Instant now) const {
  const std::lock_guard lock(mutex_);
  const auto found = offers_.find(id);
  return found == offers_.end() || !is_open(found->second, now) ? std::nullopt : std::optional(found->second);
}

std::vector<Offer> Offers::list(Instant now) const {
  std::vector<Offer> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [_, offer] : offers_)
      if (is_open(offer, now)) all.push_back(offer);
  }
  std::sort(all.begin(), all.end(), [](const Offer& a, const Offer& b) { return std::tuple(a.created, a.id()) < std::tuple(b.created, b.id()); });
  return all;
}

Task<Result<void, Unavailable>> Offers::reject(std::string id, std::string by, Instant now) {
  registry::Document document;
  {
    const std::lock_guard lock(mutex_);
    const auto found = offers_.find(id);
    if (found == offers_.end() || !is_open(found->second, now)) co_return Result<void, Unavailable>{};
    // A no counts at once, whether or not it can be stored; what could not be stored is said again.
    found->second.rejected_by = std::move(by);
    found->second.expires = now + kRejectionLifetime;
    ++found->second.version;
    document = document_of(found->second);
  }
  const auto stored = co_await documents_.put(std::move(document));
  co_return stored;
}

Task<Result<void, Unavailable>> Offers::end(std::string id, Instant now) {
  registry::Document document;
  {
    const std::lock_guard lock(mutex_);
    const auto found = offers_.find(id);
    if (found == offers_.end() || !is_open(found->second, now)) co_return Result<void, Unavailable>{};
    found->second.is_over = true;
    ++found->second.version;
    document = document_of(found->second);
  }
  const auto stored = co_await documents_.put(std::move(document));
  co_return stored;
}

void Offers::forget_expired(Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(offers_, [&](const auto& entry) { return now >= entry.second.expires; });
}

}  // namespace writ::linked_accounts
