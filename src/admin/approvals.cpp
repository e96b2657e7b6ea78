// Held calls for administrators: all of them, and the word that an administrator may say. Approving is for people of the group that the policy names
// (token_service/idp/approvals.h); an API token is no person, so it may only reject. Whoever runs the service may approve over the local socket, and
// the record says so (rules §8.2).

#include "approvals/decide.h"
#include "admin/handlers.h"

namespace writ::admin {

using namespace registry;

namespace {

constexpr std::size_t kReasonBytesMax = 500;

}  // namespace

Task<http::Response> list_approvals(const Api& api, const Call& call) {
  json::Array items;
  if (api.approvals) {
    const Instant now = api.administration.clock().now();
    const std::string wanted = call.query("state").value_or("");
    for (const auto& request : api.approvals->list()) {
      json::Value item = approvals::to_json(request, now);
      if (wanted.empty() || *item.find_string("state") == wanted) items.push_back(std::move(item));
    }
  }
  co_return answer(json::Value{{"items", std::move(items)}});
}

Task<http::Response> get_approval(const Api& api, const Call& call) {
  const auto request = api.approvals ? api.approvals->find(call.arguments.at(0)) : std::nullopt;
  if (!request) co_return problem(404, "there is no such request");
  co_return answer(approvals::to_json(*request, api.administration.clock().now()));
}

// {decision: approve | reject, reason}
Task<http::Response> decide_approval(const Api& api, const Call& call) {
  if (!api.approvals) co_return problem(404, "nothing waits for approval here");
  auto body = read_body(call.request);
  if (!body) co_return std::move(body).error();
  const Node root = from_json(*body);
  Problems problems;
  Fields fields(root, "a request", problems);
  approvals::Decision decision;
  const std::string word = fields.required_text("decision");
  if (word != "approve" && word != "reject") fields.error(fields.at("decision"), "`decision` is `approve` or `reject`");
  decision.reason = fields.text("reason");
  if (decision.reason.size() > kReasonBytesMax) fields.error(fields.at("reason"), "`reason` has at most 500 bytes");
  fields.finish();
  if (has_errors(problems)) co_return to_response(ChangeFailure{Invalid{std::move(problems)}});
  decision.id = call.arguments.at(0);
  decision.word = word == "approve" ? approvals::Requests::Word::approve : approvals::Requests::Word::reject;
  decision.actor = call.actor.name;
  decision.break_glass = call.actor.break_glass;
  decision.peer = call.actor.peer;
  if (decision.word == approvals::Requests::Word::approve) {
    if (!decision.break_glass) co_return problem(403, "an API token is no person", "calls are approved by members of the group that the policy names: `writ approvals approve`; a token may only reject");
    if (decision.reason.empty()) co_return problem(422, "say why", "approving without being asked is recorded as break glass, and needs a reason");
  }
  const Instant now = api.administration.clock().now();
  const auto decided = co_await approvals::decide(*api.approvals, api.administration.log(), api.administration.snapshot(), std::move(decision), now);
  if (!decided) {
    const auto* refused = std::get_if<approvals::Refused>(&decided.error());
    if (!refused) co_return unavailable();
    const int status = *refused == approvals::Refused::unknown ? 404 : 409;
    co_return problem(status, "not decided", std::string(approvals::sentence(*refused)), json::Value{{"kind", approvals::to_string(*refused)}});
  }
  co_return answer(approvals::to_json(*decided, now));
}

}  // namespace writ::admin
