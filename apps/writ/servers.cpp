// writ servers: the MCP servers that this person may reach with this agent.

#include <fmt/format.h>

#include "client_world.h"

namespace writ::cli {
namespace {

Task<Result<json::Value, client::Failure>> catalogue(World& world) {
  auto token = co_await world.person->idp_access_token();
  if (!token) co_return unexpected(token.error());
  http::OutgoingRequest request;
  request.url = world.person->login().idp_issuer + "/catalog";
  request.headers.add("Authorization", "Bearer " + *token);
  request.response_bytes_max = 4 << 20;
  auto answer = co_await world.outgoing.fetch(std::move(request));
  if (!answer) co_return unexpected(client::Failure{client::FailureKind::unreachable, "cannot reach " + world.person->login().idp_issuer + ": " + answer.error().detail, {}, {}, {}, {}});
  auto body = json::parse(answer->body, {4 << 20, 32, 200'000});
  if (answer->status != 200 || !body) co_return unexpected(client::read_refusal(*answer, world.person->login().idp_issuer));
  co_return std::move(*body);
}

std::string text_of(const json::Value& server, std::string_view name) {
  const auto* text = server.find_string(name);
  return text ? *text : "";
}

}  // namespace

void servers(Run& run) {
  World world;
  if (!require_sign_in(world, run)) return;
  const auto listed = run_on(world, catalogue(world));
  if (!listed) return fail(run, listed.error());
  if (run.json) return print_json(*listed);
  const auto* list = listed->find("servers");
  if (!list || !list->as_array() || list->as_array()->empty()) return print_line("There is no server that you may reach with this agent.");
  for (const json::Value& server : *list->as_array()) {
    print_line(fmt::format("{:<20} {:<28} {}", text_of(server, "id"), text_of(server, "name"), text_of(server, "resource")));
  }
  print_line("\nConnect a stdio client with: writ connect NAME-OR-URL");
}

}  // namespace writ::cli
