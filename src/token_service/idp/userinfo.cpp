#include "token_service/idp/userinfo.h"

#include "token_service/idp/bearer.h"
#include "token_service/idp/policy_question.h"
#include "token_service/idp/tokens.h"

namespace writ::token_service::idp {

Task<http::Response> userinfo(const Idp& idp, const http::Request& request) {
  const auto snapshot = idp.registry.get();
  const auto subject = check_bearer(idp, *snapshot, request, idp.clock.now());
  if (!subject) co_return challenge(subject.error());
  const auto scope = oauth::ScopeSet::parse(subject->scope).value_or(oauth::ScopeSet{});
  json::Value claims{{"sub", subject->live.user->id}};
  const json::Value released = person_claims(*subject->live.user, *snapshot, scope);
  for (const auto& member : *released.as_object()) claims.set(member.name, member.value);
  co_return http::no_store(http::json(200, json::write(claims)));
}

Task<http::Response> catalog(const Idp& idp, const http::Request& request) {
  const Instant now = idp.clock.now();
  const auto snapshot = idp.registry.get();
  const auto subject = check_bearer(idp, *snapshot, request, now);
  if (!subject) co_return challenge(subject.error());
  const auto policy = idp.policy.get();
  // As it will authenticate at the token exchange: a client of device keys is public at sign-in only.
  const registry::Registration& registration = *subject->agent->idp;
  const auto method = registration.device_keys ? registry::ClientAuthentication::private_key_jwt : registration.authentication;
  const Circumstances circumstances{*snapshot, subject->live, *subject->agent, method, idp.settings, request.peer.address, now};
  json::Array servers;
  for (const auto& server : snapshot->objects().servers) {
    const registry::ResourceAs* authorization_server = snapshot->resource_as(server.resource_as);
    if (!server.active || !authorization_server || !authorization_server->active) continue;
    // Without a registration there, no ID-JAG would be issued; do not offer what cannot be had.
    if (!snapshot->registration_at(*subject->agent, server.resource_as)) continue;
    if (!policy->decide(connect_question(circumstances, server)).allowed) continue;
    json::Array scopes;
    for (const auto& scope : server.scopes) {
      if (policy->decide(scope_question(circumstances, server, scope)).allowed) scopes.emplace_back(scope.name);
    }
    servers.push_back(json::Value{{"id", server.id},
                                  {"name", server.display_name.empty() ? server.id : server.display_name},
                                  {"resource", server.resource},
                                  {"authorization_server", server.resource_as},
                                  {"scopes", std::move(scopes)}});
  }
  json::Object body{{"servers", std::move(servers)}};
  co_return http::no_store(http::json(200, json::write(json::Value(std::move(body)))));
}

}  // namespace writ::token_service::idp
