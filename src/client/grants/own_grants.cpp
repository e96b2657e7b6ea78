#include "client/grants/own_grants.h"

#include <algorithm>

#include "jose/jwt.h"
#include "oauth/identifiers.h"

namespace writ::client {
namespace {

constexpr std::string_view kClientCredentials = "client_credentials";

Unexpected<Failure> failed(FailureKind kind, std::string message) { return unexpected(Failure{kind, std::move(message), {}, {}, {}, {}}); }

// OB-53: absent grant types mean authorization_code, so what we want must be listed.
Result<void, Failure> check_offered(const AuthorizationServer& server, std::string_view grant_type, const std::map<std::string, PreRegistered>& by_issuer) {
  const auto& types = server.grant_types;
  if (std::find(types.begin(), types.end(), grant_type) == types.end()) {
    return failed(FailureKind::not_supported, server.issuer + " does not offer the grant `" + std::string(grant_type) + "`");
  }
  const auto found = by_issuer.find(server.issuer);
  if (found == by_issuer.end()) return failed(FailureKind::configuration, "this client is not registered at " + server.issuer + ": nothing was sent there");
  TRY(credentials_at(server, found->second));
  return {};
}

Task<Result<AccessToken, Failure>> post(http::Outgoing& outgoing, const Clock& clock, GrantTarget target, PreRegistered registered, FormFields form, std::string scope) {
  auto credentials = credentials_at(target.server, registered);
  if (!credentials) co_return unexpected(credentials.error());
  form.emplace_back("resource", target.resource.resource);
  if (!scope.empty()) form.emplace_back("scope", scope);
  auto answer = co_await post_token_request(outgoing, target.server.token_endpoint, target.server.issuer, std::move(*credentials), std::move(form), clock.now(), target.possession);
  if (!answer) co_return unexpected(answer.error());
  co_return read_access_token(*answer, scope, target.possession != nullptr);
}

Failure no_person(const GrantTarget& target) {
  return Failure{FailureKind::step_up_needed, target.url + " asks for a better sign-in, and this client acts without a person", "insufficient_user_authentication", {}, {}, {}};
}

bool names(const json::Value* audience, const std::string& server) {
  if (audience == nullptr || server.empty()) return false;
  if (const auto* text = audience->as_string()) return *text == server;
  const auto* list = audience->as_array();
  return list && std::any_of(list->begin(), list->end(), [&](const json::Value& one) { return one.as_string() && *one.as_string() == server; });
}

}  // namespace

Result<void, Failure> ClientCredentialsGrant::check(const AuthorizationServer& server) const { return check_offered(server, kClientCredentials, by_issuer_); }

Task<Result<AccessToken, Failure>> ClientCredentialsGrant::obtain(GrantTarget target, GrantWish wish) {
  if (wish.signs_in_again) co_return unexpected(no_person(target));
  const auto usable = check(target.server);
  if (!usable) co_return unexpected(usable.error());
  PreRegistered registered = by_issuer_.at(target.server.issuer);
  FormFields form{{"grant_type", std::string(kClientCredentials)}};
  auto token = co_await post(outgoing_, clock_, std::move(target), std::move(registered), std::move(form), wish.scope);
  co_return token;
}

Result<void, Failure> check_assertion(const std::string& assertion, const AuthorizationServer& server, Instant now) {
  const auto jwt = jose::UnverifiedJwt::parse(assertion);
  if (!jwt) return failed(FailureKind::configuration, "the workload's assertion is no signed JWT");
  // RFC 7523 §3: the issuer, or the token endpoint as older platforms write it.
  const json::Value* audience = jwt->claimed().find("aud");
  if (!names(audience, server.issuer) && !names(audience, server.token_endpoint)) {
    return failed(FailureKind::configuration, "the workload's assertion is for another audience than " + server.issuer + ": it was not sent");
  }
  const auto* expires = jwt->claimed().find_int("exp");
  if (expires == nullptr || *expires <= to_unix_seconds(now)) return failed(FailureKind::configuration, "the workload's assertion has expired: the platform must issue another");
  return {};
}

Result<void, Failure> WorkloadGrant::check(const AuthorizationServer& server) const { return check_offered(server, oauth::kGrantJwtBearer, by_issuer_); }

Task<Result<AccessToken, Failure>> WorkloadGrant::obtain(GrantTarget target, GrantWish wish) {
  if (wish.signs_in_again) co_return unexpected(no_person(target));
  const auto usable = check(target.server);
  if (!usable) co_return unexpected(usable.error());
  auto assertion = co_await assertion_.current();
  if (!assertion) co_return unexpected(assertion.error());
  const auto good = check_assertion(*assertion, target.server, clock_.now());
  if (!good) co_return unexpected(good.error());
  PreRegistered registered = by_issuer_.at(target.server.issuer);
  FormFields form{{"grant_type", std::string(oauth::kGrantJwtBearer)}, {"assertion", *assertion}};
  auto token = co_await post(outgoing_, clock_, std::move(target), std::move(registered), std::move(form), wish.scope);
  co_return token;
}

}  // namespace writ::client
