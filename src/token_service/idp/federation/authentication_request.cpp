#include "token_service/idp/federation/authentication_request.h"

#include <algorithm>

#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "oauth/scope.h"
#include "token_service/code_request.h"
#include "token_service/idp/authorize.h"
#include "token_service/idp/federation/federation.h"
#include "token_service/idp/federation/upstream_person.h"
#include "token_service/idp/pages.h"

namespace writ::token_service::idp {
namespace {

constexpr std::size_t kHintBytesMax = 320;

std::vector<std::string> words_of(const std::string& text) {
  const auto words = oauth::ScopeSet::parse(text);
  return words ? words->values() : std::vector<std::string>{};
}

std::string name_of(const registry::IdentityConnector& connector) { return connector.display_name.empty() ? connector.id : connector.display_name; }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

}  // namespace

std::string upstream_redirect_uri(const Settings& settings, const registry::IdentityConnector& connector) {
  return settings.endpoint("federation") + "/" + connector.id + "/callback";
}

const registry::IdentityConnector* home_realm(const registry::Snapshot& snapshot, std::string_view email) {
  const std::string domain = registry::domain_of(email);
  if (domain.empty()) return nullptr;
  for (const auto& connector : snapshot.objects().identity_connectors) {
    if (connector.active && std::find(connector.domains.begin(), connector.domains.end(), domain) != connector.domains.end()) return &connector;
  }
  return nullptr;
}

const registry::IdentityConnector* only_way_in(const registry::Snapshot& snapshot) {
  const registry::IdentityConnector* only = nullptr;
  for (const auto& connector : snapshot.objects().identity_connectors) {
    if (!connector.active) continue;
    if (only) return nullptr;
    only = &connector;
  }
  const auto has_password = [](const registry::User& user) { return user.active && user.kind == registry::User::Kind::person && !user.password_hash.empty(); };
  const auto& users = snapshot.objects().users;
  return std::any_of(users.begin(), users.end(), has_password) ? nullptr : only;
}

std::string authentication_request(const Idp& idp, const registry::IdentityConnector& connector, const ProviderMetadata& provider, const PendingSignIn& pending,
                                   const form::Parameters& asked, const std::string& email) {
  std::vector<std::pair<std::string, std::string>> pairs = {{"response_type", "code"},
                                                            {"client_id", connector.client_id},
                                                            {"redirect_uri", upstream_redirect_uri(idp.settings, connector)},
                                                            {"scope", joined(connector.scopes)},
                                                            {"state", pending.state},
                                                            {"nonce", nonce_of(idp, pending)},
                                                            {"code_challenge", base64url::encode(crypto::sha256_bytes(verifier_of(idp, pending)))},
                                                            {"code_challenge_method", "S256"}};
  const auto add = [&](const char* name, std::string value) {
    if (!value.empty()) pairs.emplace_back(name, std::move(value));
  };
  std::vector<std::string> prompt;   // `consent` is not: what it would consent to is decided by administrators
  for (const std::string& word : words_of(text_of(asked, "prompt"))) {
    if (word == "login" || word == "select_account") prompt.push_back(word);
  }
  add("prompt", joined(prompt));
  add("max_age", text_of(asked, "max_age"));
  add("acr_values", joined(unmapped(connector.acr, words_of(text_of(asked, "acr_values")))));
  add("ui_locales", text_of(asked, "ui_locales").substr(0, kHintBytesMax));
  add("login_hint", (email.empty() ? text_of(asked, "login_hint") : email).substr(0, kHintBytesMax));
  return provider.authorization_endpoint + (provider.authorization_endpoint.find('?') == std::string::npos ? "?" : "&") + form::write(pairs);
}

Task<http::Response> send_upstream(const Idp& idp, const http::Request& http, registry::IdentityConnector connector, std::string continue_with, std::string email) {
  const Instant now = idp.clock.now();
  const auto provider = co_await idp.federation->providers.find(connector.issuer, now);
  if (!provider) {
    co_return sign_in_again(idp, http, 503, continue_with, name_of(connector) + " cannot be reached or is not set up correctly. Try again in a moment, or tell your administrator.");
  }
  const auto asked = form::parse(continue_with);
  const PendingSignIn pending = new_pending(connector.id, std::move(continue_with), now);
  const auto cookie = cookie_for(idp, pending);
  if (!asked || !cookie) co_return message_page(400, idp.settings.organisation, "This sign-in cannot continue", "The request of the application is too long or malformed.");
  const std::string location = authentication_request(idp, connector, **provider, pending, *asked, email);
  // After a form browsers hold every further redirect against the form's page (form-action), and who knows where a provider leads. So a typed address
  // gets a page that goes on by itself.
  auto response = email.empty() ? redirect(location) : onward_page(idp.settings.organisation, name_of(connector), location);
  for (std::string& other : clearing_cookies_of_others(idp, http)) response.headers.add("Set-Cookie", std::move(other));
  response.headers.add("Set-Cookie", *cookie);
  co_return response;
}

Task<http::Response> start_federated_sign_in(const Idp& idp, const http::Request& http) {
  const auto snapshot = idp.registry.get();
  const auto parameters = form::parse(http.query);
  if (!parameters || parameters->first_repeated({}) || !idp.federation) {
    co_return message_page(400, idp.settings.organisation, "This sign-in cannot continue", "The request is malformed.");
  }
  const std::string continue_with = text_of(*parameters, "continue"), email = text_of(*parameters, "email");
  const registry::IdentityConnector* connector = email.empty() ? snapshot->identity_connector(text_of(*parameters, "connector")) : home_realm(*snapshot, email);
  if (!connector || !connector->active) {
    co_return sign_in_again(idp, http, 400, continue_with, "This address belongs to no sign-in service that is known here. Check it, or sign in with a password.");
  }
  auto response = co_await send_upstream(idp, http, *connector, continue_with, email);
  co_return response;
}

}  // namespace writ::token_service::idp
