#include "client_world.h"

#include "jose/jwk.h"
#include "oauth/identifiers.h"

namespace writ::cli {
namespace {

constexpr auto kRenewBefore = Seconds{60};

client::Failure sign_in_again(std::string why) {
  return client::Failure{client::FailureKind::sign_in_needed, "your sign-in has ended (" + std::move(why) + "): run `writ login`", {}, {}, {}, {}};
}

}  // namespace

Task<Result<client::SignInTokens, client::Failure>> SignedInPerson::refresh() {
  auto idp = co_await client::discover_authorization_server(outgoing_, login_.idp_issuer);
  if (!idp) co_return unexpected(idp.error());
  client::FormFields form = client::refresh_form(std::string(login_.refresh_token.reveal()));
  auto answer = co_await client::post_token_request(outgoing_, idp->token_endpoint, idp->issuer, credentials(), std::move(form), clock_.now());
  if (!answer) co_return unexpected(answer.error());
  auto tokens = client::read_sign_in_tokens(*answer);
  if (!tokens) {
    if (tokens.error().error == "invalid_grant") co_return unexpected(sign_in_again(tokens.error().message));
    co_return unexpected(tokens.error());
  }
  // The rotated token is saved before anything else is done with the answer: the old one is spent.
  if (!tokens->refresh_token.empty()) login_.refresh_token = Secret(tokens->refresh_token);
  if (!tokens->id_token.empty()) {
    login_.id_token = Secret(tokens->id_token);
    login_.id_token_expires = clock_.now() + Seconds{tokens->expires_in.value_or(300)};
  }
  if (const auto saved = save_login(login_); !saved) {
    co_return unexpected(client::Failure{client::FailureKind::configuration, saved.error(), {}, {}, {}, {}});
  }
  co_return std::move(*tokens);
}

Task<Result<client::IdentityAssertion, client::Failure>> SignedInPerson::current(bool renew) {
  if (renew || clock_.now() + kRenewBefore >= login_.id_token_expires) {
    const auto renewed = co_await refresh();
    if (!renewed) co_return unexpected(renewed.error());
  }
  co_return client::IdentityAssertion{std::string(login_.id_token.reveal()), std::string(oauth::kTokenTypeIdToken)};
}

Task<Result<std::string, client::Failure>> SignedInPerson::idp_access_token() {
  const auto tokens = co_await refresh();
  if (!tokens) co_return unexpected(tokens.error());
  co_return tokens->access_token;
}

bool require_sign_in(World& world, Run& run) {
  auto login = load_login();
  if (!login) return fail(run, Exit::failed, login.error()), false;
  if (!*login) return fail(run, Exit::sign_in_needed, "nobody is signed in on this device: run `writ login ISSUER`"), false;
  auto key = crypto::PrivateKey::from_pem((*login)->device_key_pem);
  if (!key || !key->fits(crypto::Algorithm::es256)) return fail(run, Exit::sign_in_needed, "this device's key is damaged: run `writ login` again"), false;
  const std::string kid = jose::thumbprint(key->public_key());
  jose::SigningKey device_key{kid, crypto::Algorithm::es256, std::move(*key)};
  world.person = std::make_unique<SignedInPerson>(world.outgoing, world.clock, std::move(**login), std::move(device_key));
  return true;
}

void fail(Run& run, const client::Failure& failure) {
  Exit exit = Exit::failed;
  if (failure.kind == client::FailureKind::denied) exit = Exit::denied;
  if (failure.kind == client::FailureKind::sign_in_needed || failure.kind == client::FailureKind::step_up_needed) exit = Exit::sign_in_needed;
  json::Value more = json::Object{};
  if (!failure.denial_code.empty()) more.set("code", failure.denial_code);
  fail(run, exit, failure.message, std::move(more));
}

}  // namespace writ::cli
