#include "token_service/idp/client_request.h"
#include "token_service/idp/federation/callback.h"

#include "oauth/id_token.h"
#include "token_service/idp/authorize.h"
#include "token_service/idp/federation/admit_person.h"
#include "token_service/idp/federation/authentication_request.h"
#include "token_service/idp/federation/code_exchange.h"
#include "token_service/idp/federation/group_overage.h"
#include "token_service/idp/pages.h"
#include "token_service/idp/sign_in_completion.h"

namespace writ::token_service::idp {
namespace {

// Why a sign-in at a provider came to nothing: the reason for the record, and what the person is told.
struct Failed {
  int status = 400;
  std::string reason;
  const char* told = "";
  std::string user;
};
constexpr const char* kNotFinished = "The sign-in did not come back as it should. Please try again.";
constexpr const char* kNotReached = "The sign-in service cannot be reached at the moment. Please try again.";
constexpr const char* kNotAccepted = "The answer of the sign-in service was not accepted. Try again, or tell your administrator.";

const char* told(NotAdmitted reason) {
  switch (reason) {
    case NotAdmitted::user_disabled: return "Your account is disabled here. Ask your administrator to enable it.";
    case NotAdmitted::unknown:
    case NotAdmitted::not_a_person: return "You signed in, but nobody has given you access here. Ask your administrator to add you.";
    case NotAdmitted::email_not_verified:
    case NotAdmitted::email_not_in_domains: return "Your e-mail address is not one that may sign in this way. Ask your administrator.";
    default: return "You signed in, but your account cannot be told apart from another one here. Ask your administrator to link it.";
  }
}

struct Answer {
  std::string code;
};

// The authorization response (RFC 6749 §4.1.2, RFC 9207). The state was checked before.
Result<Answer, Failed> read_answer(const form::Parameters& parameters, const registry::IdentityConnector& connector, const ProviderMetadata& provider) {
  const auto* issuer = parameters.find("iss");
  // Mix-up: an answer of one provider, delivered at the redirect URI of another. Also errors are only believed from who they claim to be of.
  if (issuer ? *issuer != connector.issuer : provider.sends_issuer) return unexpected(Failed{400, "upstream_iss_mismatch", kNotAccepted, {}});
  if (const auto* error = parameters.find("error")) {
    const bool cancelled = *error == "access_denied";
    return unexpected(Failed{400, cancelled ? "upstream_access_denied" : "upstream_error", cancelled ? "The sign-in was cancelled or refused by the sign-in service." : kNotFinished, {}});
  }
  const auto* code = parameters.find("code");
  if (!code) return unexpected(Failed{400, "upstream_no_code", kNotFinished, {}});
  return Answer{*code};
}

std::optional<std::int64_t> asked_max_age(const form::Parameters& asked) {
  const auto* text = asked.find("max_age");
  if (!text || text->empty() || text->size() > 9 || text->find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::stoll(*text);
}

struct Proven {
  oauth::IdToken token;
  UpstreamPerson person;
};

// Code for tokens, tokens for claims, claims for a person; each step may only say more than the one before when it agrees with it.
Task<Result<Proven, Failed>> prove(const Idp& idp, registry::IdentityConnector connector, ProviderDirectory::Known provider, PendingSignIn pending, std::string code) {
  Federation& federation = *idp.federation;
  CodeToExchange exchange{std::move(code), upstream_redirect_uri(idp.settings, connector), verifier_of(idp, pending)};
  const auto tokens = co_await exchange_code(federation, connector, provider->token_endpoint, std::move(exchange));
  if (!tokens) {
    const bool reached = tokens.error() != ExchangeProblem::unreachable;
    co_return unexpected(Failed{reached ? 400 : 503, std::string(to_string(tokens.error())), reached ? kNotAccepted : kNotReached, {}});
  }
  auto unverified = jose::UnverifiedJwt::parse(tokens->id_token);
  if (!unverified) co_return unexpected(Failed{400, "upstream_token_malformed", kNotAccepted, {}});
  const Instant now = idp.clock.now();
  jose::KeySource source(connector.issuer, provider->jwks_uri, false);
  const auto keys = co_await federation.keys.find(std::move(source), unverified->kid(), now);
  if (!keys) co_return unexpected(Failed{503, "upstream_keys_unavailable", kNotReached, {}});

  oauth::IdTokenRules rules;
  rules.issuer = connector.issuer, rules.audience = connector.client_id, rules.algorithms = provider->algorithms;
  rules.nonce = nonce_of(idp, pending);
  rules.access_token = tokens->access_token;
  if (const auto asked = form::parse(pending.continue_with)) rules.max_age_seconds = asked_max_age(*asked);
  rules.skew_seconds = idp.settings.skew_seconds;
  rules.now = now;
  auto token = oauth::check_id_token(std::move(*unverified), **keys, rules);
  if (!token) co_return unexpected(Failed{400, std::string(to_string(token.error())), kNotAccepted, {}});

  json::Value claims = token->claims;
  if (connector.userinfo && !provider->userinfo_endpoint.empty() && tokens->access_token) {
    const auto userinfo = co_await fetch_userinfo(federation, provider->userinfo_endpoint, *tokens->access_token, token->subject);
    // Going on without it could go on without a group that something is forbidden to.
    if (!userinfo) co_return unexpected(Failed{503, std::string(to_string(userinfo.error())), kNotReached, {}});
    claims = merged(std::move(claims), *userinfo);
  }
  const bool may_ask = connector.group_overage && !connector.groups.empty() && tokens->access_token && !provider->userinfo_endpoint.empty();
  if (may_ask && says_groups_are_elsewhere(claims, connector.claims.groups)) {
    const auto groups = co_await fetch_groups(federation, provider->userinfo_endpoint, *tokens->access_token);
    if (!groups) co_return unexpected(Failed{503, std::string(to_string(groups.error())), kNotReached, {}});
    claims = with_groups(std::move(claims), connector.claims.groups, *groups);
  }
  auto person = read_person(connector, claims);
  if (!person) co_return unexpected(Failed{400, std::string(to_string(person.error())), kNotAccepted, {}});
  co_return Proven{std::move(*token), std::move(*person)};
}

Task<http::Response> refuse(const Idp& idp, const http::Request& http, const registry::IdentityConnector* connector, std::string continue_with, Failed failed) {
  const Instant now = idp.clock.now();
  const auto snapshot = idp.registry.get();
  audit::Record record = sign_in_record(failed.user.empty() ? nullptr : snapshot->user(failed.user), {}, http, nullptr, now);
  record.effect = audit::Effect::deny;
  record.reason = failed.reason;
  if (connector) record.issuer = connector->issuer, record.more.emplace_back("connector", connector->id);
  // Whoever calls this address with nonsense must not buy a disk flush each time.
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::process};
  const auto committed = co_await idp.log.commit(std::move(commit));
  if (!committed) co_return unavailable_page(idp);
  co_return sign_in_again(idp, http, failed.status, continue_with, failed.told);
}

SignIn sign_in_of(const registry::IdentityConnector& connector, const Proven& proven, const Admitted& admitted, Instant now) {
  SignIn sign_in;
  sign_in.user = admitted.user;
  sign_in.name = admitted.user->name;
  sign_in.how = "federated";
  sign_in.acr = mapped(connector.acr, proven.token.acr);
  sign_in.amr = mapped(connector.amr, proven.token.amr);
  // `iat` would make a provider's week-old session look like a sign-in of just now.
  sign_in.auth_time = proven.token.auth_time.value_or(Instant{});
  sign_in.upstream = {connector.id, connector.issuer, proven.token.subject, proven.token.sid};
  if (connector.session_max_seconds) sign_in.ends = now + Seconds{*connector.session_max_seconds};
  sign_in.more = {{"connector", connector.id}, {"person", admitted.how}};
  return sign_in;
}

}  // namespace

Task<http::Response> federation_callback(const Idp& idp, const http::Request& http, std::string connector_id) {
  const Instant began = idp.clock.now();
  const auto snapshot = idp.registry.get();
  const registry::IdentityConnector* connector = snapshot->identity_connector(connector_id);
  const auto parameters = form::parse(http.query);
  const auto* state = parameters && !parameters->first_repeated({}) ? parameters->find("state") : nullptr;
  const auto pending = state ? find_pending(idp, http, *state, began) : std::nullopt;
  // Its temporaries must be gone before the wait: g++ 12 destroys those of an expression with co_await twice.
  const auto fail = [&](int status, std::string reason, const char* said, std::string user = {}) {
    Failed failed{status, std::move(reason), said, std::move(user)};
    return refuse(idp, http, connector, pending ? pending->continue_with : std::string(), std::move(failed));
  };
  if (!pending) {
    auto refusing = fail(400, "upstream_state_unknown", "This sign-in was not begun in this browser, or it took too long. Please try again.");
    auto response = co_await std::move(refusing);
    co_return response;
  }
  const auto finish = [&](http::Response response) {
    response.headers.add("Set-Cookie", clearing_cookie_for(idp, *pending));   // one answer for one question
    return response;
  };
  if (!connector || !connector->active || pending->connector != connector->id) {
    auto refusing = fail(400, "upstream_connector_mismatch", kNotAccepted);
    auto response = co_await std::move(refusing);
    co_return finish(std::move(response));
  }
  const auto provider = co_await idp.federation->providers.find(connector->issuer, began);
  if (!provider) {
    auto refusing = fail(503, std::string(to_string(provider.error())), kNotReached);
    auto response = co_await std::move(refusing);
    co_return finish(std::move(response));
  }
  auto answered = read_answer(*parameters, *connector, **provider);
  if (!answered) {
    auto refusing = fail(answered.error().status, answered.error().reason, answered.error().told);
    auto response = co_await std::move(refusing);
    co_return finish(std::move(response));
  }
  const auto proven = co_await prove(idp, *connector, *provider, *pending, answered->code);
  if (!proven) {
    auto refusing = fail(proven.error().status, proven.error().reason, proven.error().told);
    auto response = co_await std::move(refusing);
    co_return finish(std::move(response));
  }
  const auto admitted = co_await admit_person(idp, *idp.federation, *connector, proven->person, proven->token.issued_at, http.peer.address);
  if (!admitted) {
    const auto* reason = std::get_if<NotAdmitted>(&admitted.error());
    if (!reason) co_return finish(unavailable_page(idp));
    const auto* known = snapshot->user_by_link(proven->person.issuer, proven->person.tenant, proven->person.subject);
    auto refusing = fail(403, std::string(to_string(*reason)), told(*reason), known ? known->id : std::string());
    auto response = co_await std::move(refusing);
    co_return finish(std::move(response));
  }
  // What the browser carried is a stranger's request again, and is checked from its beginning against the objects of now.
  std::optional<AuthorizationRequest> request;
  if (!pending->continue_with.empty()) {
    const auto carried = form::parse(pending->continue_with);
    auto checked = carried ? check_client_request(idp, *carried, *admitted->snapshot, Arrival::goes_on, idp.clock.now())
                           : Result<AuthorizationRequest, AuthorizationRefusal>(unexpected(AuthorizationRefusal(PageProblem::client_unknown)));
    if (!checked) co_return finish(answer(idp, checked.error()));
    request = std::move(*checked);
  }
  const Instant now = idp.clock.now();
  SignIn sign_in = sign_in_of(*connector, *proven, *admitted, now);
  auto response = co_await complete_sign_in(idp, http, std::move(request), std::move(sign_in), now);
  co_return finish(std::move(response));
}

}  // namespace writ::token_service::idp
