#pragma once

// The way to the provider: which one it is, and the request that the browser takes there.

#include <string>
#include <string_view>

#include "encoding/form.h"
#include "token_service/idp/federation/pending_sign_in.h"
#include "token_service/idp/federation/provider_metadata.h"
#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// A redirect URI of its own for each provider: an answer that arrives at another one's is noticed (mix-up, OB-141).
std::string upstream_redirect_uri(const Settings& settings, const registry::IdentityConnector& connector);

// The active connector of an e-mail address's domain; null when there is none.
const registry::IdentityConnector* home_realm(const registry::Snapshot& snapshot, std::string_view email);
// The only way in: one active connector, and nobody has a password here.
const registry::IdentityConnector* only_way_in(const registry::Snapshot& snapshot);

// The address with state, nonce and PKCE, and with what the application asked for: prompt, max_age, acr_values, login_hint, ui_locales. `email`: what the
// person typed here; empty: the application's login_hint.
std::string authentication_request(const Idp& idp, const registry::IdentityConnector& connector, const ProviderMetadata& provider, const PendingSignIn& pending,
                                   const form::Parameters& asked, const std::string& email);

// GET {issuer}/federation/start?connector=ID or ?email=ADDRESS, with `continue`.
Task<http::Response> start_federated_sign_in(const Idp& idp, const http::Request& http);
// From another page of the IdP.
Task<http::Response> send_upstream(const Idp& idp, const http::Request& http, registry::IdentityConnector connector, std::string continue_with, std::string email);

}  // namespace writ::token_service::idp
