// Accounts of subjects of other issuers, for administrators: who is linked to what, what was offered, and the words about it
// (docs/reference/trusted-issuers.md).

#include "admin/handlers.h"
#include "linked_accounts/accounts.h"

namespace writ::admin {

namespace {

using linked_accounts::Account;
using linked_accounts::LinkedAccounts;
using Word = Task<Result<Account, linked_accounts::WordFailure>> (LinkedAccounts::*)(std::string, linked_accounts::Speaker);

Task<http::Response> say(const Api& api, const Call& call, Word word) {
  if (!api.accounts) co_return problem(404, "this process links no accounts");
  const linked_accounts::Speaker speaker{"", call.actor.name, call.actor.peer};
  auto saying = (api.accounts->*word)(call.arguments.at(0), speaker);
  const auto said = co_await saying;
  if (said) co_return answer(linked_accounts::to_json(*said));
  const auto* refused = std::get_if<linked_accounts::Refused>(&said.error());
  if (!refused) co_return unavailable();
  const int status = *refused == linked_accounts::Refused::unknown ? 404 : 409;
  co_return problem(status, "nothing was changed", std::string(linked_accounts::sentence(*refused)), json::Value{{"kind", linked_accounts::to_string(*refused)}});
}

}  // namespace

Task<http::Response> list_accounts(const Api& api, const Call& call) {
  json::Array items;
  if (api.accounts) {
    std::string user = call.query("user").value_or("");
    const auto snapshot = api.administration.snapshot();
    if (const auto* named = snapshot->user_by_name(user)) user = named->id;
    const std::string issuer = call.query("issuer").value_or(""), state = call.query("state").value_or("");
    for (const Account& account : api.accounts->list(user)) {
      if (!issuer.empty() && account.of.issuer != issuer) continue;
      if (!state.empty() && linked_accounts::to_string(account.state) != state) continue;
      items.push_back(linked_accounts::to_json(account));
    }
  }
  co_return answer(json::Value{{"items", std::move(items)}});
}

Task<http::Response> get_account(const Api& api, const Call& call) {
  const auto account = api.accounts ? api.accounts->find(call.arguments.at(0)) : std::nullopt;
  if (!account) co_return problem(404, "there is no such account");
  co_return answer(linked_accounts::to_json(*account));
}

Task<http::Response> approve_account(const Api& api, const Call& call) { return say(api, call, &LinkedAccounts::confirm); }
Task<http::Response> reject_account(const Api& api, const Call& call) { return say(api, call, &LinkedAccounts::reject); }
Task<http::Response> unlink_account(const Api& api, const Call& call) { return say(api, call, &LinkedAccounts::unlink); }

}  // namespace writ::admin
