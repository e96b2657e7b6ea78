#include "signals/receiver/subject_access.h"

#include <algorithm>

#include "signals/subject_session.h"

namespace writ::signals {
namespace {

// Longer than an ID-JAG and a token that it gave may live together (an hour each), with skew.
constexpr Seconds kNothingLeftAfter{2 * 3'600 + 600};
// Longer than anybody stays signed in.
constexpr Seconds kSignedInAtMost{90 * 86'400};

using Problem = NamingProblem;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

Result<std::vector<std::string>, Problem> tenants_of(const Subject& subject, const registry::TrustedIssuer& issuer) {
  if (!subject.tenant.empty()) {
    if (std::find(issuer.tenants.begin(), issuer.tenants.end(), subject.tenant) == issuer.tenants.end()) return unexpected(Problem::tenant_not_expected);
    return std::vector<std::string>{subject.tenant};
  }
  // It says none: any that its ID-JAGs may come with (EN-24).
  std::vector<std::string> tenants = issuer.tenants;
  tenants.emplace_back();
  return tenants;
}

// The people whose verified address this is. An issuer speaks for the domains that the administrator gave it and for no other.
Result<Named, Problem> name_by_email(const Subject& subject, const registry::TrustedIssuer& issuer, const registry::Snapshot& snapshot) {
  const std::string address = lower(subject.user.email);
  const std::size_t at = address.rfind('@');
  const std::string domain = at == std::string::npos ? "" : address.substr(at + 1);
  const bool allowed = std::any_of(issuer.email_domains.begin(), issuer.email_domains.end(), [&](const std::string& own) { return !domain.empty() && lower(own) == domain; });
  if (!allowed) return unexpected(Problem::domain_not_allowed);
  Named named;
  for (const registry::User* user : snapshot.people().with_email(address)) {
    const std::size_t before = named.names.size();
    if (issuer.subject == registry::TrustedIssuer::Subject::user_id) named.names.push_back({"", user->id});
    for (const auto& link : user->links) {
      if (link.issuer == issuer.issuer && (subject.tenant.empty() || link.tenant == subject.tenant)) named.names.push_back({link.tenant, link.subject});
    }
    // Two people with one address: both, for it can only take away.
    if (named.names.size() > before) named.user_id = named.user_id.empty() ? user->id : named.user_id;
  }
  if (named.names.empty()) return unexpected(Problem::subject_unknown);
  return named;
}

std::string user_of(const registry::TrustedIssuer& issuer, const NamedSubject& name, const registry::Snapshot& snapshot) {
  const registry::User* user = issuer.subject == registry::TrustedIssuer::Subject::user_id ? snapshot.user(name.subject)
                                                                                          : snapshot.user_by_link(issuer.issuer, name.tenant, name.subject);
  return user ? user->id : "";
}

}  // namespace

std::string_view to_string(NamingProblem problem) {
  switch (problem) {
    case Problem::nobody: return "subject_names_nobody";
    case Problem::another_issuer: return "subject_of_another_issuer";
    case Problem::format_not_known: return "subject_format_not_known";
    case Problem::domain_not_allowed: return "subject_domain_not_allowed";
    case Problem::subject_unknown: return "subject_unknown";
    case Problem::tenant_not_expected: return "subject_tenant_not_expected";
  }
  return "subject_unknown";
}

Result<Named, NamingProblem> name_subject(const Subject& subject, const registry::TrustedIssuer& issuer, const registry::Snapshot& snapshot) {
  if (!subject.has_user) return unexpected(Problem::nobody);
  if (subject.user.format == Identifier::Format::email) return name_by_email(subject, issuer, snapshot);
  if (subject.user.format != Identifier::Format::iss_sub) return unexpected(Problem::format_not_known);
  if (subject.user.issuer != issuer.issuer) return unexpected(Problem::another_issuer);
  Named named;
  for (const std::string& tenant : TRY(tenants_of(subject, issuer))) {
    NamedSubject name{tenant, subject.user.subject};
    if (named.user_id.empty()) named.user_id = user_of(issuer, name, snapshot);
    named.names.push_back(std::move(name));
  }
  return named;
}

Task<Result<void, Unavailable>> SubjectAccess::end(std::string issuer, std::vector<NamedSubject> names, std::int64_t until_seconds, Instant now) {
  const Instant forget_after = from_unix_seconds(until_seconds) + kNothingLeftAfter;
  Result<void, Unavailable> all;
  if (forget_after <= now) co_return all;   // it waited for us for so long that nothing of that time is left
  for (const NamedSubject& name : names) {
    std::string session = subject_session(issuer, name.tenant, name.subject);
    const auto ended = co_await revocations_.end_sessions_until(std::move(session), until_seconds, forget_after);
    if (!ended) all = unexpected(ended.error());   // go on: each that can be ended is
  }
  co_return all;
}

Task<Result<void, Unavailable>> SubjectAccess::end_until_signed_in(std::string issuer, std::vector<NamedSubject> names, std::int64_t until_seconds, Instant now) {
  Result<void, Unavailable> all;
  for (const NamedSubject& name : names) {
    std::string session = sign_in_session(issuer, name.tenant, name.subject);
    const auto ended = co_await revocations_.end_sessions_until(std::move(session), until_seconds, now + kSignedInAtMost);
    if (!ended) all = unexpected(ended.error());
  }
  const auto ended = co_await end(std::move(issuer), std::move(names), until_seconds, now);
  if (!ended) all = unexpected(ended.error());
  co_return all;
}

}  // namespace writ::signals
