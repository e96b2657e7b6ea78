#include "token_service/idp/approvals.h"

#include <algorithm>

#include "approvals/decide.h"
#include "token_service/idp/bearer.h"

namespace writ::token_service::idp {
namespace {

constexpr std::string_view kSegment = "/approvals/";
constexpr json::Limits kBodyLimits{8 * 1024, 4, 8};
constexpr std::size_t kReasonBytesMax = 500;

http::Response answer(int status, json::Value body) { return http::no_store(http::json(status, json::write(body))); }
http::Response problem(int status, std::string_view error, std::string_view sentence) { return answer(status, json::Value{{"error", error}, {"error_description", sentence}}); }
http::Response not_found() { return problem(404, "unknown", approvals::sentence(approvals::Refused::unknown)); }

std::string id_of(const http::Request& request) {
  const auto at = request.path.rfind(kSegment);
  return at == std::string::npos ? "" : request.path.substr(at + kSegment.size());
}

// The person, or the answer that says why there is none.
Result<BearerSubject, http::Response> check_person(const Idp& idp, const registry::Snapshot& snapshot, const http::Request& request) {
  auto subject = check_bearer(idp, snapshot, request, idp.clock.now());
  if (!subject) return unexpected(challenge(subject.error()));
  if (!subject->agent->idp->device_keys) return unexpected(problem(403, "not_this_agent", "calls are approved from a person's own command line (writ login), not through an agent"));
  return std::move(*subject);
}

bool is_approver(const approvals::Request& request, const registry::User& user, const registry::Snapshot& snapshot) {
  const auto& groups = snapshot.groups_of(user);
  return std::any_of(request.needs.begin(), request.needs.end(), [&](const auto& need) { return std::find(groups.begin(), groups.end(), need.of.group) != groups.end(); });
}

// Arguments of others' calls are for their approvers alone.
bool may_see(const approvals::Request& request, const registry::User& user, const registry::Snapshot& snapshot) {
  return request.call.user == user.id || is_approver(request, user, snapshot);
}

json::Value shown_to(const approvals::Request& request, const registry::User& user, const Idp& idp, const registry::Snapshot& snapshot) {
  json::Value item = approvals::to_json(request, idp.clock.now());
  const bool can_decide = idp.approvals->may_decide(request.id, approvals::Requests::Word::approve, {&user, ""}, snapshot, idp.clock.now()).has_value();
  item.set("yours", request.call.user == user.id);
  item.set("can_decide", can_decide);
  return item;
}

struct Asked {
  approvals::Requests::Word word;
  std::string reason;
};
Result<Asked, http::Response> read_decision(const http::Request& request) {
  const auto* type = request.headers.find_single("Content-Type");
  if (!type || !http::equals_ignoring_case(std::string_view(*type).substr(0, std::min(type->find(';'), type->size())), "application/json")) {
    return unexpected(problem(415, "invalid_request", "send application/json"));
  }
  const auto body = json::parse(request.body, kBodyLimits);
  const auto* word = body ? body->find_string("decision") : nullptr;
  const auto* reason = body ? body->find_string("reason") : nullptr;
  const bool is_approve = word && *word == "approve";
  if (!word || (!is_approve && *word != "reject")) return unexpected(problem(400, "invalid_request", "`decision` is `approve` or `reject`"));
  if (reason && reason->size() > kReasonBytesMax) return unexpected(problem(400, "invalid_request", "`reason` has at most 500 bytes"));
  return Asked{is_approve ? approvals::Requests::Word::approve : approvals::Requests::Word::reject, reason ? *reason : ""};
}

int status_of(approvals::Refused refused) {
  switch (refused) {
    case approvals::Refused::unknown: return 404;
    case approvals::Refused::expired:
    case approvals::Refused::decided: return 409;
    default: return 403;
  }
}

}  // namespace

Task<http::Response> list_approvals(const Idp& idp, const http::Request& request) {
  const auto snapshot = idp.registry.get();
  auto person = check_person(idp, *snapshot, request);
  if (!person) co_return std::move(person).error();
  json::Array items;
  if (idp.approvals) {
    for (const auto& waiting : idp.approvals->list()) {
      if (may_see(waiting, *person->live.user, *snapshot)) items.push_back(shown_to(waiting, *person->live.user, idp, *snapshot));
    }
  }
  co_return answer(200, json::Value{{"items", std::move(items)}});
}

Task<http::Response> show_approval(const Idp& idp, const http::Request& request) {
  const auto snapshot = idp.registry.get();
  auto person = check_person(idp, *snapshot, request);
  if (!person) co_return std::move(person).error();
  const auto found = idp.approvals ? idp.approvals->find(id_of(request)) : std::nullopt;
  if (!found || !may_see(*found, *person->live.user, *snapshot)) co_return not_found();
  co_return answer(200, shown_to(*found, *person->live.user, idp, *snapshot));
}

Task<http::Response> decide_approval(const Idp& idp, const http::Request& request) {
  const auto snapshot = idp.registry.get();
  auto person = check_person(idp, *snapshot, request);
  if (!person) co_return std::move(person).error();
  auto asked = read_decision(request);
  if (!asked) co_return std::move(asked).error();
  const auto found = idp.approvals ? idp.approvals->find(id_of(request)) : std::nullopt;
  if (!found || !may_see(*found, *person->live.user, *snapshot)) co_return not_found();
  approvals::Decision decision;
  decision.id = found->id;
  decision.word = asked->word;
  decision.user = person->live.user->id;
  decision.reason = std::move(asked->reason);
  decision.peer = request.peer.address;
  const auto decided = co_await approvals::decide(*idp.approvals, idp.log, snapshot, std::move(decision), idp.clock.now());
  if (decided) co_return answer(200, shown_to(*decided, *person->live.user, idp, *snapshot));
  if (const auto* refused = std::get_if<approvals::Refused>(&decided.error())) {
    co_return problem(status_of(*refused), approvals::to_string(*refused), approvals::sentence(*refused));
  }
  http::Response unavailable = problem(503, "temporarily_unavailable", "the decision could not be stored; ask again");
  unavailable.headers.add("Retry-After", "5");
  co_return unavailable;
}

}  // namespace writ::token_service::idp
