#include "client/grants/grant_access.h"

#include "client/scope_selection.h"
#include "encoding/uri.h"
#include "oauth/scope.h"

namespace writ::client {
namespace {

constexpr auto kRenewBefore = Seconds{30};
constexpr auto kJustGranted = Seconds{10};
constexpr auto kRememberFailure = Seconds{300};
constexpr std::size_t kRejectionsMax = 6;              // within that time
constexpr std::int64_t kAssumedLifetimeSeconds = 60;   // of a token whose server does not say

Failure failure(FailureKind kind, std::string message) { return Failure{kind, std::move(message), {}, {}, {}, {}}; }

bool covers(const std::string& granted, const std::string& asked) {
  const auto have = oauth::ScopeSet::parse(granted);
  const auto want = oauth::ScopeSet::parse(asked);
  return !want || want->empty() || (have && want->is_subset_of(*have));
}

// The network may be back at once, and who cancelled may want it now.
bool is_worth_remembering(FailureKind kind) { return kind != FailureKind::unreachable && kind != FailureKind::cancelled; }

// MCPA-123: the server refuses a token that was made to its wish, or asks for what was asked for and not granted. Another one would be the same token.
std::optional<Failure> asks_in_vain(const GrantedAccess& held, const std::string& requested_scope, Instant granted, const Challenge& challenge, const std::string& url, Instant now) {
  const std::string error = challenge.parameter("error");
  if (error == "insufficient_scope") {
    const std::string scope = challenge.parameter("scope");
    if (scope.empty()) return failure(FailureKind::denied, url + " wants more scope and does not say which");
    if (covers(held.scope, scope)) return failure(FailureKind::denied, url + " wants the scope `" + printable(scope) + "`, which its token has already");
    const bool was_asked_for = covers(requested_scope, scope) && now < granted + kRememberFailure;
    if (was_asked_for) return failure(FailureKind::denied, held.resource_as + " does not grant `" + printable(scope) + "`, which " + url + " wants");
    return std::nullopt;
  }
  if (error == "insufficient_user_authentication" || now > granted + kJustGranted) return std::nullopt;
  return failure(FailureKind::refused, url + " does not accept the token that " + held.resource_as + " has just issued for it");
}

}  // namespace

AuthorizationServer default_authorization_server(const std::string& origin) {
  AuthorizationServer server;
  server.issuer = origin;
  server.authorization_endpoint = origin + "/authorize";
  server.token_endpoint = origin + "/token";
  server.registration_endpoint = origin + "/register";
  server.code_challenge_methods = {"S256"};   // that revision requires it of everybody, and has no place to say so
  return server;
}

GrantAccess::GrantAccess(http::Outgoing& outgoing, const Clock& clock, Grant& grant, GrantAccessSettings settings)
    : outgoing_(outgoing), clock_(clock), grant_(grant), settings_(std::move(settings)) {}

// MCPA-18: the first listed authorization server that can be asked in the way that this client was set up for.
Task<Result<GrantTarget, Failure>> GrantAccess::choose(std::string url, ProtectedResource resource) {
  std::optional<Failure> last;
  for (const std::string& issuer : resource.authorization_servers) {
    auto server = co_await discover_authorization_server(outgoing_, issuer);
    if (!server) {
      last = server.error();
      continue;
    }
    const auto usable = grant_.check(*server);
    if (usable) co_return GrantTarget{url, resource, std::move(*server), nullptr};
    last = usable.error();
  }
  co_return unexpected(std::move(*last));   // INVARIANT: read_protected_resource leaves at least one
}

Task<Result<GrantAccess::Server, Failure>> GrantAccess::discover(std::string url, Challenge challenge) {
  auto resource = co_await find_protected_resource(outgoing_, url, challenge);
  if (!resource) co_return unexpected(resource.error());
  if (*resource) {
    auto target = co_await choose(url, std::move(**resource));
    if (!target) co_return unexpected(target.error());
    Server server;
    server.target = std::move(*target);
    co_return server;
  }
  const auto called = uri::parse(url);
  if (!settings_.accept_2025_03_26 || !called) co_return unexpected(failure(FailureKind::bad_metadata, url + " publishes no protected resource metadata"));
  const std::string origin = called->origin();
  auto published = co_await find_authorization_server(outgoing_, origin);
  if (!published) co_return unexpected(published.error());
  Server server;
  server.target.url = url;
  server.target.resource.resource = url;
  server.target.server = *published ? std::move(**published) : default_authorization_server(origin);
  const auto usable = grant_.check(server.target.server);
  if (!usable) co_return unexpected(usable.error());
  co_return server;
}

Task<Result<GrantAccess::Server*, Failure>> GrantAccess::find_server(std::string url, Challenge challenge, bool look_again) {
  const auto known = servers_.find(url);
  if (known != servers_.end() && !look_again) co_return &known->second;
  auto discovered = co_await discover(url, challenge);
  if (!discovered) co_return unexpected(discovered.error());
  if (known == servers_.end()) co_return &servers_.emplace(url, std::move(*discovered)).first->second;
  Server& server = known->second;
  // MCPA-61: nothing that one authorization server gave is taken to another.
  const bool same = server.target.server.issuer == discovered->target.server.issuer && server.target.resource.resource == discovered->target.resource.resource;
  if (same) {
    server.target = std::move(discovered->target);
  } else {
    server = std::move(*discovered);
  }
  co_return &server;
}

// What can be answered without asking anybody: the token that is held, or that asking is in vain.
std::optional<Result<GrantedAccess, Failure>> GrantAccess::from_memory(Server& server, const Challenge& challenge, const std::string& rejected, const GrantWish& wish) const {
  const Instant now = clock_.now();
  const bool is_for_next_sign_in = wish.signs_in_again && rejected.empty();
  const bool rejects_held = server.access && server.access->access_token == rejected;
  if (server.access && !rejects_held && !is_for_next_sign_in && covers(server.requested_scope, wish.scope) && now + kRenewBefore < server.access->expires) {
    return Result<GrantedAccess, Failure>(*server.access);
  }
  const bool is_same_wish = server.failed_wish.scope == wish.scope && server.failed_wish.signs_in_again == wish.signs_in_again;
  if (server.failure && now < server.failed + kRememberFailure && is_same_wish) return Result<GrantedAccess, Failure>(unexpected(*server.failure));
  if (!rejects_held) return std::nullopt;
  auto vain = asks_in_vain(*server.access, server.requested_scope, server.granted, challenge, server.target.url, now);
  if (!vain) return std::nullopt;
  if (vain->kind == FailureKind::refused) remember(server, *vain, wish);
  return Result<GrantedAccess, Failure>(unexpected(std::move(*vain)));
}

void GrantAccess::remember(Server& server, const Failure& failure, const GrantWish& wish) const {
  server.access.reset();
  if (!is_worth_remembering(failure.kind)) return;
  server.failure = failure;
  server.failed_wish = wish;
  server.failed = clock_.now();
}

// A server that wants ever other scopes, or is never content for long, would have a page opened for each.
bool GrantAccess::is_rejected_too_often(Server& server) const {
  const Instant now = clock_.now();
  std::erase_if(server.rejections, [&](Instant when) { return when + kRememberFailure <= now; });
  if (server.rejections.size() >= kRejectionsMax) return true;
  server.rejections.push_back(now);
  return false;
}

Task<Result<GrantedAccess, Failure>> GrantAccess::ask(Server* server, GrantWish wish, bool held_is_good) {
  const auto held = server->access;
  const bool proves = settings_.possession && settings_.possession->proves(server->target.resource, server->target.server);
  server->target.possession = proves ? settings_.possession : nullptr;
  auto token = co_await grant_.obtain(server->target, wish);
  if (!token) {
    remember(*server, token.error(), wish);
    if (held_is_good) server->access = held;   // for what it was good for
    co_return unexpected(token.error());
  }
  server->failure.reset();
  server->requested_scope = wish.scope;
  server->granted = clock_.now();
  const auto lifetime = Seconds{token->expires_in.value_or(kAssumedLifetimeSeconds)};
  GrantedAccess granted{std::move(token->value), std::move(token->scope), server->target.resource.resource, server->target.server.issuer, server->granted + lifetime, false};
  server->access = granted;
  granted.stepped_up = wish.signs_in_again;
  co_return granted;
}

Task<Result<GrantedAccess, Failure>> GrantAccess::answer(std::string url, Challenge challenge, std::string rejected, StepUp step_up) {
  // A 401 for a token of ours may mean that the server has another authorization server now: its metadata tells.
  const std::string error = challenge.parameter("error");
  const bool look_again = !rejected.empty() && error != "insufficient_scope" && error != "insufficient_user_authentication";
  const auto found = co_await find_server(url, challenge, look_again);
  if (!found) co_return unexpected(found.error());
  Server* server = *found;

  GrantWish wish;
  wish.scope = scope_to_request(challenge, server->target.resource.scopes_supported, settings_.scope, server->requested_scope);
  auto needed = step_up_of(challenge, url);
  if (needed) {
    wish.signs_in_again = true;
    wish.acr_values = needed->acr_values;
    wish.max_age_seconds = needed->max_age_seconds;
  }
  auto known = from_memory(*server, challenge, rejected, wish);
  if (known) co_return std::move(*known);
  if (needed && step_up == StepUp::may_not) {
    needed->message += "; you have just signed in again, and it is still not enough";
    co_return unexpected(std::move(*needed));
  }
  const bool rejects_held = server->access && server->access->access_token == rejected;
  if (rejects_held && is_rejected_too_often(*server)) {
    co_return unexpected(failure(FailureKind::refused, url + " wants another token again and again: it is left alone for a while"));
  }
  auto granted = co_await ask(server, wish, error == "insufficient_scope" || needed);
  co_return granted;
}

Task<Result<GrantedAccess, Failure>> GrantAccess::token_for(std::string url, Challenge challenge, std::string rejected, StepUp step_up) {
  co_await turns_.take();
  const Turns::Taken taken(turns_);
  auto granted = co_await answer(url, challenge, rejected, step_up);
  co_return granted;
}

}  // namespace writ::client
