#include "client_world.h"

#include <memory>
#include <thread>

#include "adapters/net/pause.h"
#include "browser_sign_in.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "oauth/identifiers.h"

namespace writ::cli {
namespace {

constexpr auto kRenewBefore = Seconds{60};

client::Failure sign_in_again(std::string why) {
  return client::Failure{client::FailureKind::sign_in_needed, "your sign-in has ended (" + std::move(why) + "): run `writ login`", {}, {}, {}, {}};
}

// The sign-in that an ID token of ours is of; read without verifying, it only tells one from another.
std::string session_of(const SavedLogin& login) {
  const auto id_token = jose::UnverifiedJwt::parse(login.id_token.reveal());
  const auto* sid = id_token ? id_token->claimed().find_string("sid") : nullptr;
  return sid ? *sid : "";
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

void SignedInPerson::adopt_saved() {
  auto saved = load_login();
  if (!saved || !*saved) return;
  const SavedLogin& other = **saved;
  // With another key or another person, what this process was started with is no longer true: it goes on as it is.
  const bool same_device = other.idp_issuer == login_.idp_issuer && other.client_id == login_.client_id && other.device_key_pem.reveal() == login_.device_key_pem.reveal();
  if (same_device) login_ = std::move(**saved);
}

Task<Result<void, client::Failure>> SignedInPerson::step_up(client::Failure needed) {
  const int before = sign_ins_;
  while (signing_in_) co_await net::pause(Milliseconds{100});
  if (sign_ins_ != before) co_return Result<void, client::Failure>{};
  // Or somebody has signed in again beside this process, as it was told to: that is taken, and counts.
  const std::string session_before = session_of(login_);
  adopt_saved();
  if (session_of(login_) != session_before) co_return Result<void, client::Failure>{};
  LoginOptions options;
  options.issuer = login_.idp_issuer;
  options.client_id = login_.client_id;
  options.device_name = default_device_name();
  options.acr_values = needed.acr_values;
  options.max_age_seconds = needed.max_age_seconds;
  if (!may_open_browser_) {
    needed.message += ": run `writ login";
    if (!needed.acr_values.empty()) needed.message += " --acr-values '" + needed.acr_values + "'";
    if (needed.max_age_seconds) needed.message += " --max-age " + std::to_string(*needed.max_age_seconds);
    needed.message += "`, then try again";
    co_return unexpected(std::move(needed));
  }
  signing_in_ = true;
  using Signed = Result<SavedLogin, client::Failure>;
  // On a thread of its own, which has a loop of its own: the bridge goes on with everything else meanwhile.
  auto begin = [options, present = std::optional(login_)](std::function<void(Signed)> resume) {
    std::thread([options, present, resume = std::move(resume), executor = Executor::current()] {
      auto signed_in = std::make_shared<Signed>(sign_in(options, present));
      executor->post([resume, signed_in] { resume(std::move(*signed_in)); });
    }).detach();
  };
  auto waiting = suspend_until<Signed>(std::move(begin));
  auto signed_in = co_await waiting;
  signing_in_ = false;
  if (!signed_in) co_return unexpected(signed_in.error());
  ++sign_ins_;
  login_ = std::move(*signed_in);
  co_return Result<void, client::Failure>{};
}

Task<Result<client::IdentityAssertion, client::Failure>> SignedInPerson::current(bool renew) {
  adopt_saved();
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
