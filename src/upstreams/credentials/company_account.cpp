#include "upstreams/credentials/company_account.h"

#include <algorithm>

#include "registry/identity_connector.h"

namespace writ::upstreams {
namespace {

constexpr std::size_t kTextBytesMax = 255;

std::string text_of(const json::Value& claims, std::string_view name) {
  const auto* text = claims.find_string(name);
  return text && text->size() <= kTextBytesMax ? *text : std::string();
}

bool contains(const std::vector<std::string>& list, const std::string& value) { return std::find(list.begin(), list.end(), value) != list.end(); }

Result<void, AccountProblem> check_tenant(const registry::UpstreamOAuth& rules, const json::Value& claims) {
  if (rules.account_tenants.empty()) return {};
  bool has_one = false;
  for (const char* name : {"tid", "hd", "org_id"}) {
    const json::Value* claim = claims.find(name);
    if (!claim) continue;
    has_one = true;
    // All that are there must fit: none of them is there to be overruled by another.
    const auto* tenant = claim->as_string();
    if (!tenant || !contains(rules.account_tenants, *tenant)) return unexpected(AccountProblem::tenant_of_another);
  }
  if (!has_one) return unexpected(AccountProblem::no_tenant);
  return {};
}

Result<void, AccountProblem> check_domain(const registry::UpstreamOAuth& rules, const json::Value& claims) {
  if (rules.account_email_domains.empty()) return {};
  const std::string email = text_of(claims, "email");
  if (email.empty()) return unexpected(AccountProblem::no_email);
  const auto* verified = claims.find_bool("email_verified");
  if (!verified || !*verified) return unexpected(AccountProblem::email_not_verified);
  if (!contains(rules.account_email_domains, registry::domain_of(email))) return unexpected(AccountProblem::domain_of_another);
  return {};
}

}  // namespace

std::string_view to_string(AccountProblem problem) {
  switch (problem) {
    case AccountProblem::no_subject: return "account_without_subject";
    case AccountProblem::no_tenant: return "account_without_tenant";
    case AccountProblem::tenant_of_another: return "account_of_another_tenant";
    case AccountProblem::no_email: return "account_without_email";
    case AccountProblem::email_not_verified: return "account_email_not_verified";
    case AccountProblem::domain_of_another: return "account_of_another_domain";
  }
  return "account_refused";
}

std::string_view explain(AccountProblem problem) {
  switch (problem) {
    case AccountProblem::tenant_of_another:
    case AccountProblem::domain_of_another: return "This account does not belong to your organization. Sign in there with your work account; a personal account cannot be linked.";
    case AccountProblem::email_not_verified: return "The server does not say that this account's e-mail address is verified. Verify it there, or ask your administrator.";
    case AccountProblem::no_subject:
    case AccountProblem::no_tenant:
    case AccountProblem::no_email: return "The server does not say whose account this is, so it cannot be linked. Ask your administrator.";
  }
  return "This account cannot be linked.";
}

Result<AccountIdentity, AccountProblem> check_company_account(const registry::UpstreamOAuth& rules, const json::Value& claims) {
  AccountIdentity identity;
  identity.subject = text_of(claims, "sub");
  if (identity.subject.empty()) return unexpected(AccountProblem::no_subject);
  TRY(check_tenant(rules, claims));
  TRY(check_domain(rules, claims));
  // INVARIANT: at least one of the two was asked for (registry: problems_of_credentials); should none be, nobody's account is the company's.
  if (rules.account_tenants.empty() && rules.account_email_domains.empty()) return unexpected(AccountProblem::no_tenant);
  for (const char* name : {"email", "preferred_username", "name", "sub"}) {
    if (identity.label.empty()) identity.label = text_of(claims, name);
  }
  return identity;
}

}  // namespace writ::upstreams
