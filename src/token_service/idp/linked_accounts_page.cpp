#include "token_service/idp/linked_accounts_page.h"

#include "encoding/uri.h"
#include "token_service/idp/browser.h"
#include "token_service/idp/pages.h"
#include "token_service/idp/return_address.h"

namespace writ::token_service::idp {
namespace {

using linked_accounts::Account;

constexpr const char* kForm = "linked accounts";
constexpr const char* kTryAgain = "This form was too old or did not come from this page. Please try again.";
constexpr const char* kNothingStored = "Nothing was changed: this service cannot store anything at the moment. Please try again.";

// What one request of this page is about.
struct Visit {
  const LinkedAccountsPage& page;
  const http::Request& http;
  std::shared_ptr<const registry::Snapshot> snapshot;
  std::optional<LiveSession> live;

  linked_accounts::Speaker speaker() const { return {live->user->id, "", http.peer.address}; }
  std::string csrf() const { return form_token(page.idp, kForm, live->session.id, ""); }
};

Visit visit_of(const LinkedAccountsPage& page, const http::Request& http) {
  Visit visit{page, http, page.idp.registry.get(), std::nullopt};
  visit.live = live_session(page.idp, *visit.snapshot, http, page.idp.clock.now());
  return visit;
}

http::Response list(const Visit& visit, int status, std::string_view message) {
  LinkListPage content;
  content.organisation = visit.page.idp.settings.organisation;
  content.person = visit.live->user->display_name.empty() ? visit.live->user->name : visit.live->user->display_name;
  content.message = message;
  content.action = visit.page.base;
  content.csrf = visit.csrf();
  for (const Account& account : visit.page.accounts.list(visit.live->user->id)) {
    const auto* issuer = visit.snapshot->trusted_issuer(account.of.issuer);
    // Links of sign-in at the company's own identity provider are not for people to take away: they are how they come in.
    if (issuer == nullptr || visit.snapshot->identity_connector_of(account.of.issuer) != nullptr || account.state == Account::State::rejected) continue;
    const auto* agent = visit.snapshot->agent(account.agent);
    content.rows.push_back({account.id, issuer->display_name.empty() ? issuer->issuer : issuer->display_name, issuer->issuer, account.of.subject, account.of.tenant, account.email,
                            agent != nullptr && !agent->display_name.empty() ? agent->display_name : account.agent, account.state == Account::State::pending});
  }
  return link_list_page(status, content);
}

// Through the one way of signing in, and back; a form is not carried along.
http::Response sign_in_first(const Visit& visit) {
  const Idp& idp = visit.page.idp;
  http::Response response = redirect(idp.settings.endpoint("sign-in"));
  response.headers.add("Set-Cookie", returning_cookie(idp, visit.page.base));
  return response;
}

Task<http::Response> show(const LinkedAccountsPage& page, const http::Request& http) {
  const Visit visit = visit_of(page, http);
  if (!visit.live) co_return sign_in_first(visit);
  co_return list(visit, 200, "");
}

// The account that a form names.
Result<std::string, http::Response> read_wish(const Visit& visit) {
  if (!visit.live) return unexpected(sign_in_first(visit));
  auto wish = idp::read_wish(visit.page.idp, visit.http, visit.live->session, kForm, "account");
  if (!wish) return unexpected(list(visit, static_cast<int>(wish.error()), kTryAgain));
  return std::move(*wish);
}

using Word = Task<Result<Account, linked_accounts::WordFailure>> (linked_accounts::LinkedAccounts::*)(std::string, linked_accounts::Speaker);

Task<http::Response> say(const LinkedAccountsPage& page, const http::Request& http, Word word) {
  const Visit visit = visit_of(page, http);
  auto wish = read_wish(visit);
  if (!wish) co_return std::move(wish).error();
  auto saying = (page.accounts.*word)(std::move(*wish), visit.speaker());
  const auto said = co_await saying;
  if (said) co_return redirect(page.base);
  const auto* refused = std::get_if<linked_accounts::Refused>(&said.error());
  if (refused == nullptr) co_return list(visit, 503, kNothingStored);
  co_return list(visit, 403, "Nothing was changed: " + std::string(linked_accounts::sentence(*refused)) + ".");
}

}  // namespace

http::Router linked_account_routes(const LinkedAccountsPage& page) {
  const auto address = uri::parse(page.base);
  const std::string base = address ? address->path : std::string();
  const auto saying = [&page](Word word) { return [&page, word](const http::Request& request) { return say(page, request, word); }; };
  http::Router router;
  router.add("GET", base, [&page](const http::Request& request) { return show(page, request); });
  router.add("POST", base + "/confirm", saying(&linked_accounts::LinkedAccounts::confirm));
  router.add("POST", base + "/reject", saying(&linked_accounts::LinkedAccounts::reject));
  router.add("POST", base + "/unlink", saying(&linked_accounts::LinkedAccounts::unlink));
  return router;
}

}  // namespace writ::token_service::idp
