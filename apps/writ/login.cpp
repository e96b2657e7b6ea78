// writ login ISSUER: signs the person in by browser (code, PKCE, a loopback redirect) and registers a key of this device, so that agents on
// it get tokens without another question (docs/decisions/0006).

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "adapters/net/server.h"
#include "browser_sign_in.h"
#include "client/sign_in.h"
#include "client_world.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/uri.h"

extern char** environ;

namespace writ::cli {
namespace {

constexpr auto kWaitForBrowser = std::chrono::minutes{5};

// B1: only https or loopback http, as one argument, without a shell.
void open_browser(const std::string& url) {
  const auto parsed = uri::parse(url);
  if (!parsed || !uri::is_secure_or_loopback(*parsed)) return;
  std::string opener = "xdg-open", argument = url;
  char* const arguments[] = {opener.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  if (posix_spawnp(&child, opener.c_str(), &actions, nullptr, arguments, environ) == 0) waitpid(child, nullptr, 0);
  posix_spawn_file_actions_destroy(&actions);
}

constexpr const char* kDonePage =
    "<!doctype html><meta charset=\"utf-8\"><title>Signed in</title><body style=\"font-family:system-ui;margin:4rem auto;max-width:32rem\">"
    "<h1>You can close this page</h1><p>The command line goes on by itself.</p>";

// Where the browser comes back to: one path on a port that the system chose, answered once.
class RedirectListener {
 public:
  RedirectListener(World& world, QueueExecutor& here) : server_(world.loops, {}), here_(here) {}

  Result<std::string, std::string> listen() {
    net::Listener listener;
    listener.handler = [this](const http::Request& request) { return answer(request); };
    const auto port = server_.listen(std::move(listener));
    if (!port) return unexpected(port.error());
    return "http://127.0.0.1:" + std::to_string(*port) + "/callback";
  }
  // The query of the redirect; absent when nobody came in time.
  std::optional<std::string> wait() {
    std::thread timer([this] {
      std::unique_lock lock(mutex_);
      if (!stopped_.wait_for(lock, kWaitForBrowser, [this] { return stop_; })) here_.post([this] { timed_out_ = true; });
    });
    here_.run_until([this] { return query_.has_value() || timed_out_; });
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
      stopped_.notify_one();
    }
    timer.join();
    server_.drain(std::chrono::milliseconds(500));
    return query_;
  }

 private:
  Task<http::Response> answer(const http::Request& request) {
    if (request.path != "/callback" || request.method != "GET") co_return http::text(404, "not here");
    std::string query = request.query;
    here_.post([this, query] {
      if (!query_) query_ = query;
    });
    http::Response page = http::text(200, kDonePage);
    page.headers.set("Content-Type", "text/html; charset=utf-8");
    page.headers.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    page.headers.set("Referrer-Policy", "no-referrer");
    co_return page;
  }

  net::Server server_;
  QueueExecutor& here_;
  std::optional<std::string> query_;
  bool timed_out_ = false, stop_ = false;
  std::mutex mutex_;
  std::condition_variable stopped_;
};

// The proof that this device holds the key, tied to the very code that PKCE protects.
std::string device_proof(const jose::SigningKey& key, const std::string& client_id, const std::string& issuer, const std::string& code, Instant now) {
  const std::int64_t seconds = to_unix_seconds(now);
  const json::Value claims{{"iss", client_id}, {"sub", client_id}, {"aud", issuer}, {"iat", seconds}, {"exp", seconds + 120},
                           {"jti", crypto::random_token()}, {"code", base64url::encode(crypto::sha256_bytes(code))}};
  return jose::sign(key, "writ-device+jwt", claims);
}

Task<Result<client::SignInTokens, client::Failure>> redeem_code(World& world, client::AuthorizationServer idp, client::SignInAttempt attempt, std::string code,
                                                                jose::SigningKey key, std::string device_name) {
  client::FormFields form = client::code_form(attempt, code);
  form.emplace_back("writ_device_key", json::write(jose::to_json(key.public_jwk())));
  form.emplace_back("writ_device_name", device_name);
  form.emplace_back("writ_device_proof", device_proof(key, attempt.client_id, idp.issuer, code, world.clock.now()));
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

}  // namespace

Result<SavedLogin, client::Failure> sign_in(const LoginOptions& options, const std::optional<SavedLogin>& present) {
  const auto failed = [](client::FailureKind kind, std::string message) { return unexpected(client::Failure{kind, std::move(message), {}, {}, {}, {}}); };
  World world;
  auto idp = run_on(world, client::discover_authorization_server(world.outgoing, options.issuer));
  if (!idp) return unexpected(idp.error());

  QueueExecutor here;
  RedirectListener listener(world, here);
  const auto redirect_uri = listener.listen();
  if (!redirect_uri) return failed(client::FailureKind::configuration, redirect_uri.error());
  client::SignInOptions wanted;
  wanted.acr_values = options.acr_values;
  wanted.max_age_seconds = options.max_age_seconds;
  auto attempt = client::begin_sign_in(*idp, options.client_id, *redirect_uri, wanted);
  if (!attempt) return unexpected(attempt.error());
  if (!options.no_browser) open_browser(attempt->authorization_url);
  std::fprintf(stderr, "Sign in here (the page should open by itself):\n  %s\n", attempt->authorization_url.c_str());
  const auto query = listener.wait();
  if (!query) return failed(client::FailureKind::sign_in_needed, "nobody signed in within five minutes: run `writ login` again");
  auto code = client::read_authorization_response(*attempt, *query);
  if (!code) return unexpected(code.error());

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
  auto tokens = run_on(world, redeem_code(world, *idp, *attempt, *code, key, options.device_name));
  if (!tokens) return unexpected(tokens.error());
  if (tokens->device_id.empty() || tokens->refresh_token.empty()) {
    return failed(client::FailureKind::configuration,
                  idp->issuer + " signed you in but registered no key for this device: the agent `" + options.client_id + "` must have `device_keys: true` there");
  }
  const auto claims = run_on(world, verified_claims(world, *idp, *attempt, tokens->id_token, options.max_age_seconds));
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
