#include "upstreams/credentials/gateway_tokens.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "oauth/identifiers.h"
#include "oauth/scope.h"

namespace writ::upstreams {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : " ") + part;
  return text;
}

AccessToken to_token(TokenAnswer answer, std::string session, Instant now) { return {std::move(answer.access_token), now + answer.lifetime, std::move(session)}; }

Task<TokenCache::Fetched> fetch_own(std::shared_ptr<Core> core, registry::UpstreamAddress address, std::string server) {
  const Instant now = core->clock.now();
  client::FormFields form{{"grant_type", "client_credentials"}};
  if (!address.oauth->scopes.empty()) form.emplace_back("scope", joined(address.oauth->scopes));
  if (const std::string resource = resource_parameter(address); !resource.empty()) form.emplace_back("resource", resource);
  auto answer = co_await core->servers->ask_token(std::move(address), std::move(form), now);
  if (!answer) co_return unexpected(to_failure(answer.error(), server));
  co_return to_token(std::move(*answer), "", now);
}

Failure refused(const std::string& server, const std::string& why) { return credential_failure("no access token for server `" + server + "`: " + why); }

Task<TokenCache::Fetched> fetch_for_person(std::shared_ptr<Core> core, registry::UpstreamAddress address, IdJagWanted wanted) {
  const Instant now = core->clock.now();
  const std::string server = wanted.server, session = wanted.principal->session;
  const auto found = co_await core->servers->find(address, now);
  if (!found) co_return unexpected(to_failure(TokenProblem(found.error()), server));
  if (!(*found)->supports_id_jag() && !(*found)->has_jwt_bearer_grant()) {
    co_return unexpected(refused(server, "the authorization server " + (*found)->issuer + " offers neither the ID-JAG profile nor the JWT bearer grant"));
  }
  const auto id_jag = co_await core->id_jags->issue(std::move(wanted));
  if (!id_jag) co_return unexpected(id_jag.error());
  if (id_jag->client_id != address.oauth->client_id) {
    co_return unexpected(refused(server, "the gateway's agent is registered at " + address.oauth->issuer + " as `" + id_jag->client_id + "`, and `oauth.client_id` says `" + address.oauth->client_id + "`"));
  }
  client::FormFields form{{"grant_type", std::string(oauth::kGrantJwtBearer)}, {"assertion", std::string(id_jag->assertion.reveal())}};
  if (!id_jag->scope.empty()) form.emplace_back("scope", id_jag->scope);
  if (const std::string resource = resource_parameter(address); !resource.empty()) form.emplace_back("resource", resource);
  auto answer = co_await core->servers->ask_token(std::move(address), std::move(form), now);
  if (!answer) co_return unexpected(to_failure(answer.error(), server));
  co_return to_token(std::move(*answer), session, now);
}

}  // namespace

std::string fingerprint(const registry::Server& server) {
  const registry::UpstreamAddress& address = *server.upstream;
  const registry::UpstreamOAuth& oauth = *address.oauth;
  std::string all;
  for (const std::string& part : {address.url, oauth.issuer, oauth.client_id, oauth.client_secret_file, joined(oauth.scopes), resource_parameter(address), address.client_certificate_file}) {
    all += std::to_string(part.size()) + ":" + part;
  }
  return base64url::encode(crypto::sha256_bytes(all).substr(0, 16));
}

Wanted client_credentials(const std::shared_ptr<Core>& core, const Request& request) {
  const registry::Server& server = *request.server;
  return {"own\n" + server.id, fingerprint(server), [core, address = *server.upstream, id = server.id] { return fetch_own(core, address, id); }};
}

Result<Wanted, Failure> id_jag(const std::shared_ptr<Core>& core, const Request& request) {
  const registry::Server& server = *request.server;
  if (!core->id_jags) return unexpected(refused(server.id, "`grant: id_jag` needs the identity provider as a role of this deployment, and `gateway.agent` in the configuration"));
  const Principal& principal = *request.principal;
  if (principal.session.empty()) return unexpected(refused(server.id, "the caller's access token rests on no session of this deployment's identity provider"));
  if (core->revocations.is_session_ended(principal.session)) return unexpected(refused(server.id, "the caller's session has ended"));
  IdJagWanted wanted{server.id, request.user->id, request.agent->id, request.principal};
  Wanted result;
  result.key = "for\n" + server.id + "\n" + principal.session + "\n" + principal.key;
  result.basis = fingerprint(server) + " " + core->id_jags->decided_on();
  result.fetch = [core, address = *server.upstream, wanted = std::move(wanted)] { return fetch_for_person(core, address, wanted); };
  return result;
}

}  // namespace writ::upstreams
