#include "client/grants/authorization_code_grant.h"

#include <algorithm>

#include "client/authorization_request.h"
#include "encoding/uri.h"
#include "oauth/identifiers.h"

namespace writ::client {
namespace {

constexpr std::string_view kOfflineAccess = "offline_access";

bool contains(const std::vector<std::string>& list, std::string_view one) { return std::find(list.begin(), list.end(), one) != list.end(); }

bool scopes_suffice(const std::string& held, const std::string& wanted) {
  const auto have = oauth::ScopeSet::parse(held);
  const auto want = oauth::ScopeSet::parse(wanted);
  return !want || want->empty() || (have && want->is_subset_of(*have));
}

}  // namespace

std::string with_offline_access(const std::string& scope, const AuthorizationServer& server) {
  auto scopes = oauth::ScopeSet::parse(scope);
  if (!scopes || scopes->empty() || !contains(server.scopes_supported, kOfflineAccess)) return scope;
  scopes->insert(kOfflineAccess);
  return scopes->to_string();
}

std::optional<Account> AccountsInMemory::find(const std::string& issuer, const std::string& resource) {
  const auto found = accounts_.find({issuer, resource});
  if (found == accounts_.end()) return std::nullopt;
  return found->second;
}
Result<void, Failure> AccountsInMemory::save(const Account& account) {
  accounts_.insert_or_assign({account.issuer, account.resource}, account);
  return {};
}
void AccountsInMemory::forget(const Account& account) {
  const auto found = accounts_.find({account.issuer, account.resource});
  if (found != accounts_.end() && found->second.refresh_token.reveal() == account.refresh_token.reveal()) accounts_.erase(found);
}

Result<void, Failure> AuthorizationCodeGrant::check(const AuthorizationServer& server) const {
  // Begun and thrown away: the same checks, and no second list of them.
  TRY(begin_authorization(server, "", "", {}));
  TRY(choose_registration(server, settings_));
  return {};
}

Task<Result<Registration, Failure>> AuthorizationCodeGrant::registration_at(AuthorizationServer server, std::string redirect_uri) {
  const auto known = registrations_.find(server.issuer);
  const bool is_good = known != registrations_.end() && known->second.redirect_uri == redirect_uri && (!known->second.expires || clock_.now() < *known->second.expires);
  if (is_good) co_return known->second;
  auto registered = co_await register_client(outgoing_, server, settings_, redirect_uri);
  if (registered) registrations_.insert_or_assign(server.issuer, *registered);
  co_return registered;
}

Result<void, Failure> AuthorizationCodeGrant::keep(const GrantTarget& target, const ClientCredentials& credentials, const std::string& scope, const AccessToken& token) {
  if (token.refresh_token.empty()) return {};   // MCPA-124: none is counted on
  return accounts_.save(Account{target.server.issuer, target.resource.resource, credentials, scope, Secret(token.refresh_token)});
}

Task<Result<AccessToken, Failure>> AuthorizationCodeGrant::refresh(GrantTarget target, Account account) {
  FormFields form = refresh_form(std::string(account.refresh_token.reveal()));
  form.emplace_back("resource", target.resource.resource);
  auto answer = co_await post_token_request(outgoing_, target.server.token_endpoint, target.server.issuer, account.credentials, std::move(form), clock_.now(), target.possession);
  if (!answer) co_return unexpected(answer.error());
  auto token = read_access_token(*answer, account.scope, target.possession != nullptr);
  if (!token) co_return unexpected(token.error());
  const auto kept = keep(target, account.credentials, account.scope, *token);
  if (!kept) co_return unexpected(kept.error());
  co_return std::move(*token);
}

Task<Result<AccessToken, Failure>> AuthorizationCodeGrant::ask_person(GrantTarget target, GrantWish wish) {
  const auto redirect_uri = browser_.redirect_uri();
  if (!redirect_uri) co_return unexpected(redirect_uri.error());
  auto registration = co_await registration_at(target.server, *redirect_uri);
  if (!registration) co_return unexpected(registration.error());

  FormFields parameters{{"scope", with_offline_access(wish.scope, target.server)}, {"resource", target.resource.resource}, {"acr_values", wish.acr_values}};   // MCPA-106
  if (target.possession) parameters.emplace_back("dpop_jkt", target.possession->thumbprint());   // RFC 9449 §10: the code is bound to the key, too
  if (wish.max_age_seconds) parameters.emplace_back("max_age", std::to_string(*wish.max_age_seconds));
  const auto attempt = begin_authorization(target.server, registration->credentials.client_id, *redirect_uri, parameters);
  if (!attempt) co_return unexpected(attempt.error());
  const auto query = co_await browser_.visit(attempt->authorization_url);
  if (!query) co_return unexpected(query.error());
  const auto code = read_authorization_response(*attempt, *query);
  if (!code) co_return unexpected(code.error());

  FormFields form = code_form(*attempt, *code);
  form.emplace_back("resource", target.resource.resource);
  auto answer = co_await post_token_request(outgoing_, target.server.token_endpoint, target.server.issuer, registration->credentials, std::move(form), clock_.now(), target.possession);
  if (!answer) co_return unexpected(answer.error());
  auto token = read_access_token(*answer, wish.scope, target.possession != nullptr);
  if (!token) {
    // A registration that the server has forgotten would be used again and again.
    if (token.error().error == "invalid_client") registrations_.erase(target.server.issuer);
    co_return unexpected(token.error());
  }
  const auto kept = keep(target, registration->credentials, wish.scope, *token);
  if (!kept) co_return unexpected(kept.error());
  co_return std::move(*token);
}

Task<Result<std::optional<AccessToken>, Failure>> AuthorizationCodeGrant::by_refresh_token(GrantTarget target, GrantWish wish) {
  // Twice, because another process may have used the refresh token just before us, and left the one that it got.
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto account = accounts_.find(target.server.issuer, target.resource.resource);
    if (!account || wish.signs_in_again || !scopes_suffice(account->scope, wish.scope)) break;
    auto refreshed = co_await refresh(target, *account);
    if (refreshed) co_return std::optional<AccessToken>(std::move(*refreshed));
    const Failure& failure = refreshed.error();
    const bool is_over = failure.error == "invalid_grant" || failure.error == "invalid_client" || failure.error == "unauthorized_client";
    if (!is_over) co_return unexpected(failure);
    accounts_.forget(*account);
  }
  co_return std::optional<AccessToken>();
}

Task<Result<AccessToken, Failure>> AuthorizationCodeGrant::obtain(GrantTarget target, GrantWish wish) {
  auto refreshed = co_await by_refresh_token(target, wish);
  if (!refreshed) co_return unexpected(refreshed.error());
  if (*refreshed) co_return std::move(**refreshed);
  auto token = co_await ask_person(target, wish);
  co_return token;
}

}  // namespace writ::client
