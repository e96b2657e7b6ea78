#include "device_sign_in.h"

#include <cstdio>
#include <thread>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "encoding/base64url.h"

namespace writ::cli {
namespace {

constexpr const char* kScope = "openid email offline_access";

client::ClientCredentials nobody(const RegisteringKey& registering) { return {registering.client_id, client::NoAuthentication{}}; }

}  // namespace

void add_device_key(client::FormFields& form, const RegisteringKey& registering, const std::string& code, Instant now) {
  const std::int64_t seconds = to_unix_seconds(now);
  const json::Value claims{{"iss", registering.client_id}, {"sub", registering.client_id}, {"aud", registering.issuer}, {"iat", seconds}, {"exp", seconds + 120},
                           {"jti", crypto::random_token()}, {"code", base64url::encode(crypto::sha256_bytes(code))}};
  form.emplace_back("writ_device_key", json::write(jose::to_json(registering.key.public_jwk())));
  form.emplace_back("writ_device_name", registering.device_name);
  form.emplace_back("writ_device_proof", jose::sign(registering.key, "writ-device+jwt", claims));
}

Result<client::SignInTokens, client::Failure> wait_for_approval(World& world, const client::AuthorizationServer& idp, const RegisteringKey& registering) {
  if (idp.device_authorization_endpoint.empty()) {
    return unexpected(client::Failure{client::FailureKind::not_supported, idp.issuer + " does not let devices sign in by a code: run `writ login` where there is a browser", {}, {}, {}, {}});
  }
  const auto answer = run_on(world, client::post_token_request(world.outgoing, idp.device_authorization_endpoint, idp.issuer, nobody(registering), client::device_authorization_form(kScope), world.clock.now()));
  if (!answer) return unexpected(answer.error());
  auto begun = client::read_device_authorization(*answer);
  if (!begun) return unexpected(begun.error());
  std::fprintf(stderr, "Open this address in a browser, on any device:\n  %s\nand type this code:\n  %s\n", begun->verification_uri.c_str(), begun->user_code.c_str());
  if (!begun->verification_uri_complete.empty()) std::fprintf(stderr, "(or open %s)\n", begun->verification_uri_complete.c_str());

  const Instant ends = world.clock.now() + begun->expires_in;
  while (world.clock.now() < ends) {
    std::this_thread::sleep_for(begun->interval);
    client::FormFields form = client::device_code_form(*begun);
    add_device_key(form, registering, begun->device_code, world.clock.now());
    const auto polled = run_on(world, client::post_token_request(world.outgoing, idp.token_endpoint, idp.issuer, nobody(registering), std::move(form), world.clock.now()));
    if (!polled && polled.error().kind == client::FailureKind::unreachable) continue;   // the network comes back, or the code ends
    if (!polled) return unexpected(polled.error());
    auto tokens = client::read_device_poll(*polled, begun->interval);
    if (!tokens) return unexpected(tokens.error());
    if (*tokens) return std::move(**tokens);
  }
  return unexpected(client::Failure{client::FailureKind::sign_in_needed, "nobody typed the code in time: run `writ login --device` again", {}, {}, {}, {}});
}

}  // namespace writ::cli
