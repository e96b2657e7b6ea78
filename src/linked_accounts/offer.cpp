#include "linked_accounts/offer.h"

namespace writ::linked_accounts {
namespace {

json::Value time_value(Instant time) { return static_cast<std::int64_t>(time.time_since_epoch().count()); }

}  // namespace

registry::Document document_of(const Offer& offer) {
  json::Value value{{"account", registry::write(offer.of)},
                    {"user", offer.user},
                    {"email", offer.email},
                    {"agent", offer.agent},
                    {"created", time_value(offer.created)},
                    {"expires", time_value(offer.expires)},
                    {"rejected_by", offer.rejected_by},
                    {"is_over", offer.is_over}};
  return {kTable, offer.id(), offer.version, offer.expires, json::write(value)};
}

Result<Offer, Unavailable> read_offer(const registry::Document& document) {
  const auto unreadable = [] { return unexpected(Unavailable{"a stored offer of a link cannot be read"}); };
  const auto value = json::parse(document.json);
  if (!value) return unreadable();
  const json::Value* account = value->find("account");
  const auto of = account == nullptr ? Result<std::optional<registry::LinkedSubject>, registry::MalformedLinkedSubject>(std::nullopt)
                                     : registry::read_linked_subject(json::Value{{registry::kLinkedAccountClaim.data(), *account}});
  const std::string* user = value->find_string("user");
  const std::string* email = value->find_string("email");
  const std::string* agent = value->find_string("agent");
  const std::string* rejected_by = value->find_string("rejected_by");
  const std::int64_t* created = value->find_int("created");
  const std::int64_t* expires = value->find_int("expires");
  const bool* is_over = value->find_bool("is_over");
  if (!of || !*of || !user || !email || !agent || !rejected_by || !created || !expires || !is_over) return unreadable();
  Offer offer;
  offer.of = **of;
  offer.user = *user, offer.email = *email, offer.agent = *agent, offer.rejected_by = *rejected_by;
  offer.created = Instant(Milliseconds(*created)), offer.expires = Instant(Milliseconds(*expires));
  offer.is_over = *is_over;
  offer.version = document.version;
  return offer;
}

}  // namespace writ::linked_accounts
