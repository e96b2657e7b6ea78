#include "token_service/resource_as/subject.h"

#include <algorithm>

#include "id_jag/identity_claims.h"
#include "signals/subject_session.h"
#include "token_service/resource_as/trust.h"

namespace writ::token_service::resource_as {

bool is_of_own_idp(const id_jag::IdJag& id_jag, const Settings& settings) { return !settings.own_idp_issuer.empty() && id_jag.issuer == settings.own_idp_issuer; }

namespace {

using registry::User;
using Subject = registry::TrustedIssuer::Subject;

bool is_same_address(std::string_view a, std::string_view b) {
  const auto lower = [](char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

// Who is meant by the claims that may say so. The key of RAS-40 comes first.
Result<ResolvedSubject, Refusal> find_user(const id_jag::IdJag& id_jag, const registry::TrustedIssuer& issuer, const registry::Snapshot& snapshot) {
  if (issuer.subject == Subject::user_id) return ResolvedSubject{snapshot.user(id_jag.subject), false};
  const User* linked = snapshot.user_by_link(id_jag.issuer, id_jag.tenant, id_jag.subject);
  if (issuer.subject == Subject::link || id_jag.aud_sub.empty()) return ResolvedSubject{linked, linked != nullptr};
  // RAS-49: an account that does not exist is nobody's, not even that of whom the link names.
  const User* named = snapshot.user(id_jag.aud_sub);
  if (linked != nullptr && named != linked) return unexpected(Refusal::subject_conflict);
  return ResolvedSubject{named, linked != nullptr};
}

// Whom a subject identifier names here; null: nobody.
const User* user_named(const id_jag::SubjectName& name, const id_jag::IdJag& id_jag, const registry::Snapshot& snapshot) {
  switch (name.form) {
    case id_jag::SubjectName::Form::issuer_and_subject:
      return snapshot.user_by_link(name.issuer, name.issuer == id_jag.issuer ? std::string_view(id_jag.tenant) : std::string_view(), name.value);
    case id_jag::SubjectName::Form::opaque: return snapshot.user(name.value);
    case id_jag::SubjectName::Form::email: return nullptr;   // email_of
  }
  return nullptr;
}

// RAS-47: whoever the issuer names besides, in whatever namespace, gives no access; but if that is somebody else here, one of the two is wrong.
Result<void, Refusal> check_no_contradiction(const id_jag::IdJag& id_jag, const registry::TrustedIssuer& issuer, const registry::Snapshot& snapshot, const User& user) {
  const auto is_another = [&](const User* other) { return other != nullptr && other != &user; };
  if (!id_jag.aud_sub.empty() && is_another(snapshot.user(id_jag.aud_sub))) return unexpected(Refusal::subject_conflict);
  if (id_jag.sub_id) {
    for (const auto& name : id_jag::names_of(*id_jag.sub_id))
      if (is_another(user_named(name, id_jag, snapshot))) return unexpected(Refusal::subject_conflict);
  }
  const std::string_view email = TRY(email_of(id_jag, issuer));
  // The search is for the rare case only that the address is another than the one that is known here.
  if (!email.empty() && !is_same_address(email, user.email) && is_another(owner_of_email(email, snapshot).user)) return unexpected(Refusal::subject_conflict);
  return {};
}

}  // namespace

Result<ResolvedSubject, Refusal> resolve_subject(const id_jag::IdJag& id_jag, const registry::TrustedIssuer& issuer, const registry::Snapshot& snapshot) {
  const ResolvedSubject found = TRY(find_user(id_jag, issuer, snapshot));
  if (found.user == nullptr) return unexpected(Refusal::subject_unknown);
  const bool says_more = !id_jag.aud_sub.empty() || id_jag.sub_id || !id_jag.email.empty();
  if (says_more) TRY(check_no_contradiction(id_jag, issuer, snapshot, *found.user));
  if (!found.user->active) return unexpected(Refusal::user_disabled);
  return found;
}

EmailOwner owner_of_email(std::string_view email, const registry::Snapshot& snapshot) {
  EmailOwner owner;
  for (const User* user : snapshot.people().with_email(email)) {
    if (!user->email_verified) continue;
    if (owner.user != nullptr) return {nullptr, true};
    owner.user = user;
  }
  return owner;
}

Result<std::string_view, Refusal> email_of(const id_jag::IdJag& id_jag, const registry::TrustedIssuer& issuer) {
  std::string_view email = accepted_email(id_jag.email, issuer);
  if (!id_jag.sub_id) return email;
  for (const auto& name : id_jag::names_of(*id_jag.sub_id)) {
    if (name.form != id_jag::SubjectName::Form::email) continue;
    const std::string_view other = accepted_email(name.value, issuer);
    if (!email.empty() && !other.empty() && !is_same_address(email, other)) return unexpected(Refusal::subject_conflict);
    if (email.empty()) email = other;
  }
  return email;
}

Result<void, Refusal> check_session(const id_jag::IdJag& id_jag, const registry::User& user, const registry::Revocations& revocations,
                                    const Settings& settings, Instant now) {
  const Seconds skew{id_jag.issuer == settings.own_idp_issuer ? 0 : settings.skew_seconds};
  if (registry::is_taken_back(from_unix_seconds(id_jag.issued_at), user, revocations, skew)) return unexpected(Refusal::issued_before_not_before);
  if (id_jag.session_expiry && *id_jag.session_expiry <= to_unix_seconds(now)) return unexpected(Refusal::session_expired);
  // Another issuer's `sid` means nothing here, even if it should be spelled like one of ours.
  if (is_of_own_idp(id_jag, settings)) {
    if (!id_jag.sid.empty() && revocations.is_session_ended(id_jag.sid)) return unexpected(Refusal::session_ended);
    return {};
  }
  // What that issuer has said of its subject since (docs/reference/signals.md).
  const std::string subject = signals::subject_session(id_jag.issuer, id_jag.tenant, id_jag.subject);
  if (revocations.is_session_ended(signals::since(subject, id_jag.issued_at))) return unexpected(Refusal::issued_before_event);
  const std::string sign_in = signals::sign_in_session(id_jag.issuer, id_jag.tenant, id_jag.subject);
  if (revocations.is_session_ended(signals::since(sign_in, id_jag.auth_time.value_or(id_jag.issued_at)))) return unexpected(Refusal::signed_in_before_revocation);
  return {};
}

}  // namespace writ::token_service::resource_as
