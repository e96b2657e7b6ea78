// writ logout: revokes this device's refresh token at the IdP and forgets everything.

#include "client_world.h"
#include "saved_accounts.h"

namespace writ::cli {
namespace {

Task<Result<void, client::Failure>> revoke(World& world) {
  const SavedLogin& login = world.person->login();
  auto idp = co_await client::discover_authorization_server(world.outgoing, login.idp_issuer);
  if (!idp) co_return unexpected(idp.error());
  if (idp->revocation_endpoint.empty()) co_return Result<void, client::Failure>{};
  client::FormFields form{{"token", std::string(login.refresh_token.reveal())}, {"token_type_hint", "refresh_token"}};
  auto answer = co_await client::post_token_request(world.outgoing, idp->revocation_endpoint, idp->issuer, world.person->credentials(), std::move(form), world.clock.now());
  if (!answer) co_return unexpected(answer.error());
  if (answer->status != 200) co_return unexpected(client::read_refusal(*answer, idp->issuer));
  co_return Result<void, client::Failure>{};
}

}  // namespace

void logout(Run& run) {
  World world;
  if (!require_sign_in(world, run)) return;
  const auto revoked = run_on(world, revoke(world));
  // What is on this device goes in any case; a server that cannot be reached is told about.
  if (const auto forgotten = forget_login(); !forgotten) return fail(run, Exit::failed, forgotten.error());
  if (const auto forgotten = forget_accounts(); !forgotten) return fail(run, Exit::failed, forgotten.error());
  if (!revoked) return fail(run, Exit::failed, "signed out on this device, but the server was not told: " + revoked.error().message);
  if (run.json) print_json(json::Value{{"signed_out", true}});
  else print_line("Signed out. Agents on this device can reach nothing any more.");
}

}  // namespace writ::cli
