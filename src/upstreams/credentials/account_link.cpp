#include "upstreams/credentials/account_link.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "oauth/id_token.h"
#include "oauth/identifiers.h"
#include "upstreams/credentials/company_account.h"

namespace writ::upstreams {
namespace {

constexpr const char* kPurpose = "linking an account";
constexpr const char* kNotReached = "The server's sign-in service cannot be reached at the moment. Please try again.";
constexpr const char* kNotAccepted = "The answer of the server's sign-in service was not accepted. Try again, or tell your administrator.";
constexpr crypto::Algorithm kAlgorithms[] = {crypto::Algorithm::es256, crypto::Algorithm::es384, crypto::Algorithm::rs256, crypto::Algorithm::ps256, crypto::Algorithm::eddsa};

// What the browser carries between the two halves.
struct Pending {
  std::string state, nonce, verifier, server, user, session, issuer;
  std::int64_t expires = 0;
};

std::string seal(const crypto::SealingKey& key, const Pending& pending) {
  const json::Value content = json::Array{pending.state, pending.nonce, pending.verifier, pending.server, pending.user, pending.session, pending.issuer, pending.expires};
  return base64url::encode(key.seal(json::write(content), kPurpose));
}

std::optional<Pending> open(const crypto::SealingKey& key, const std::string& sealed) {
  const auto bytes = base64url::decode(sealed);
  const auto opened = bytes ? key.open(*bytes, kPurpose) : std::nullopt;
  if (!opened) return std::nullopt;
  const auto content = json::parse(opened->reveal());
  const auto* parts = content ? content->as_array() : nullptr;
  if (!parts || parts->size() != 8) return std::nullopt;
  Pending pending;
  std::size_t at = 0;
  for (std::string* text : {&pending.state, &pending.nonce, &pending.verifier, &pending.server, &pending.user, &pending.session, &pending.issuer}) {
    const auto* found = (*parts)[at++].as_string();
    if (!found) return std::nullopt;
    *text = *found;
  }
  const auto* expires = parts->back().as_int();
  if (!expires) return std::nullopt;
  pending.expires = *expires;
  return pending;
}

// A server at which accounts are linked now; null otherwise.
const registry::Server* linkable(const registry::Snapshot& snapshot, const std::string& id) {
  const registry::Server* server = snapshot.server(id);
  if (!server || !server->active || !server->upstream || !server->upstream->oauth) return nullptr;
  return server->upstream->oauth->grant == registry::UpstreamOAuth::Grant::authorization_code ? server : nullptr;
}

LinkRefused no_such_server() { return {404, "server_unknown", "There is no such server to link an account at."}; }

Result<void, LinkRefused> check_server(const client::AuthorizationServer& server) {
  const auto& methods = server.code_challenge_methods;
  // MCPA-56: without PKCE a code that leaks is a token.
  if (std::find(methods.begin(), methods.end(), "S256") == methods.end()) return unexpected(LinkRefused{502, "no_pkce", "The server's sign-in service lacks a protection (PKCE) that is required here. Tell your administrator."});
  if (server.authorization_endpoint.empty()) return unexpected(LinkRefused{502, "no_authorization_endpoint", kNotAccepted});
  return {};
}

struct Proven {
  TokenAnswer tokens;
  AccountIdentity identity;
};

// Tokens that are not kept are given back, as far as the server takes them.
Task<void> give_back(std::shared_ptr<Accounts> accounts, registry::UpstreamAddress address, Secret refresh_token, Secret access_token) {
  const auto servers = accounts->parts().core->servers;
  const Instant now = accounts->parts().core->clock.now();
  if (!refresh_token.empty()) static_cast<void>(co_await servers->revoke(address, refresh_token, "refresh_token", now));
  if (!access_token.empty()) static_cast<void>(co_await servers->revoke(address, access_token, "access_token", now));
}
void spawn_give_back(const std::shared_ptr<Accounts>& accounts, const registry::UpstreamAddress& address, Secret refresh_token, Secret access_token) {
  spawn(give_back(accounts, address, std::move(refresh_token), std::move(access_token)), [](std::exception_ptr) {});
}

// The code for tokens, tokens for claims, claims for an account; each step may only say more than the one before when it agrees with it.
Task<Result<Proven, LinkRefused>> prove(std::shared_ptr<Accounts> accounts, registry::UpstreamAddress address, KnownServer known, Pending pending, std::string code) {
  const Accounts::Parts& parts = accounts->parts();
  const Instant now = parts.core->clock.now();
  const registry::UpstreamOAuth& oauth = *address.oauth;
  client::FormFields form{{"grant_type", std::string(oauth::kGrantAuthorizationCode)}, {"code", code}, {"redirect_uri", link_redirect_uri(*accounts, pending.server)}, {"code_verifier", pending.verifier}};
  if (const std::string resource = resource_parameter(address); !resource.empty()) form.emplace_back("resource", resource);
  auto answer = co_await parts.core->servers->ask_token(address, std::move(form), now);
  if (!answer) {
    const bool is_refused = std::holds_alternative<TokenRefused>(answer.error());
    parts.warn(to_failure(answer.error(), pending.server).detail);
    co_return unexpected(LinkRefused{is_refused ? 400 : 503, is_refused ? "code_refused" : "token_endpoint_failed", is_refused ? kNotAccepted : kNotReached});
  }
  Proven proven;
  proven.tokens = std::move(*answer);
  json::Value claims = json::Object{};
  std::string subject;
  if (!proven.tokens.id_token.empty()) {
    auto unverified = jose::UnverifiedJwt::parse(proven.tokens.id_token);
    if (!unverified) co_return unexpected(LinkRefused{400, "id_token_malformed", kNotAccepted});
    if (known->jwks_uri.empty()) co_return unexpected(LinkRefused{502, "no_keys", kNotAccepted});
    jose::KeySource source(known->issuer, known->jwks_uri, false);
    const auto keys = co_await parts.keys.find(std::move(source), unverified->kid(), now);
    if (!keys) co_return unexpected(LinkRefused{503, "keys_unavailable", kNotReached});
    oauth::IdTokenRules rules;
    rules.issuer = oauth.issuer, rules.audience = oauth.client_id, rules.algorithms = kAlgorithms, rules.nonce = pending.nonce, rules.now = now;
    rules.access_token = std::string(proven.tokens.access_token.reveal());
    auto token = oauth::check_id_token(std::move(*unverified), **keys, rules);
    if (!token) co_return unexpected(LinkRefused{400, std::string(oauth::to_string(token.error())), kNotAccepted});
    claims = std::move(token->claims);
    subject = token->subject;
  }
  // Userinfo says what the ID token does not; alone it is enough, because it came for this very access token from the server itself.
  const bool is_enough = !subject.empty() && check_company_account(oauth, claims).has_value();
  if (!is_enough && !known->userinfo_endpoint.empty()) {
    auto userinfo = co_await parts.core->servers->get(address, known->userinfo_endpoint, proven.tokens.access_token);
    if (!userinfo) co_return unexpected(LinkRefused{503, "userinfo_failed", kNotReached});
    const auto* said = userinfo->find_string("sub");
    if (!said || (!subject.empty() && *said != subject)) co_return unexpected(LinkRefused{400, "userinfo_of_another", kNotAccepted});
    for (const json::Member& member : *userinfo->as_object()) {
      if (!claims.find(member.name)) claims.set(member.name, member.value);
    }
  }
  auto identity = check_company_account(oauth, claims);
  if (!identity) {
    spawn_give_back(accounts, address, Secret(proven.tokens.refresh_token), proven.tokens.access_token);
    co_return unexpected(LinkRefused{403, std::string(to_string(identity.error())), std::string(explain(identity.error()))});
  }
  proven.identity = std::move(*identity);
  co_return proven;
}

// RFC 6749 §4.1.2 and RFC 9207 (MCPA-90 to MCPA-93): nothing of an answer is acted on, or shown, before it is known whose it is.
Result<std::string, LinkRefused> read_answer(const form::Parameters& answer, const Pending& pending, const client::AuthorizationServer& known) {
  const auto* issuer = answer.find("iss");
  if (issuer ? *issuer != pending.issuer : known.sends_iss) return unexpected(LinkRefused{400, "iss_mismatch", kNotAccepted});
  if (const auto* error = answer.find("error")) {
    if (*error == "access_denied") return unexpected(LinkRefused{400, "cancelled", "The link was cancelled or refused at the server."});
    return unexpected(LinkRefused{400, "authorization_error", kNotAccepted});
  }
  const auto* code = answer.find("code");
  if (!code) return unexpected(LinkRefused{400, "no_code", kNotAccepted});
  return *code;
}

Task<LinkRefused> refuse(std::shared_ptr<Accounts> accounts, const registry::UpstreamAddress* address, LinkingPerson person, std::string server, LinkRefused refusal) {
  const Accounts::Parts& parts = accounts->parts();
  LinkedAccount nobody;
  nobody.user = person.user, nobody.server = std::move(server);
  if (address) nobody.issuer = address->oauth->issuer;
  audit::Record record = account_record(nobody, audit::Effect::deny, refusal.reason, parts.core->clock.now());
  record.session = person.session, record.peer = person.peer;
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::process};
  static_cast<void>(co_await parts.log.commit(std::move(commit)));
  co_return refusal;
}

}  // namespace

std::string link_redirect_uri(const Accounts& accounts, const std::string& server) { return accounts.parts().page + "/callback/" + server; }

Task<Result<BegunLink, LinkRefused>> begin_link(std::shared_ptr<Accounts> accounts, std::shared_ptr<const registry::Snapshot> snapshot, std::string server_id, LinkingPerson person) {
  const Accounts::Parts& parts = accounts->parts();
  const registry::Server* server = linkable(*snapshot, server_id);
  if (!server) co_return unexpected(no_such_server());
  const registry::UpstreamAddress& address = *server->upstream;
  const Instant now = parts.core->clock.now();
  const auto known = co_await parts.core->servers->find(address, now);
  if (!known) {
    parts.warn("no account can be linked at server " + server_id + ": " + known.error().detail);
    co_return unexpected(LinkRefused{503, "metadata_unavailable", kNotReached});
  }
  if (auto checked = check_server(**known); !checked) co_return unexpected(std::move(checked).error());
  const Pending pending{crypto::random_token(32), crypto::random_token(16), crypto::random_token(32), server_id, person.user, person.session, address.oauth->issuer, to_unix_seconds(now + kLinkPendingFor)};
  std::string scopes;
  for (const std::string& scope : address.oauth->scopes) scopes += (scopes.empty() ? "" : " ") + scope;
  client::FormFields query{{"response_type", "code"}, {"client_id", address.oauth->client_id}, {"redirect_uri", link_redirect_uri(*accounts, server_id)}, {"state", pending.state},
                           {"nonce", pending.nonce}, {"code_challenge", base64url::encode(crypto::sha256_bytes(pending.verifier))}, {"code_challenge_method", "S256"}};
  if (!scopes.empty()) query.emplace_back("scope", scopes);
  if (const std::string resource = resource_parameter(address); !resource.empty()) query.emplace_back("resource", resource);
  const std::string& endpoint = (*known)->authorization_endpoint;
  BegunLink begun;
  begun.location = endpoint + (endpoint.find('?') == std::string::npos ? "?" : "&") + form::write(query);
  begun.state = pending.state;
  begun.sealed = seal(parts.sealing_key, pending);
  co_return begun;
}

Task<Result<std::string, LinkRefused>> finish_link(std::shared_ptr<Accounts> accounts, std::shared_ptr<const registry::Snapshot> snapshot, std::string server_id, form::Parameters answer,
                                                   std::string sealed, LinkingPerson person) {
  const Accounts::Parts& parts = accounts->parts();
  const Instant now = parts.core->clock.now();
  const registry::Server* server = linkable(*snapshot, server_id);
  const registry::UpstreamAddress* address = server ? &*server->upstream : nullptr;
  const auto pending = open(parts.sealing_key, sealed);
  const auto* state = answer.find("state");
  std::optional<LinkRefused> refusal;
  if (!server) refusal = no_such_server();
  else if (answer.first_repeated({})) refusal = LinkRefused{400, "repeated_parameter", kNotAccepted};
  else if (!pending || !state || !crypto::constant_time_equal(*state, pending->state) || to_unix_seconds(now) >= pending->expires) {
    refusal = LinkRefused{400, "state_unknown", "This was not begun in this browser, or it took too long. Please try again."};
  // Begun by another person or in an earlier session of this browser: whoever finishes it must be the one who wanted it.
  } else if (pending->user != person.user || pending->session != person.session || pending->server != server_id || pending->issuer != address->oauth->issuer) {
    refusal = LinkRefused{400, "state_of_another", "This was begun by another sign-in or for another server. Please try again."};
  }
  std::optional<KnownServer> known;
  if (!refusal) {
    const auto found = co_await parts.core->servers->find(*address, now);
    if (found) known = *found;
    else refusal = LinkRefused{503, "metadata_unavailable", kNotReached};
  }
  std::string code;
  if (!refusal) {
    auto read = read_answer(answer, *pending, **known);
    if (read) code = std::move(*read);
    else refusal = std::move(read).error();
  }
  std::optional<Proven> proven;
  if (!refusal) {
    auto done = co_await prove(accounts, *address, *known, *pending, std::move(code));
    if (done) proven = std::move(*done);
    else refusal = std::move(done).error();
  }
  if (refusal) {
    LinkRefused why = std::move(*refusal);
    auto told = co_await refuse(accounts, address, std::move(person), std::move(server_id), std::move(why));
    co_return unexpected(std::move(told));
  }
  LinkedAccount account;
  account.user = person.user, account.server = server_id, account.link = "lnk_" + crypto::random_token();
  account.issuer = address->oauth->issuer, account.client_id = address->oauth->client_id;
  account.subject = proven->identity.subject, account.label = proven->identity.label;
  account.access_token = proven->tokens.access_token, account.refresh_token = Secret(proven->tokens.refresh_token);
  account.linked = now, account.expires = now + proven->tokens.lifetime;
  Result<LinkedAccounts::Added, Unavailable> added = LinkedAccounts::Added::account_of_another;
  const auto earlier = parts.store.find(person.user, server_id);
  if (!parts.store.is_of_another(account)) {
    audit::Record record = account_record(account, audit::Effect::allow, "linked", now);
    record.session = person.session, record.peer = person.peer;
    audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::power};
    const auto committed = co_await parts.log.commit(std::move(commit));
    added = unexpected(Unavailable{"the decisions log"});
    if (committed) {
      auto adding = co_await parts.store.add(account);
      added = std::move(adding);
    }
  }
  if (!added || *added == LinkedAccounts::Added::account_of_another) {
    spawn_give_back(accounts, *address, account.refresh_token, account.access_token);
    LinkRefused why = !added ? LinkRefused{503, "store_unavailable", "Nothing was linked: this service cannot store anything at the moment. Please try again."}
                             : LinkRefused{403, "account_of_another_person", "Somebody else has linked this account already. Sign in there with your own work account."};
    auto told = co_await refuse(accounts, address, std::move(person), std::move(server_id), std::move(why));
    co_return unexpected(std::move(told));
  }
  if (earlier && earlier->state != LinkedAccount::State::lost) spawn_give_back(accounts, *address, earlier->refresh_token, earlier->access_token);
  co_return account.label;
}

}  // namespace writ::upstreams
