// writ approvals: calls of others that wait for this person's word, and this person's own that wait for others.

#include "admin/approval_output.h"
#include "admin/approvals_command.h"
#include "client_world.h"
#include "encoding/uri.h"

namespace writ::cli {
namespace {

Task<Result<http::OutgoingResponse, client::Failure>> ask(World& world, std::string method, std::string path, std::string body) {
  auto token = co_await world.person->idp_access_token();
  if (!token) co_return unexpected(token.error());
  http::OutgoingRequest request;
  request.method = std::move(method);
  request.url = world.person->login().idp_issuer + "/approvals" + path;
  request.headers.add("Authorization", "Bearer " + *token);
  if (!body.empty()) request.headers.add("Content-Type", "application/json");
  request.body = std::move(body);
  request.response_bytes_max = 64 << 20;
  auto answer = co_await world.outgoing.fetch(std::move(request));
  if (!answer) co_return unexpected(client::Failure{client::FailureKind::unreachable, "cannot reach " + world.person->login().idp_issuer + ": " + answer.error().detail, {}, {}, {}, {}});
  co_return std::move(*answer);
}

}  // namespace

void approvals(const ApprovalsOptions& options, Run& run) {
  World world;
  if (!require_sign_in(world, run)) return;
  const bool decides = options.word == "approve" || options.word == "reject";
  const std::string path = options.id.empty() ? "" : "/" + uri::encode_component(options.id);
  const std::string body = decides ? json::write(json::Value{{"decision", options.word}, {"reason", options.reason}}) : "";
  const auto answer = run_on(world, ask(world, decides ? "POST" : "GET", path, body));
  if (!answer) return fail(run, answer.error());
  const auto value = json::parse(answer->body, {64 << 20, 70, 5'000'000});
  if (answer->status != 200 || !value) {
    const auto* sentence = value ? value->find_string("error_description") : nullptr;
    const auto* error = value ? value->find_string("error") : nullptr;
    const Exit exit = answer->status == 401 ? Exit::sign_in_needed : answer->status == 403 ? Exit::denied : Exit::failed;
    return fail(run, exit, sentence ? *sentence : "the identity provider answered with status " + std::to_string(answer->status), error ? json::Value{{"kind", *error}} : json::Value());
  }
  const json::Value* items = value->find("items");
  if (run.json) return print_json(items ? *items : *value);
  if (items) return admin::print_approvals(*items);
  admin::print_approval(*value);
}

}  // namespace writ::cli
