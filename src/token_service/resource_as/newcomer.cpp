#include "token_service/resource_as/newcomer.h"

#include <algorithm>

#include "encoding/uri.h"
#include "token_service/resource_as/subject.h"

namespace writ::token_service::resource_as {
namespace {

using registry::TrustedIssuer;
using registry::User;

constexpr std::size_t kNameBytesMax = 128;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && text.front() != ' ' && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), [](char letter) { return static_cast<unsigned char>(letter) >= 0x20 && letter != 0x7F; });
}

// Whoever the address belongs to decides; the issuer's word alone takes nobody over.
Result<void, Refusal> check_offer(const User& owner, const id_jag::IdJag& id_jag) {
  if (owner.kind != User::Kind::person) return unexpected(Refusal::email_of_a_service);
  if (!owner.active) return unexpected(Refusal::user_disabled);
  const auto is_elsewhere = [&](const User::Link& link) { return link.issuer == id_jag.issuer && link.tenant == id_jag.tenant; };
  if (std::any_of(owner.links.begin(), owner.links.end(), is_elsewhere)) return unexpected(Refusal::linked_to_another);
  return {};
}

// What a person without an address of this issuer's is called: the subject at the issuer's host, which no address here is taken for.
std::string name_without_email(const id_jag::IdJag& id_jag) {
  const auto issuer = uri::parse(id_jag.issuer);
  std::string name = id_jag.subject + " (" + (issuer ? issuer->host : id_jag.issuer);
  if (!id_jag.tenant.empty()) name += ", " + id_jag.tenant;
  return name + ")";
}

Result<User, Refusal> person_of(const id_jag::IdJag& id_jag, std::string_view email, const TrustedIssuer& issuer, const registry::Snapshot& snapshot) {
  // Where the company's directory says who is there, nobody else does (rules §1.4).
  const auto* connector = snapshot.identity_connector_of(id_jag.issuer);
  if (connector != nullptr && connector->scim) return unexpected(Refusal::provisioned_elsewhere);
  // The domains say whom the issuer may speak for: then it speaks for nobody else.
  if (email.empty() && !issuer.email_domains.empty()) return unexpected(Refusal::email_not_accepted);
  User user;
  user.name = email.empty() ? name_without_email(id_jag) : std::string(email);
  if (!is_name(user.name)) return unexpected(Refusal::name_not_usable);
  user.email = email;
  user.email_verified = !email.empty();
  if (!snapshot.people().with_email(email).empty()) return unexpected(Refusal::email_taken);
  if (!snapshot.people().namesakes(user.name).empty()) return unexpected(Refusal::name_taken);
  return user;
}

}  // namespace

Result<linked_accounts::Newcomer, Refusal> newcomer_of(const id_jag::IdJag& id_jag, const TrustedIssuer& issuer, const registry::Snapshot& snapshot) {
  if (!issuer.link_by_email && !issuer.just_in_time) return unexpected(Refusal::subject_unknown);
  // It named an account of ours that is not there: that is no newcomer.
  if (issuer.subject == TrustedIssuer::Subject::aud_sub && !id_jag.aud_sub.empty()) return unexpected(Refusal::subject_unknown);
  linked_accounts::Newcomer newcomer;
  newcomer.of = {id_jag.issuer, id_jag.tenant, id_jag.subject};
  newcomer.id_jag_jti = id_jag.jti;
  const std::string_view email = TRY(email_of(id_jag, issuer));
  if (issuer.link_by_email && !email.empty()) {
    const EmailOwner owner = owner_of_email(email, snapshot);
    if (owner.several) return unexpected(Refusal::email_ambiguous);
    if (owner.user != nullptr) {
      TRY(check_offer(*owner.user, id_jag));
      newcomer.offered_to = owner.user->id;
      newcomer.email = email;
      return newcomer;
    }
  }
  if (!issuer.just_in_time) return unexpected(Refusal::subject_unknown);
  newcomer.created = TRY(person_of(id_jag, email, issuer, snapshot));
  return newcomer;
}

std::optional<Refusal> refusal_of(linked_accounts::Met met) {
  switch (met) {
    case linked_accounts::Met::created: return std::nullopt;
    case linked_accounts::Met::pending: return Refusal::link_pending;
    case linked_accounts::Met::rejected: return Refusal::link_rejected;
    case linked_accounts::Met::too_many: return Refusal::too_many_links_pending;
    case linked_accounts::Met::change_refused: return Refusal::account_not_created;
  }
  return Refusal::subject_unknown;
}

}  // namespace writ::token_service::resource_as
