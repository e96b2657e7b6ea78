#include "token_service/idp/accounts.h"

#include <algorithm>

#include "encoding/base64url.h"
#include "encoding/uri.h"
#include "token_service/idp/browser.h"
#include "token_service/idp/pages.h"
#include "token_service/idp/policy_question.h"
#include "token_service/idp/return_address.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kForm = "accounts";
constexpr std::size_t kStateInName = 12;
constexpr const char* kTryAgain = "This form was too old or did not come from this page. Please try again.";

bool has_accounts(const registry::Server& server) {
  return server.active && server.upstream && server.upstream->oauth && server.upstream->oauth->grant == registry::UpstreamOAuth::Grant::authorization_code;
}

// Policy is asked for every agent: an account is the person's, whichever agent works with it later.
bool may_connect(const Idp& idp, const registry::Snapshot& snapshot, const LiveSession& live, const registry::Server& server, const http::Request& http, Instant now) {
  const auto policy = idp.policy.get();
  return std::any_of(snapshot.objects().agents.begin(), snapshot.objects().agents.end(), [&](const registry::Agent& agent) {
    if (!agent.active || !agent.idp) return false;
    const Circumstances circumstances{snapshot, live, agent, agent.idp->authentication, idp.settings, http.peer.address, now};
    return policy->decide(connect_question(circumstances, server)).allowed;
  });
}

// What one request of this page is about.
struct Visit {
  const AccountsPage& page;
  const http::Request& http;
  std::shared_ptr<const registry::Snapshot> snapshot;
  std::optional<LiveSession> live;
  Instant now;

  UpstreamAccounts::Person person() const { return {live->user->id, live->session.id, http.peer.address}; }
  std::string csrf() const { return form_token(page.idp, kForm, live->session.id, ""); }
};

Visit visit_of(const AccountsPage& page, const http::Request& http) {
  Visit visit{page, http, page.idp.registry.get(), std::nullopt, page.idp.clock.now()};
  visit.live = live_session(page.idp, *visit.snapshot, http, visit.now);
  return visit;
}

std::string name_of(const registry::Server& server) { return server.display_name.empty() ? server.id : server.display_name; }

http::Response list(const Visit& visit, int status, const std::string& message) {
  const Idp& idp = visit.page.idp;
  const auto linked = visit.page.accounts.of(visit.live->user->id);
  const auto asked = form::parse(visit.http.query);
  const auto* wanted = asked && !asked->first_repeated({}) ? asked->find("server") : nullptr;
  AccountListPage content;
  content.organisation = idp.settings.organisation;
  content.person = visit.live->user->display_name.empty() ? visit.live->user->name : visit.live->user->display_name;
  content.message = message;
  content.link_action = visit.page.base + "/link", content.unlink_action = visit.page.base + "/unlink";
  content.csrf = visit.csrf();
  for (const registry::Server& server : visit.snapshot->objects().servers) {
    if (!has_accounts(server)) continue;
    const auto found = std::find_if(linked.begin(), linked.end(), [&](const auto& one) { return one.server == server.id; });
    const bool may = may_connect(idp, *visit.snapshot, *visit.live, server, visit.http, visit.now);
    // Who lost access still sees, and can end, what he has; nobody learns of servers that are not for him.
    if (!may && found == linked.end()) continue;
    AccountListPage::Row row;
    row.server = server.id, row.name = name_of(server);
    if (found != linked.end()) row.account = found->label, row.works = found->works;
    row.may_link = may && (found == linked.end() || !found->works);
    row.is_wanted = wanted && *wanted == server.id;
    content.rows.push_back(std::move(row));
  }
  std::stable_sort(content.rows.begin(), content.rows.end(), [](const auto& a, const auto& b) { return a.is_wanted > b.is_wanted; });
  return account_list_page(status, content);
}

// Through the one way of signing in, and back. A form or an answer of an authorization server is not carried along: its session is over.
http::Response sign_in_first(const Visit& visit) {
  const Idp& idp = visit.page.idp;
  const bool is_list = visit.http.method == "GET" && visit.http.path.find("/callback/") == std::string::npos;
  http::Response response = redirect(idp.settings.endpoint("sign-in"));
  response.headers.add("Set-Cookie", returning_cookie(idp, visit.page.base + (is_list && !visit.http.query.empty() ? "?" + visit.http.query : "")));
  return response;
}

Task<http::Response> show(const AccountsPage& page, const http::Request& http) {
  const Visit visit = visit_of(page, http);
  if (!visit.live) co_return sign_in_first(visit);
  co_return list(visit, 200, "");
}

// The server that a form names.
Result<std::string, http::Response> read_wish(const Visit& visit) {
  if (!visit.live) return unexpected(sign_in_first(visit));
  auto wish = idp::read_wish(visit.page.idp, visit.http, visit.live->session, kForm, "server");
  if (!wish) return unexpected(list(visit, static_cast<int>(wish.error()), kTryAgain));
  return std::move(*wish);
}

std::string cookie_name(const Idp& idp, const std::string& state) {
  return (idp.settings.issuer.starts_with("https:") ? "__Host-writ_link_" : "writ_link_") + state.substr(0, kStateInName);
}

Task<http::Response> link(const AccountsPage& page, const http::Request& http) {
  const Visit visit = visit_of(page, http);
  auto wish = read_wish(visit);
  if (!wish) co_return std::move(wish).error();
  const registry::Server* server = visit.snapshot->server(*wish);
  if (!server || !has_accounts(*server) || !may_connect(page.idp, *visit.snapshot, *visit.live, *server, http, visit.now)) {
    co_return list(visit, 403, "You may not link an account at this server.");
  }
  auto begun = co_await page.accounts.begin(visit.snapshot, *wish, visit.person());
  if (!begun) co_return list(visit, begun.error().status, begun.error().told);
  http::Response response = onward_page(page.idp.settings.organisation, name_of(*server), begun->location, "You sign in there with your work account.");
  response.headers.add("Set-Cookie", Cookies(page.idp.settings.issuer).set(cookie_name(page.idp, begun->state), begun->sealed) + "; Max-Age=600");
  co_return response;
}

Task<http::Response> unlink(const AccountsPage& page, const http::Request& http) {
  const Visit visit = visit_of(page, http);
  auto wish = read_wish(visit);
  if (!wish) co_return std::move(wish).error();
  const auto unlinked = co_await page.accounts.unlink(*wish, visit.person());
  if (!unlinked) co_return list(visit, 503, "Nothing was changed: this service cannot store anything at the moment. Please try again.");
  co_return redirect(page.base);
}

Task<http::Response> callback(const AccountsPage& page, const http::Request& http) {
  const Visit visit = visit_of(page, http);
  if (!visit.live) co_return sign_in_first(visit);
  const std::string server = http.path.substr(std::min(http.path.size(), http.path.rfind('/') + 1));
  const auto answer = form::parse(http.query);
  const auto* state = answer && !answer->first_repeated({}) ? answer->find("state") : nullptr;
  const bool is_state = state && base64url::decode(*state) && state->size() > kStateInName;
  const std::string name = is_state ? cookie_name(page.idp, *state) : std::string();
  const std::string sealed = is_state ? Cookies::find(http, name).value_or("") : std::string();
  form::Parameters parameters = answer ? *answer : form::Parameters();
  auto finished = co_await page.accounts.finish(visit.snapshot, server, std::move(parameters), sealed, visit.person());
  http::Response response = finished ? redirect(page.base) : list(visit, finished.error().status, finished.error().told);
  if (is_state) response.headers.add("Set-Cookie", Cookies(page.idp.settings.issuer).clear(name));   // one answer for one question
  co_return response;
}

}  // namespace

http::Router account_routes(const AccountsPage& page) {
  const auto address = uri::parse(page.base);
  const std::string base = address ? address->path : std::string();
  const auto by = [&page](Task<http::Response> (*handle)(const AccountsPage&, const http::Request&)) {
    return [&page, handle](const http::Request& request) { return handle(page, request); };
  };
  http::Router router;
  router.add("GET", base, by(show));
  router.add("POST", base + "/link", by(link));
  router.add("POST", base + "/unlink", by(unlink));
  router.add("GET", base + "/callback/*", by(callback));
  return router;
}

}  // namespace writ::token_service::idp
