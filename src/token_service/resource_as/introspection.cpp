#include "token_service/resource_as/introspection.h"

#include <algorithm>

#include "registry/linked_subject.h"
#include "token_service/mutual_tls.h"
#include "token_service/token_endpoint.h"

namespace writ::token_service::resource_as {
namespace {

json::Object active_body(const OwnToken& token) {
  json::Object body{{"active", true},
                    {"iss", *token.claims.find_string("iss")},
                    {"sub", token.subject},
                    {"aud", token.audience},
                    {"client_id", token.client_id},
                    {"scope", token.scope},
                    {"jti", token.jti},
                    {"iat", token.issued_at},
                    {"exp", token.expires},
                    {"token_type", token_type(token.claims.find("cnf"))}};
  for (const std::string_view name : {"auth_time", "acr", "amr", "sid", "authorization_details", "cnf"})
    if (const json::Value* value = token.claims.find(name)) body.push_back({std::string(name), *value});
  return body;
}

}  // namespace

ResourceServers::ResourceServers(const Settings& settings) {
  for (const ResourceServerCredential& credential : settings.resource_servers) {
    Entry entry;
    entry.agent.id = "resource-server:" + credential.id;
    entry.agent.idp = registry::Registration{};
    entry.agent.idp->client_id = credential.id;
    entry.agent.idp->authentication = registry::ClientAuthentication::client_secret;
    entry.agent.idp->secrets = credential.secrets;
    entry.resources = credential.resources;
    entries_.push_back(std::move(entry));
  }
}

registry::Snapshot::AtResourceAs ResourceServers::find(std::string_view id) const {
  for (const Entry& entry : entries_)
    if (entry.agent.idp->client_id == id) return {&entry.agent, &*entry.agent.idp};
  return {};
}

bool ResourceServers::is_one(const registry::Agent& agent) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return &entry.agent == &agent; });
}

bool ResourceServers::may_see(const registry::Agent& agent, std::string_view resource) const {
  for (const Entry& entry : entries_)
    if (&entry.agent == &agent) return std::find(entry.resources.begin(), entry.resources.end(), resource) != entry.resources.end();
  return false;
}

std::optional<std::string_view> inactive_because(const OwnToken& token, const registry::Snapshot& snapshot,
                                                 const registry::Revocations& revocations, const Settings& settings, Instant now) {
  if (token.expires <= to_unix_seconds(now)) return "expired";
  if (revocations.is_token_revoked(token.jti)) return "token_revoked";
  if (!token.sid.empty() && revocations.is_session_ended(token.sid)) return "session_ended";
  const registry::User* user = snapshot.user(token.subject);
  if (user == nullptr || !user->active) return "user_disabled";
  if (registry::is_taken_back(from_unix_seconds(token.issued_at), *user, revocations)) return "issued_before_not_before";
  const auto linked = registry::read_linked_subject(token.claims);
  if (!linked) return "account_unlinked";
  if (*linked)
    if (const auto why = registry::ended_because(**linked, token.subject, snapshot)) return registry::to_string(*why);
  const auto client = snapshot.agent_at_resource_as(settings.issuer, token.client_id);
  if (client.agent == nullptr || !client.agent->active) return "client_disabled";
  const registry::Server* server = snapshot.server_by_resource(token.audience);
  if (server == nullptr || !server->active || server->resource_as != settings.issuer) return "server_disabled";
  return std::nullopt;
}

Introspection::Introspection(const Settings& settings, const ResourceServers& resource_servers, const SigningKeys& signing_keys,
                             const registry::Revocations& revocations)
    : settings_(settings), resource_servers_(resource_servers), signing_keys_(signing_keys), revocations_(revocations) {}

Task<Outcome> Introspection::decide(const TokenRequest& request, const Client& client) {
  const std::string* presented = request.parameters.find("token");
  if (presented == nullptr)
    co_return Outcome(refuse(event(), oauth::ErrorCode::invalid_request, "the parameter token is missing", "token_missing"));

  Granted answer;
  answer.durability = audit::Durability::process;   // it gives nothing away that a crash could undo
  answer.record.event = event();
  answer.body = {{"active", false}};
  const auto keys = signing_keys_.current();
  const auto token = read_own_token(*presented, *keys, settings_);
  if (!token) {
    answer.record.reason = "not_our_token";
    co_return Outcome(std::move(answer));
  }
  answer.record.access_token_jti = token->jti;
  answer.record.resource = token->audience;
  answer.record.user = token->subject;

  // OB-81: who has no business with the token learns what a stranger would, also that it is none.
  const bool is_theirs = resource_servers_.is_one(*client.agent) ? resource_servers_.may_see(*client.agent, token->audience)
                                                                 : token->client_id == client.registration->client_id;
  const auto inactive = inactive_because(*token, *client.snapshot, revocations_, settings_, request.now);
  if (!is_theirs) answer.record.reason = "not_for_this_caller";
  else if (inactive) answer.record.reason = *inactive;
  else answer.record.reason = "active", answer.body = active_body(*token);
  co_return Outcome(std::move(answer));
}

}  // namespace writ::token_service::resource_as
