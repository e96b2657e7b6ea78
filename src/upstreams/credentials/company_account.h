#pragma once

// Whose account it is, and whether it is the company's: work tools never get a personal account (rules §3.8). Pure.

#include <string>
#include <string_view>

#include "base/result.h"
#include "encoding/json.h"
#include "registry/objects.h"

namespace writ::upstreams {

struct AccountIdentity {
  std::string subject;    // `sub` there
  std::string label;      // how the person knows it: address, user name, or the subject
};

enum class AccountProblem {
  no_subject,
  no_tenant,              // nothing says which organisation it belongs to
  tenant_of_another,
  no_email,
  email_not_verified,
  domain_of_another,
};
std::string_view to_string(AccountProblem problem);
// A sentence for the person.
std::string_view explain(AccountProblem problem);

// `claims`: of a checked ID token, and of userinfo of the same subject. The tenant is Entra's `tid`, Google's `hd` or Auth0's `org_id`: claims that the
// server sets, not its users. An address counts when the server says that it is verified. Where both rules are given, both must hold.
Result<AccountIdentity, AccountProblem> check_company_account(const registry::UpstreamOAuth& rules, const json::Value& claims);

}  // namespace writ::upstreams
