#include "client/grants/enterprise_first.h"

namespace writ::client {

Task<Result<GrantedAccess, Failure>> EnterpriseFirst::token_for(std::string url, Challenge challenge, std::string rejected, StepUp step_up) {
  auto granted = co_await enterprise_.token_for(url, challenge, rejected, step_up);
  const bool is_unknown_there = !granted && granted.error().kind == FailureKind::not_supported;
  if (!is_unknown_there) {
    // Unreachable and broken metadata say nothing of what the server knows; everything else came from a server that was asked.
    const bool says_nothing = !granted && (granted.error().kind == FailureKind::unreachable || granted.error().kind == FailureKind::bad_metadata);
    if (!says_nothing) is_enterprise_.insert(url);
    co_return granted;
  }
  if (is_enterprise_.contains(url)) co_return granted;
  auto own = co_await own_account_.token_for(url, challenge, rejected, step_up);
  co_return own;
}

}  // namespace writ::client
