#include "token_service/idp/federation/upstream_logout.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "oauth/id_token.h"
#include "token_service/form_request.h"
#include "token_service/idp/browser.h"
#include "token_service/idp/federation/authentication_request.h"
#include "token_service/idp/federation/federation.h"
#include "token_service/idp/pages.h"
#include "token_service/idp/session_administration.h"
#include "token_service/idp/tokens.h"

namespace writ::token_service::idp {
namespace {

using Problem = LogoutTokenProblem;
constexpr const char* kEvent = "http://schemas.openid.net/event/backchannel-logout";
constexpr const char* kOnward = "signed-out";
constexpr std::int64_t kLifetimeSecondsMax = 600;   // the specification recommends two minutes

http::Response refused(std::string_view error, std::string_view description, int status = 400) {
  const json::Value body{{"error", error}, {"error_description", description}};
  return http::no_store(http::json(status, json::write(body)));
}

}  // namespace

std::string_view to_string(LogoutTokenProblem problem) {
  switch (problem) {
    case Problem::signature: return "logout_token_signature";
    case Problem::wrong_type: return "logout_token_wrong_type";
    case Problem::issuer: return "logout_token_issuer";
    case Problem::audience: return "logout_token_audience";
    case Problem::times: return "logout_token_times";
    case Problem::jti: return "logout_token_jti";
    case Problem::events: return "logout_token_events";
    case Problem::has_nonce: return "logout_token_has_nonce";
    case Problem::names_nobody: return "logout_token_names_nobody";
  }
  return "logout_token_malformed";
}

Result<LogoutToken, LogoutTokenProblem> check_logout_token(jose::UnverifiedJwt token, const jose::KeySet& keys, const LogoutTokenRules& rules) {
  const auto verified = jose::VerifiedJwt::verify(std::move(token), keys, rules.algorithms);
  if (!verified) return unexpected(Problem::signature);
  // `logout+jwt` is recommended, and older providers write JWT or nothing; the event and the missing nonce tell it from an ID token then.
  if (verified->header().find("typ") && !verified->has_type("logout+jwt") && !verified->has_type("JWT")) return unexpected(Problem::wrong_type);
  const json::Value& claims = verified->claims();
  const auto* issuer = claims.find_string("iss");
  if (!issuer || *issuer != rules.issuer) return unexpected(Problem::issuer);
  if (!has_single_audience(claims, rules.audience)) return unexpected(Problem::audience);
  const std::int64_t now = to_unix_seconds(rules.now);
  const jose::TimeRules times{.skew_seconds = rules.skew_seconds, .lifetime_seconds_max = kLifetimeSecondsMax, .iat_required = true};
  if (!jose::check_times(claims, now, times)) return unexpected(Problem::times);
  const auto* jti = claims.find_string("jti");
  if (!jti || jti->empty() || jti->size() > 255) return unexpected(Problem::jti);
  const json::Value* events = claims.find("events");
  const json::Value* event = events ? events->find(kEvent) : nullptr;
  if (!event || !event->is_object()) return unexpected(Problem::events);
  // An ID token has one. Accepting it here would let whoever holds an ID token sign its owner out.
  if (claims.find("nonce")) return unexpected(Problem::has_nonce);
  const auto subject = oauth::optional_text(claims, "sub"), sid = oauth::optional_text(claims, "sid");
  if (!subject || !sid || (subject->empty() && sid->empty()) || subject->size() > 255 || sid->size() > 255) return unexpected(Problem::names_nobody);
  return LogoutToken{*jti, *subject, *sid, from_unix_seconds(*claims.find_int("iat")), from_unix_seconds(*claims.find_int("exp")) + Seconds{rules.skew_seconds}};
}

std::string upstream_session_name(std::string_view issuer, std::string_view subject, std::string_view sid) {
  std::string parts;
  for (const auto part : {issuer, subject, sid}) parts += std::to_string(part.size()) + ":" + std::string(part);
  return "ups_" + base64url::encode(crypto::sha256_bytes(parts).substr(0, 16));
}

namespace {

// Everything that lives on what the provider ended: sessions here, and what was issued for direct subject tokens of that session.
Task<Result<void, Unavailable>> end_all(const Idp& idp, registry::IdentityConnector connector, LogoutToken token, std::string peer) {
  Result<void, Unavailable> all;
  for (const Session& session : idp.sessions.of_upstream(connector.issuer, token.subject, token.sid)) {
    if (session.ended) continue;
    std::string actor = "connector:" + connector.id;
    const auto ended = co_await end_session(idp, session.id, SessionEnd::revoked, std::move(actor), peer);
    if (!ended) all = unexpected(ended.error());   // go on: each that can be ended is
  }
  if (!token.sid.empty()) {
    const Instant forget_after = idp.clock.now() + Seconds{connector.max_subject_age_seconds + idp.settings.session_absolute_seconds};
    // Named without the subject too: a logout token may leave it out.
    std::string name = upstream_session_name(connector.issuer, "", token.sid);
    const auto direct = co_await idp.revocations.end_session(std::move(name), forget_after);
    if (!direct) all = unexpected(direct.error());
    co_return all;
  }
  // All sessions of that person at the provider: there is no list of them for direct subject tokens, so a moment stands for them.
  const auto snapshot = idp.registry.get();
  for (const registry::User* user : snapshot->people().linked_to(connector.issuer, token.subject)) {
    const auto raised = co_await idp.federation->people.set_not_before(user->id, idp.clock.now(), connector.id, peer);
    if (!raised) all = unexpected(Unavailable{"the directory of people"});
  }
  co_return all;
}

Task<Result<bool, Unavailable>> claim(const Idp& idp, const registry::IdentityConnector& connector, const LogoutToken& token, std::string peer) {
  audit::Record record;
  record.event = audit::Event::session_revoked;
  record.effect = audit::Effect::allow;
  record.time = idp.clock.now();
  record.reason = "upstream_logout";
  record.issuer = connector.issuer;
  record.peer = std::move(peer);
  record.more = {{"connector", connector.id}, {"logout_jti", token.jti}};
  audit::Record again = record;
  again.effect = audit::Effect::deny;
  again.reason = "logout_token_replayed";
  auto once = audit::make_claim(audit::Claim::Use::logout_token, connector.issuer, token.jti, token.forget_after);
  audit::Commit commit{std::move(record), std::move(once), std::move(again), audit::Durability::power};
  const auto committed = co_await idp.log.commit(std::move(commit));
  if (!committed) co_return unexpected(committed.error());
  co_return !committed->replayed;
}

Task<http::Response> refuse_logout(const Idp& idp, const registry::IdentityConnector& connector, std::string reason, std::string peer) {
  audit::Record record;
  record.event = audit::Event::session_revoked;
  record.effect = audit::Effect::deny;
  record.time = idp.clock.now();
  record.reason = std::move(reason);
  record.issuer = connector.issuer;
  record.peer = std::move(peer);
  record.more = {{"connector", connector.id}};
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::process};
  const auto committed = co_await idp.log.commit(std::move(commit));
  if (!committed) co_return refused("temporarily_unavailable", "try again later", 503);
  co_return refused("invalid_request", "the logout token is not accepted");
}

}  // namespace

Task<http::Response> backchannel_logout(const Idp& idp, const http::Request& http, std::string connector_id) {
  const auto snapshot = idp.registry.get();
  const registry::IdentityConnector* connector = snapshot->identity_connector(connector_id);
  if (!connector || !connector->active) co_return refused("invalid_request", "there is no such connector", 404);
  const auto typed = check_media_type(http);
  const auto parameters = read_form(http);
  if (!typed || !parameters || parameters->first_repeated({})) co_return refused("invalid_request", "the request must be a form with one logout_token");
  const auto* text = parameters->find("logout_token");
  auto unverified = text ? jose::UnverifiedJwt::parse(*text) : Result<jose::UnverifiedJwt, jose::JwtProblem>(unexpected(jose::JwtProblem::not_compact));
  if (!unverified) {
    std::string reason = "logout_token_malformed";
    auto response = co_await refuse_logout(idp, *connector, std::move(reason), http.peer.address);
    co_return response;
  }
  const Instant now = idp.clock.now();
  const auto provider = co_await idp.federation->providers.find(connector->issuer, now);
  if (!provider) co_return refused("temporarily_unavailable", "try again later", 503);
  jose::KeySource source(connector->issuer, (*provider)->jwks_uri, false);
  const auto keys = co_await idp.federation->keys.find(std::move(source), unverified->kid(), now);
  if (!keys) co_return refused("temporarily_unavailable", "try again later", 503);
  const LogoutTokenRules rules{connector->issuer, connector->client_id, (*provider)->algorithms, idp.settings.skew_seconds, now};
  const auto token = check_logout_token(std::move(*unverified), **keys, rules);
  if (!token) {
    std::string reason(to_string(token.error()));
    auto response = co_await refuse_logout(idp, *connector, std::move(reason), http.peer.address);
    co_return response;
  }
  const auto first = co_await claim(idp, *connector, *token, http.peer.address);
  if (!first) co_return refused("temporarily_unavailable", "try again later", 503);
  if (!*first) co_return refused("invalid_request", "the logout token is not accepted");
  const auto ended = co_await end_all(idp, *connector, *token, http.peer.address);
  if (!ended) co_return refused("temporarily_unavailable", "try again later", 503);
  co_return http::no_store(http::text(200, ""));
}

Task<std::optional<std::string>> upstream_sign_out(const Idp& idp, UpstreamSession upstream, std::string onward) {
  const auto snapshot = idp.registry.get();
  const auto* connector = idp.federation ? snapshot->identity_connector(upstream.connector) : nullptr;
  if (!connector || !connector->active || !connector->sign_out_upstream || connector->issuer != upstream.issuer) co_return std::nullopt;
  const auto provider = co_await idp.federation->providers.find(connector->issuer, idp.clock.now());
  if (!provider || (*provider)->end_session_endpoint.empty()) co_return std::nullopt;
  // Where to afterwards comes back through a browser, so it is signed: an open redirect would be a present for phishers.
  const std::string state = base64url::encode(onward) + "." + form_token(idp, kOnward, connector->id, onward);
  const std::string& endpoint = (*provider)->end_session_endpoint;
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"client_id", connector->client_id}, {"post_logout_redirect_uri", idp.settings.endpoint("federation") + "/" + connector->id + "/signed-out"}, {"state", state}};
  co_return endpoint + (endpoint.find('?') == std::string::npos ? "?" : "&") + form::write(pairs);
}

Task<http::Response> signed_out_upstream(const Idp& idp, const http::Request& http, std::string connector_id) {
  const auto parameters = form::parse(http.query);
  const auto* state = parameters && !parameters->first_repeated({}) ? parameters->find("state") : nullptr;
  if (state) {
    const auto dot = state->find('.');
    const auto onward = dot == std::string::npos ? std::nullopt : base64url::decode(std::string_view(*state).substr(0, dot));
    if (onward && !onward->empty() && is_form_token(idp, std::string_view(*state).substr(dot + 1), kOnward, connector_id, *onward)) co_return redirect(*onward);
  }
  co_return message_page(200, idp.settings.organisation, "You are signed out", "Agents that used this sign-in can no longer reach anything for you.");
}

}  // namespace writ::token_service::idp
