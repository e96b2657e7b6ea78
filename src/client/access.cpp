#include "client/access.h"

#include "client/scope_selection.h"
#include "oauth/identifiers.h"

namespace writ::client {
namespace {

constexpr auto kRenewBefore = Seconds{30};
constexpr std::int64_t kAssumedLifetimeSeconds = 60;   // of a token whose server does not say

Unexpected<Failure> failed(FailureKind kind, std::string message) { return unexpected(Failure{kind, std::move(message), {}, {}, {}, {}}); }

// IDJAG-63: an unbound ID-JAG in answer to a proof is one that a thief could redeem. Read without verifying: it is our own.
bool is_bound_to(const std::string& assertion, const std::string& thumbprint) {
  const auto id_jag = jose::UnverifiedJwt::parse(assertion);
  const auto* confirmation = id_jag ? id_jag->claimed().find("cnf") : nullptr;
  const auto* jkt = confirmation ? confirmation->find_string("jkt") : nullptr;
  return jkt && *jkt == thumbprint;
}

Failure still_not_enough(Failure needed) {
  needed.message += "; you have just signed in again, and it is still not enough";
  return needed;
}

}  // namespace

Task<Result<void, Failure>> Subject::step_up(Failure needed) { co_return unexpected(std::move(needed)); }

Access::Access(http::Outgoing& outgoing, const Clock& clock, Subject& subject, AccessSettings settings)
    : outgoing_(outgoing), clock_(clock), subject_(subject), settings_(std::move(settings)) {}

const ProtectedResource* Access::known_resource(const std::string& url) const {
  const auto found = servers_.find(url);
  return found == servers_.end() ? nullptr : &found->second.resource;
}

Task<Result<Access::Server*, Failure>> Access::discover(std::string url, Challenge challenge) {
  const auto known = servers_.find(url);
  if (known != servers_.end()) co_return &known->second;

  auto resource = co_await discover_protected_resource(outgoing_, url, challenge);
  if (!resource) co_return unexpected(resource.error());
  // MCPA-19: the first listed authorization server that offers the ID-JAG profile and that we have credentials for.
  Failure last{FailureKind::not_supported, "no authorization server of " + url + " offers enterprise-managed authorization", {}, {}, {}, {}};
  for (const std::string& issuer : resource->authorization_servers) {
    auto resource_as = co_await discover_authorization_server(outgoing_, issuer);
    if (!resource_as) {
      last = resource_as.error();
      continue;
    }
    if (!resource_as->supports_id_jag() && !(settings_.accept_jwt_bearer_grant && resource_as->has_jwt_bearer_grant())) continue;
    if (!settings_.at_resource_as.contains(issuer) && !settings_.device_key) {
      last = Failure{FailureKind::configuration, "this client is not registered at the authorization server " + issuer + " of " + url, {}, {}, {}, {}};
      continue;
    }
    Server server{std::move(*resource), std::move(*resource_as), {}, {}};
    co_return &servers_.insert_or_assign(url, std::move(server)).first->second;
  }
  co_return unexpected(std::move(last));
}

Task<Result<std::string, Failure>> Access::idp_token_endpoint() {
  if (!settings_.idp_token_endpoint.empty()) co_return settings_.idp_token_endpoint;
  if (!idp_token_endpoint_.empty()) co_return idp_token_endpoint_;
  auto idp = co_await discover_authorization_server(outgoing_, settings_.idp_issuer);
  if (!idp) co_return unexpected(idp.error());
  idp_token_endpoint_ = idp->token_endpoint;
  idp_understands_dpop_ = idp->understands_dpop();
  co_return idp_token_endpoint_;
}

Possession* Access::possession_for(const Server& server) const {
  return settings_.possession && settings_.possession->proves(server.resource, server.resource_as) ? settings_.possession : nullptr;
}

Task<Result<IdJag, Failure>> Access::id_jag_for(const Server* server, std::string scope) {
  auto endpoint = co_await idp_token_endpoint();
  if (!endpoint) co_return unexpected(endpoint.error());
  Possession* possession = idp_understands_dpop_ ? possession_for(*server) : nullptr;
  // IDJAG-130/131: the identity assertion at hand first; when it is no longer accepted, one that was renewed.
  for (const bool renew : {false, true}) {
    auto assertion = co_await subject_.current(renew);
    if (!assertion) co_return unexpected(assertion.error());
    IdJagRequest request{server->resource_as.issuer, server->resource.resource, scope, assertion->token, assertion->type};
    FormFields form = id_jag_form(request);
    auto answer = co_await post_token_request(outgoing_, *endpoint, settings_.idp_issuer, settings_.at_idp, std::move(form), clock_.now(), possession);
    if (!answer) co_return unexpected(answer.error());
    auto id_jag = read_id_jag(*answer, scope);
    if (id_jag && possession && !is_bound_to(id_jag->assertion, possession->thumbprint())) {
      co_return failed(FailureKind::protocol, "the identity provider did not bind the ID-JAG to this client's key, as it says that it can; it was thrown away");
    }
    if (id_jag) co_return std::move(*id_jag);
    const Failure& failure = id_jag.error();
    const bool assertion_was_refused = failure.kind == FailureKind::refused && (failure.error == "invalid_grant" || failure.error == "invalid_request");
    if (!assertion_was_refused) co_return unexpected(failure);
    if (renew) co_return failed(FailureKind::sign_in_needed, "your sign-in is no longer accepted: sign in again (" + failure.message + ")");
  }
  co_return failed(FailureKind::sign_in_needed, "sign in again");
}

Task<Result<AccessToken, Failure>> Access::redeem(const Server* server, std::string assertion, std::string scope) {
  const auto registered = settings_.at_resource_as.find(server->resource_as.issuer);
  ClientCredentials credentials = registered != settings_.at_resource_as.end() ? registered->second : *settings_.device_key;
  if (registered == settings_.at_resource_as.end()) {
    // Our own ID-JAG, read without verifying: it only tells under which name the IdP introduced us.
    const auto id_jag = jose::UnverifiedJwt::parse(assertion);
    const auto* client_id = id_jag ? id_jag->claimed().find_string("client_id") : nullptr;
    if (client_id) credentials.client_id = *client_id;
  }
  FormFields form = access_token_form(assertion, scope, server->resource.resource);
  auto answer = co_await post_token_request(outgoing_, server->resource_as.token_endpoint, server->resource_as.issuer, credentials, std::move(form), clock_.now(), possession_for(*server));
  if (!answer) co_return unexpected(answer.error());
  co_return read_access_token(*answer, scope, possession_for(*server) != nullptr);
}

// RAS-81: on invalid_grant one fresh ID-JAG; a second invalid_grant, or any other refusal, ends it.
Task<Result<AccessToken, Failure>> Access::walk_legs(const Server* server, std::string scope) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto id_jag = co_await id_jag_for(server, scope);
    if (!id_jag) co_return unexpected(id_jag.error());
    auto token = co_await redeem(server, id_jag->assertion, id_jag->scope);
    if (token) co_return std::move(*token);
    if (token.error().error != "invalid_grant" || attempt == 1) co_return unexpected(token.error());
  }
  co_return failed(FailureKind::refused, "the authorization server did not accept the grant");
}

Task<Result<GrantedAccess, Failure>> Access::token_for(std::string url, Challenge challenge, std::string rejected, StepUp step_up) {
  auto discovered = co_await discover(url, challenge);
  if (!discovered) co_return unexpected(discovered.error());
  Server* server = *discovered;

  const std::string scope = scope_to_request(challenge, server->resource.scopes_supported, settings_.scope, server->requested_scope);
  const bool wants_more = scope != server->requested_scope;
  if (server->access && !wants_more && server->access->access_token != rejected && clock_.now() + kRenewBefore < server->access->expires) {
    co_return *server->access;
  }
  server->access.reset();
  server->requested_scope = scope;

  auto needed = step_up_of(challenge, url);
  bool stepped_up = false;
  for (;;) {
    if (needed) {
      if (stepped_up || step_up == StepUp::may_not) co_return unexpected(still_not_enough(std::move(*needed)));
      Failure wanted = std::move(*needed);
      const auto signed_in = co_await subject_.step_up(std::move(wanted));
      if (!signed_in) co_return unexpected(signed_in.error());
      stepped_up = true;
      needed.reset();
    }
    auto token = co_await walk_legs(server, scope);
    if (token) {
      const auto lifetime = Seconds{token->expires_in.value_or(kAssumedLifetimeSeconds)};
      server->access = GrantedAccess{std::move(token->value), std::move(token->scope), server->resource.resource, server->resource_as.issuer, clock_.now() + lifetime, false};
      GrantedAccess granted = *server->access;
      granted.stepped_up = stepped_up;
      co_return granted;
    }
    if (token.error().kind != FailureKind::step_up_needed) co_return unexpected(token.error());
    needed = token.error();
  }
}

}  // namespace writ::client
