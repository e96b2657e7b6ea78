#include "linked_accounts/offers.h"

#include <algorithm>
#include <tuple>

namespace writ::linked_accounts {

Result<std::unique_ptr<Offers>, Unavailable> Offers::open(registry::Documents& documents, Limits limits) {
  std::unique_ptr<Offers> offers(new Offers(documents, limits));
  for (const registry::Document& document : TRY(documents.load(kTable))) TRY(offers->take_over(document));
  return offers;
}

Result<void, Unavailable> Offers::take_over(const registry::Document& document) {
  Offer offer = TRY(read_offer(document));
  std::string id = offer.id();
  const std::lock_guard lock(mutex_);
  const auto known = offers_.find(id);
  if (known == offers_.end() || known->second.version < offer.version) offers_.insert_or_assign(std::move(id), std::move(offer));
  return {};
}

Task<Result<Offers::Made, std::variant<Offers::TooMany, Unavailable>>> Offers::make(Offer wanted, Instant now) {
  using Failure = std::variant<TooMany, Unavailable>;
  const std::string id = wanted.id();
  const auto made = std::make_shared<std::optional<Made>>();
  auto writing = registry::write_through(documents_, [this, id, wanted = std::move(wanted), now, made]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    made->reset();
    const auto known = offers_.find(id);
    // To somebody else, now that the address is somebody else's: what was asked of the one says nothing about the other.
    if (known != offers_.end() && is_open(known->second, now) && known->second.user == wanted.user && known->second.email == wanted.email) {
      *made = Made{known->second, false};
      return std::nullopt;
    }
    std::size_t of_user = 0, all = 0;
    for (const auto& [_, offer] : offers_) {
      if (!is_open(offer, now)) continue;
      ++all;
      of_user += offer.user == wanted.user && offer.rejected_by.empty();
    }
    if (of_user >= limits_.of_user_max || all >= limits_.all_max) return std::nullopt;
    Offer offer = wanted;
    offer.created = now;
    offer.expires = now + kOfferLifetime;
    offer.rejected_by.clear();
    offer.is_over = false;
    offer.version = known != offers_.end() ? known->second.version + 1 : 1;
    offers_.insert_or_assign(id, offer);
    *made = Made{offer, true};
    return document_of(offer);
  });
  const auto stored = co_await writing;
  if (!stored) {
    const std::lock_guard lock(mutex_);
    const auto now_there = offers_.find(id);
    // Not acknowledged, so it never was.
    if (*made && (*made)->is_new && now_there != offers_.end() && now_there->second.version == (*made)->offer.version) offers_.erase(now_there);
    co_return unexpected(Failure{stored.error()});
  }
  if (!*made) co_return unexpected(Failure{TooMany{}});
  co_return std::move(**made);
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
  return registry::write_through(documents_, [this, id = std::move(id), by = std::move(by), now]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = offers_.find(id);
    if (found == offers_.end() || !is_open(found->second, now)) return std::nullopt;
    // A no counts at once, whether or not it can be stored; what could not be stored is said again.
    found->second.rejected_by = by;
    found->second.expires = now + kRejectionLifetime;
    ++found->second.version;
    return document_of(found->second);
  });
}

Task<Result<void, Unavailable>> Offers::end(std::string id, Instant now) {
  return registry::write_through(documents_, [this, id = std::move(id), now]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = offers_.find(id);
    if (found == offers_.end() || !is_open(found->second, now)) return std::nullopt;
    found->second.is_over = true;
    ++found->second.version;
    return document_of(found->second);
  });
}

void Offers::forget_expired(Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(offers_, [&](const auto& entry) { return now >= entry.second.expires; });
}

}  // namespace writ::linked_accounts
