#pragma once

// A link that was offered: a trusted issuer spoke of a subject that nobody here is linked to, with an address that is one person's here. It becomes a link
// when that person says so while signed in, or an administrator does; the address alone gives nothing (RAS-41, RAS-42).

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "registry/documents.h"
#include "registry/linked_subject.h"

namespace writ::linked_accounts {

struct Offer {
  registry::LinkedSubject of;
  std::string user;             // id of the person whose address it is
  std::string email;            // as of the offer
  std::string agent;            // through which the subject came first
  Instant created{}, expires{};
  std::string rejected_by;      // who said no; empty: nobody did
  bool is_over = false;         // became a link, or was taken back
  std::int64_t version = 0;

  std::string id() const { return registry::account_id(of.issuer, of.tenant, of.subject); }
};

inline constexpr Seconds kOfferLifetime{14 * 24 * 3600};
// A no counts longer than an offer, so that asking again is no way round it.
inline constexpr Seconds kRejectionLifetime{90 * 24 * 3600};

inline constexpr const char* kTable = "link_offers";
registry::Document document_of(const Offer& offer);
Result<Offer, Unavailable> read_offer(const registry::Document& document);

}  // namespace writ::linked_accounts
