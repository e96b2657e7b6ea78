#include "token_service/resource_as/subject.h"

namespace writ::token_service::resource_as {

Result<const registry::User*, Refusal> resolve_subject(const id_jag::IdJag& id_jag, const registry::TrustedIssuer& issuer,
                                                       const registry::Snapshot& snapshot) {
  const registry::User* user = nullptr;
  switch (issuer.subject) {
    case registry::TrustedIssuer::Subject::user_id:
      // Our own IdP has one tenant. A token that speaks of another one speaks of another person with, perhaps, the same id.
      if (!id_jag.tenant.empty()) return unexpected(Refusal::tenant_not_expected);
      user = snapshot.user(id_jag.subject);
      break;
    case registry::TrustedIssuer::Subject::link:
      user = snapshot.user_by_link(id_jag.issuer, id_jag.tenant, id_jag.subject);
      break;
    case registry::TrustedIssuer::Subject::aud_sub:
      user = snapshot.user(id_jag.aud_sub);
      break;
  }
  if (user == nullptr) return unexpected(Refusal::subject_unknown);
  if (!user->active) return unexpected(Refusal::user_disabled);
  return user;
}

Result<void, Refusal> check_session(const id_jag::IdJag& id_jag, const registry::User& user, const registry::Revocations& revocations,
                                    const Settings& settings, Instant now) {
  const Seconds skew{id_jag.issuer == settings.own_idp_issuer ? 0 : settings.skew_seconds};
  if (registry::is_taken_back(from_unix_seconds(id_jag.issued_at), user, revocations, skew)) return unexpected(Refusal::issued_before_not_before);
  if (id_jag.session_expiry && *id_jag.session_expiry <= to_unix_seconds(now)) return unexpected(Refusal::session_expired);
  // Another issuer's `sid` means nothing here, even if it should be spelled like one of ours.
  const bool knows_session = !settings.own_idp_issuer.empty() && id_jag.issuer == settings.own_idp_issuer && !id_jag.sid.empty();
  if (knows_session && revocations.is_session_ended(id_jag.sid)) return unexpected(Refusal::session_ended);
  return {};
}

}  // namespace writ::token_service::resource_as
