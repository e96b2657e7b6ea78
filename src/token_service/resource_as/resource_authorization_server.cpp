#include "token_service/resource_as/resource_authorization_server.h"

#include <algorithm>

#include "encoding/uri.h"
#include "token_service/resource_as/encrypted_assertion.h"
#include "registry/details_types.h"
#include "token_service/resource_as/metadata.h"

namespace writ::token_service::resource_as {
namespace {

// `introspecting` adds the resource servers of the configuration; they can do nothing else.
ClientAuthenticationRules authentication_rules(const Settings& settings, const ResourceServers* introspecting, client_metadata::ClientDocuments* documents) {
  ClientAuthenticationRules rules;
  rules.issuer = settings.issuer;
  rules.token_endpoint = endpoint_url(settings, "token");
  rules.accept_token_endpoint_audience = settings.accept_token_endpoint_audience;
  rules.accept_plain_jwt_type = settings.accept_plain_jwt_type;
  rules.skew_seconds = settings.skew_seconds;
  rules.find = [issuer = settings.issuer, introspecting](const registry::Snapshot& snapshot, std::string_view client_id) {
    if (introspecting != nullptr) {
      const auto resource_server = introspecting->find(client_id);
      if (resource_server.agent != nullptr) return resource_server;
    }
    return snapshot.agent_at_resource_as(issuer, client_id);
  };
  if (documents != nullptr) rules.describe = [documents](registry::Registration registered, Instant now) { return client_metadata::describe(*documents, std::move(registered), now); };
  return rules;
}

// Limits that no configuration lifts (C4, C14).
Settings within_limits(Settings settings) {
  settings.skew_seconds = std::clamp<std::int64_t>(settings.skew_seconds, 0, kSkewSecondsMax);
  settings.access_token_lifetime_seconds =
      std::clamp<std::int64_t>(settings.access_token_lifetime_seconds, 1, kAccessTokenLifetimeSecondsMax);
  return settings;
}

EndpointParts endpoint_parts(const ClientAuthenticator& clients, const Parts& parts, FailureThrottle& throttle, std::uint32_t node,
                             const std::optional<ProofOfPossession>& dpop = std::nullopt) {
  return {clients, parts.log, parts.registry, throttle, parts.clock, node, dpop ? &*dpop : nullptr};
}

std::optional<ProofOfPossession> offered(dpop::Verifier* verifier, const Settings& settings) {
  if (verifier == nullptr) return std::nullopt;
  return ProofOfPossession{*verifier, endpoint_url(settings, "token"), settings.dpop_nonce_demanded};
}

json::Value description(const Settings& settings, bool is_interactive = false) {
  json::Value document = oauth::to_json(metadata(settings, is_interactive));
  add_encryption(document, settings);
  if (settings.client_registration) document.set("registration_endpoint", endpoint_url(settings, "register"));
  if (settings.global_token_revocation) {
    document.set("global_token_revocation_endpoint", endpoint_url(settings, "global-token-revocation"));
    document.set("global_token_revocation_endpoint_auth_methods_supported", json::Array{"private_key_jwt"});
  }
  return document;
}

std::optional<Interactive> interactive_parts(const Settings& settings, const Parts& parts) {
  if (!settings.sign_in || parts.outgoing == nullptr || parts.refusals == nullptr || parts.interactive_key.empty()) return std::nullopt;
  return Interactive{.settings = settings, .clock = parts.clock, .registry = parts.registry, .policy = parts.policy, .revocations = parts.revocations, .signing_keys = parts.signing_keys,
                     .issuer_keys = parts.issuer_keys, .log = parts.log, .outgoing = *parts.outgoing, .refusals = *parts.refusals, .decision_points = parts.decision_points,
                     .documents = parts.client_documents, .pushed = parts.pushed, .key = parts.interactive_key};
}

std::optional<InteractiveCodeGrant> code_grant(const std::optional<Interactive>& interactive, const Parts& parts) {
  if (!interactive) return std::nullopt;
  return InteractiveCodeGrant(*interactive, parts.revocations);
}

std::optional<PushedAuthorization> pushed_authorization(const std::optional<Interactive>& interactive) {
  if (!interactive) return std::nullopt;
  return PushedAuthorization(*interactive->pushed, [&parts = *interactive](const form::Parameters& parameters, const registry::Snapshot& snapshot, Instant now) {
    return check_pushed_request(parts, parameters, snapshot, now);
  });
}

std::vector<Grant*> grants(JwtBearerGrant& jwt_bearer, std::optional<InteractiveCodeGrant>& code) {
  std::vector<Grant*> all{&jwt_bearer};
  if (code) all.push_back(&*code);
  return all;
}

}  // namespace

ResourceAuthorizationServer::ResourceAuthorizationServer(Settings settings, Parts parts)
    : settings_(within_limits(std::move(settings))),
      registry_(parts.registry),
      signing_keys_(parts.signing_keys),
      resource_servers_(settings_),
      clients_(authentication_rules(settings_, nullptr, parts.client_documents), parts.log, parts.device_keys, parts.client_keys),
      callers_(authentication_rules(settings_, &resource_servers_, parts.client_documents), parts.log, parts.device_keys, parts.client_keys),
      jwt_bearer_grant_(settings_, parts.issuer_keys, parts.signing_keys, parts.policy, parts.revocations, parts.decision_points,
                        parts.accounts, &parts.registry),
      interactive_(interactive_parts(settings_, parts)),
      interactive_code_grant_(code_grant(interactive_, parts)),
      introspection_(settings_, resource_servers_, parts.signing_keys, parts.revocations),
      revocation_(settings_, parts.signing_keys, parts.revocations),
      dpop_(offered(parts.proofs, settings_)),
      token_(endpoint_parts(clients_, parts, throttle_, settings_.node, dpop_), grants(jwt_bearer_grant_, interactive_code_grant_)),
      introspect_(TokenEndpoint::for_operation(endpoint_parts(callers_, parts, throttle_, settings_.node), introspection_)),
      revoke_(TokenEndpoint::for_operation(endpoint_parts(clients_, parts, throttle_, settings_.node), revocation_)),
      pushed_(pushed_authorization(interactive_)),
      metadata_text_(json::write(description(settings_))),
      interactive_metadata_text_(json::write(description(settings_, true))) {
  assert(uri::is_issuer(settings_.issuer));
  if (pushed_) par_.emplace(TokenEndpoint::for_operation(endpoint_parts(clients_, parts, throttle_, settings_.node), *pushed_));
}

std::string ResourceAuthorizationServer::metadata_text(bool is_interactive) const {
  const auto types = registry::details_types(*registry_.get(), settings_.issuer);
  if (types.empty()) return is_interactive ? interactive_metadata_text_ : metadata_text_;
  json::Value document = description(settings_, is_interactive);
  document.set(registry::kDetailsTypesSupported, json::from_strings(types));
  return json::write(document);
}

// By the objects of now: a server that is opened to such clients is in the metadata at once, and gone from it at once.
bool ResourceAuthorizationServer::is_interactive() const { return interactive_ && is_offered(*interactive_->registry.get(), settings_); }

std::string ResourceAuthorizationServer::key_set_text() const {
  const auto keys = signing_keys_.current();
  json::Value set = jose::to_json(keys->published);
  add_encryption_key(set, settings_);
  return json::write(set);
}

}  // namespace writ::token_service::resource_as
