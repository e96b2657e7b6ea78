// writ whoami: who is signed in here, as the IdP says it now.

#include "client_world.h"

namespace writ::cli {
namespace {

Task<Result<json::Value, client::Failure>> userinfo(World& world) {
  auto idp = co_await client::discover_authorization_server(world.outgoing, world.person->login().idp_issuer);
  if (!idp) co_return unexpected(idp.error());
  auto token = co_await world.person->idp_access_token();
  if (!token) co_return unexpected(token.error());
  http::OutgoingRequest request;
  request.url = idp->userinfo_endpoint;
  request.headers.add("Authorization", "Bearer " + *token);
  auto answer = co_await world.outgoing.fetch(std::move(request));
  if (!answer) co_return unexpected(client::Failure{client::FailureKind::unreachable, "cannot reach " + idp->userinfo_endpoint, {}, {}, {}, {}});
  auto body = json::parse(answer->body);
  if (answer->status != 200 || !body) co_return unexpected(client::read_refusal(*answer, idp->issuer));
  co_return std::move(*body);
}

}  // namespace

void whoami(Run& run) {
  World world;
  if (!require_sign_in(world, run)) return;
  const auto info = run_on(world, userinfo(world));
  if (!info) return fail(run, info.error());
  const SavedLogin& login = world.person->login();
  if (run.json) {
    json::Value out = *info;
    out.set("idp", login.idp_issuer);
    out.set("device_id", login.device_id);
    return print_json(out);
  }
  const auto* name = info->find_string("name");
  print_line(login.user + (name ? " (" + *name + ")" : "") + ", signed in at " + login.idp_issuer + ", device " + login.device_id);
}

}  // namespace writ::cli
