// writ login ISSUER: signs the person in by browser (code, PKCE, a loopback redirect) and registers a key of this device, so that agents on
// it get tokens without another question (docs/decisions/0006).

#include <unistd.h>

#include <cstdio>

#include "browser_sign_in.h"
#include "client/sign_in.h"
#include "client_world.h"
#include "device_sign_in.h"
#include "redirect_listener.h"

namespace writ::cli {
namespace {

Task<Result<client::SignInTokens, client::Failure>> redeem_code(World& world, client::AuthorizationServer idp, client::SignInAttempt attempt, std::string code,
                                                                jose::SigningKey key, std::string device_name) {
  client::FormFields form = client::code_form(attempt, code);
  add_device_key(form, {key, attempt.client_id, idp.issuer, device_name}, code, world.clock.now());
  client::ClientCredentials credentials{attempt.client_id, client::NoAuthentication{}};
  auto answer = co_await client::post_token_request(world.outgoing, idp.token_endpoint, idp.issuer, credentials, std::move(form), world.clock.now());
  if (!answer) co_return unexpected(answer.error());
  co_return client::read_sign_in_tokens(*answer);
}

Task<Result<json::Value, client::Failure>> verified_claims(World& world, client::AuthorizationServer idp, client::SignInAttempt attempt, std::string id_token,
                                                             std::optional<std::int64_t> max_age_seconds) {
  http::OutgoingRequest request;
  request.url = idp.jwks_uri;
  auto answer = co_await world.outgoing.fetch(std::move(request));
  const auto keys = answer && answer->status == 200 ? jose::KeySet::parse(answer->body) : std::nullopt;
  if (!keys) co_return unexpected(client::Failure{client::FailureKind::bad_metadata, "cannot read the keys of " + idp.issuer, {}, {}, {}, {}});
  auto claims = client::verify_id_token(id_token, *keys, attempt, max_age_seconds, world.clock.now());
  if (!claims) co_return unexpected(client::Failure{client::FailureKind::protocol, "the identity provider's ID token does not verify; it was thrown away", {}, {}, {}, {}});
  co_return std::move(*claims);
}

std::string text_claim(const json::Value& claims, std::string_view name) {
  const auto* text = claims.find_string(name);
  return text ? *text : "";
}

struct Asked {
  client::SignInAttempt attempt;
  std::string code;              // empty on a device without a browser
};

Result<Asked, client::Failure> ask_in_browser(World& world, const client::AuthorizationServer& idp, const LoginOptions& options) {
  const auto failed = [](client::FailureKind kind, std::string message) { return unexpected(client::Failure{kind, std::move(message), {}, {}, {}, {}}); };
  QueueExecutor here;
  RedirectListener listener(world, here);
  const auto redirect_uri = listener.listen();
  if (!redirect_uri) return failed(client::FailureKind::configuration, redirect_uri.error());
  client::SignInOptions wanted;
  wanted.acr_values = options.acr_values;
  wanted.max_age_seconds = options.max_age_seconds;
  auto attempt = client::begin_sign_in(idp, options.client_id, *redirect_uri, wanted);
  if (!attempt) return unexpected(attempt.error());
  if (!options.no_browser) open_browser(attempt->authorization_url);
  std::fprintf(stderr, "Sign in here (the page should open by itself):\n  %s\n", attempt->authorization_url.c_str());
  const auto query = listener.wait();
  if (!query) return failed(client::FailureKind::sign_in_needed, "nobody signed in within five minutes: run `writ login` again");
  auto code = client::read_authorization_response(*attempt, *query);
  if (!code) return unexpected(code.error());
  return Asked{std::move(*attempt), std::move(*code)};
}

// What the ID token will be held against: there is no nonce, because no browser carries anything back.
Result<Asked, client::Failure> without_browser(const client::AuthorizationServer& idp, const LoginOptions& options) {
  Asked asked;
  asked.attempt.issuer = idp.issuer;
  asked.attempt.client_id = options.client_id;
  return asked;
}

}  // namespace

Result<SavedLogin, client::Failure> sign_in(const LoginOptions& options, const std::optional<SavedLogin>& present) {
  const auto failed = [](client::FailureKind kind, std::string message) { return unexpected(client::Failure{kind, std::move(message), {}, {}, {}, {}}); };
  World world;
  auto idp = run_on(world, client::discover_authorization_server(world.outgoing, options.issuer));
  if (!idp) return unexpected(idp.error());

  auto asked = options.device ? without_browser(*idp, options) : ask_in_browser(world, *idp, options);
  if (!asked) return unexpected(asked.error());

  // A better sign-in of the same person on the same device is no new device.
  const bool keeps_key = present && present->idp_issuer == idp->issuer && present->client_id == options.client_id;
  auto private_key = crypto::PrivateKey::generate(crypto::Algorithm::es256);
  if (keeps_key) {
    auto kept = crypto::PrivateKey::from_pem(present->device_key_pem);
    if (kept && kept->fits(crypto::Algorithm::es256)) private_key = std::move(*kept);
  }
  const Secret pem = private_key.to_pem();
  const std::string kid = jose::thumbprint(private_key.public_key());
  jose::SigningKey key{kid, crypto::Algorithm::es256, std::move(private_key)};
  auto tokens = options.device ? wait_for_approval(world, *idp, {key, options.client_id, idp->issuer, options.device_name}) : run_on(world, redeem_code(world, *idp, asked->attempt, asked->code, key, options.device_name));
  if (!tokens) return unexpected(tokens.error());
  if (tokens->device_id.empty() || tokens->refresh_token.empty()) {
    return failed(client::FailureKind::configuration,
                  idp->issuer + " signed you in but registered no key for this device: the agent `" + options.client_id + "` must have `device_keys: true` there");
  }
  const auto claims = run_on(world, verified_claims(world, *idp, asked->attempt, tokens->id_token, options.max_age_seconds));
  if (!claims) return unexpected(claims.error());

  SavedLogin login;
  login.idp_issuer = idp->issuer;
  login.client_id = options.client_id;
  login.device_id = tokens->device_id;
  login.user = text_claim(*claims, "email").empty() ? text_claim(*claims, "sub") : text_claim(*claims, "email");
  login.device_key_pem = pem;
  login.refresh_token = Secret(tokens->refresh_token);
  login.id_token = Secret(tokens->id_token);
  if (const auto* expires = claims->find_int("exp")) login.id_token_expires = from_unix_seconds(*expires);
  if (const auto saved = save_login(login); !saved) return failed(client::FailureKind::configuration, saved.error());
  return login;
}

void login(const LoginOptions& options, Run& run) {
  const bool is_step_up = !options.acr_values.empty() || options.max_age_seconds;
  auto present = is_step_up ? load_login() : Result<std::optional<SavedLogin>, std::string>(std::optional<SavedLogin>());
  LoginOptions wanted = options;
  if (wanted.issuer.empty() && present && *present) wanted.issuer = (*present)->idp_issuer, wanted.client_id = (*present)->client_id;
  if (wanted.device && is_step_up) return fail(run, Exit::usage, "`--device` cannot ask for a better sign-in: leave `--acr-values` and `--max-age` away");
  if (wanted.issuer.empty()) return fail(run, Exit::usage, "say where to sign in: `writ login ISSUER`");
  const auto login = sign_in(wanted, present ? *present : std::nullopt);
  if (!login) return fail(run, login.error());
  if (run.json) print_json(json::Value{{"user", login->user}, {"idp", login->idp_issuer}, {"device_id", login->device_id}});
  else print_line("Signed in as " + login->user + " at " + login->idp_issuer + ". This device is " + login->device_id + ".");
}

std::string default_device_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "this device";
}

}  // namespace writ::cli
