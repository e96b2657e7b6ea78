#include "authzen/endpoint.h"

#include <algorithm>
#include <optional>

#include "authzen/evaluation.h"
#include "policy/step_up.h"
#include "registry/read.h"

namespace writ::authzen {
namespace {

constexpr std::size_t kEvaluationsMax = 50;
constexpr std::size_t kBodyBytesMax = 1 << 20;

http::Response error(int status, const std::string& sentence) { return http::no_store(http::json(status, json::write(json::Value{{"error", sentence}}))); }

http::Response unauthorized() {
  http::Response response = error(401, "send `Authorization: Bearer` with an API token of role `evaluator`");
  response.headers.add("WWW-Authenticate", "Bearer");
  return response;
}

http::Response unavailable() {
  http::Response response = error(503, "decisions cannot be recorded");
  response.headers.add("Retry-After", "5");
  return response;
}

// EN-64: the caller's name for the exchange comes back, if it is one that may stand in a header.
http::Response with_request_id(http::Response response, const http::Request& request) {
  const std::string* id = request.headers.find_single("X-Request-ID");
  const bool is_plain = id && !id->empty() && id->size() <= 128 && std::all_of(id->begin(), id->end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (is_plain) response.headers.add("X-Request-ID", *id);
  return response;
}

const registry::ApiToken* find_token(const http::Request& request, const registry::Snapshot& snapshot) {
  const std::string* header = request.headers.find_single("Authorization");
  if (!header || header->size() < 8 || !http::equals_ignoring_case(std::string_view(*header).substr(0, 7), "bearer ")) return nullptr;
  const Secret token(header->substr(7));
  const registry::ApiToken* known = snapshot.api_token(registry::sha256_hex(token));
  return known && known->active ? known : nullptr;
}

struct Asking {
  const Endpoint& endpoint;
  const http::Request& request;
  std::shared_ptr<const registry::Snapshot> snapshot;
  std::shared_ptr<const policy::Policy> policy;
  std::shared_ptr<const policy::ToolCatalogue> tools;
  std::string token_id;
  Instant now{};
};

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

// One evaluation, decided but not yet recorded. `context` is what a refusal has to say.
struct Judged {
  bool allowed = false;
  audit::Record record;
  json::Value context = json::Object{};
};

void set_step_up(const Asking& asking, const policy::Question& question, Judged& judged) {
  policy::Question connect = question;
  connect.action = policy::Action::connect;
  const std::vector<policy::Chain> ways{{std::move(connect), question}};
  const auto step_up = policy::step_up(ways, *asking.policy, asking.snapshot->authentication_levels());
  if (!step_up) return;
  judged.record.reason = "insufficient_user_authentication";
  if (!step_up->acr_values.empty()) judged.context.set("acr_values", step_up->acr_values);
  if (step_up->max_age_seconds) judged.context.set("max_age", *step_up->max_age_seconds);
}

Result<Judged, Malformed> judge(const Asking& asking, const json::Value& evaluation) {
  Judged judged;
  audit::Record& record = judged.record;
  record.event = audit::Event::call;
  record.effect = audit::Effect::deny;
  record.time = asking.now;
  record.peer = asking.request.peer.address;
  record.trail = asking.request.trail;
  record.object_sequence = asking.snapshot->sequence();
  record.more.emplace_back("asked_by", "token:" + asking.token_id);
  auto read = to_inquiry(evaluation, *asking.snapshot, asking.now);
  if (!read) {
    if (const auto* malformed = std::get_if<Malformed>(&read.error())) return unexpected(*malformed);
    const auto& none = std::get<NotKnown>(read.error());
    record.reason = none.reason;
    judged.context.set("message", none.sentence);
    return judged;
  }
  const policy::Inquiry inquiry = std::move(*read);
  record.method = *evaluation.find("action")->find_string("name");
  record.user = inquiry.user, record.agent = inquiry.agent, record.server = inquiry.server, record.scope = inquiry.scope;
  record.tool = inquiry.tool.empty() ? inquiry.uri_or_prompt : inquiry.tool;
  const auto question = policy::question_of(inquiry, {*asking.snapshot, *asking.tools, asking.endpoint.issuer});
  if (!question) {
    record.reason = question.error().reason;
    judged.context.set("message", question.error().sentence);
    return judged;
  }
  record.user = question->principal.id;
  if (const auto* user = asking.snapshot->user(record.user)) record.user_name = user->name;
  const policy::Decision decision = asking.policy->decide(*question);
  judged.allowed = decision.allowed;
  record.effect = decision.allowed ? audit::Effect::allow : audit::Effect::deny;
  record.reason = policy::to_string(decision.kind);
  record.policy = joined(decision.policies);
  record.policy_version = decision.version;
  if (decision.allowed) return judged;
  set_step_up(asking, *question, judged);
  if (!decision.policies.empty()) judged.context.set("policy", joined(decision.policies));
  if (!decision.message.empty()) judged.context.set("message", decision.message);
  if (!decision.alternatives.empty()) judged.context.set("alternatives", json::from_strings(decision.alternatives));
  return judged;
}

// Recorded before it is said (S1).
Task<Result<json::Value, Unavailable>> say(const Asking& asking, Judged judged) {
  audit::Commit commit;
  const std::string reason = judged.record.reason;
  commit.record = std::move(judged.record);
  commit.durability = audit::Durability::process;
  const auto committed = co_await asking.endpoint.log.commit(std::move(commit));
  if (!committed) co_return unexpected(committed.error());
  json::Value answer{{"decision", judged.allowed}};
  if (!judged.allowed) {
    judged.context.set("reason", reason);
    judged.context.set("denial_code", audit::denial_code(committed->position, asking.endpoint.node));
    answer.set("context", std::move(judged.context));
  }
  co_return answer;
}

// ---- reading

Task<Result<Asking, http::Response>> admit(const Endpoint& endpoint, const http::Request& request) {
  auto snapshot = endpoint.registry.get();
  const registry::ApiToken* token = find_token(request, *snapshot);
  const Instant now = endpoint.clock.now();
  if (!token || token->role != "evaluator") {
    // A first contact carries no credentials: nothing was judged, and nobody may fill the log by it.
    if (request.headers.count("Authorization") == 0) co_return unexpected(unauthorized());
    audit::Commit commit;
    commit.record.event = audit::Event::client_authentication;
    commit.record.effect = audit::Effect::deny;
    commit.record.time = now;
    commit.record.reason = token ? "token_of_another_use" : "unknown_token";
    commit.record.resource = request.path;
    commit.record.peer = request.peer.address;
    commit.record.trail = request.trail;
    commit.durability = audit::Durability::process;
    const auto committed = co_await endpoint.log.commit(std::move(commit));
    if (!committed) co_return unexpected(unavailable());
    if (token) co_return unexpected(error(403, "this API token is not of role `evaluator`"));
    co_return unexpected(unauthorized());
  }
  Asking asking{endpoint, request, snapshot, endpoint.policy.get(), endpoint.tools ? endpoint.tools() : nullptr, token->id, now};
  if (!asking.tools) asking.tools = std::make_shared<const policy::ToolCatalogue>();
  co_return asking;
}

Result<json::Value, http::Response> read_body(const http::Request& request) {
  const std::string* type = request.headers.find_single("Content-Type");
  if (!type || !http::equals_ignoring_case(std::string_view(*type).substr(0, std::min(type->find(';'), type->size())), "application/json")) {
    return unexpected(error(415, "send application/json"));
  }
  auto body = json::parse(request.body, {kBodyBytesMax, 64, 50'000});
  if (!body || !body->is_object()) return unexpected(error(400, "the body must be a JSON object"));
  return std::move(*body);
}

Task<http::Response> evaluate_one(const Asking& asking, const json::Value& evaluation) {
  auto judged = judge(asking, evaluation);
  if (!judged) co_return error(400, judged.error().sentence);
  auto said = co_await say(asking, std::move(*judged));
  if (!said) co_return unavailable();
  co_return http::no_store(http::json(200, json::write(*said)));
}

enum class Semantic { execute_all, deny_on_first_deny, permit_on_first_permit };

Result<Semantic, std::string> read_semantic(const json::Value& body) {
  const json::Value* options = body.find("options");
  const json::Value* wanted = options ? options->find("evaluations_semantic") : nullptr;
  if (!wanted) return Semantic::execute_all;
  const std::string* word = wanted->as_string();
  if (word && *word == "execute_all") return Semantic::execute_all;
  if (word && *word == "deny_on_first_deny") return Semantic::deny_on_first_deny;
  if (word && *word == "permit_on_first_permit") return Semantic::permit_on_first_permit;
  return unexpected(std::string("`options.evaluations_semantic` must be execute_all, deny_on_first_deny or permit_on_first_permit"));
}

// The members of the whole stand in for those that an evaluation does not have.
json::Value with_defaults(const json::Value& evaluation, const json::Value& body) {
  json::Value whole = evaluation;
  for (const char* name : {"subject", "action", "resource", "context"}) {
    const json::Value* standing_in = body.find(name);
    if (standing_in && !evaluation.find(name)) whole.set(name, *standing_in);
  }
  return whole;
}

Task<http::Response> evaluate_all(const Asking& asking, const json::Value& body, const json::Array& evaluations) {
  const auto semantic = read_semantic(body);
  if (!semantic) co_return error(400, semantic.error());
  if (evaluations.size() > kEvaluationsMax) co_return error(400, "at most 50 evaluations at a time");
  // All are read before one is recorded: a malformed one makes no half answers.
  std::vector<Judged> all;
  for (const json::Value& evaluation : evaluations) {
    if (!evaluation.is_object()) co_return error(400, "each of `evaluations` must be an object");
    const json::Value whole = with_defaults(evaluation, body);
    auto judged = judge(asking, whole);
    if (!judged) co_return error(400, "evaluation " + std::to_string(all.size()) + ": " + judged.error().sentence);
    const bool ends = *semantic == (judged->allowed ? Semantic::permit_on_first_permit : Semantic::deny_on_first_deny);
    all.push_back(std::move(*judged));
    if (ends) break;
  }
  json::Array said;
  for (Judged& judged : all) {
    auto one = co_await say(asking, std::move(judged));
    if (!one) co_return unavailable();
    said.push_back(std::move(*one));
  }
  json::Value answer = json::Object{};
  answer.set("evaluations", std::move(said));
  co_return http::no_store(http::json(200, json::write(answer)));
}

Task<http::Response> handle(const Endpoint& endpoint, const http::Request& request, bool is_batch) {
  auto admitted = co_await admit(endpoint, request);
  if (!admitted) co_return with_request_id(std::move(admitted).error(), request);
  const Asking asking = std::move(*admitted);
  auto body = read_body(request);
  if (!body) co_return with_request_id(std::move(body).error(), request);
  const json::Value* evaluations = is_batch ? body->find("evaluations") : nullptr;
  if (evaluations && !evaluations->is_array()) co_return with_request_id(error(400, "`evaluations` must be a list"), request);
  // EN-63: without evaluations it is a single request.
  const bool is_single = !evaluations || evaluations->as_array()->empty();
  Task<http::Response> answering = is_single ? evaluate_one(asking, *body) : evaluate_all(asking, *body, *evaluations->as_array());
  http::Response response = co_await answering;
  co_return with_request_id(std::move(response), request);
}

Task<http::Response> show_metadata(const Endpoint& endpoint) {
  const json::Value document{{"policy_decision_point", endpoint.base_url},
                             {"access_evaluation_endpoint", endpoint.base_url + "/access/v1/evaluation"},
                             {"access_evaluations_endpoint", endpoint.base_url + "/access/v1/evaluations"}};
  auto response = http::json(200, json::write(document));
  response.headers.set("Cache-Control", "public, max-age=300");
  co_return response;
}

}  // namespace

http::Router routes(const Endpoint& endpoint) {
  http::Router router;
  router.add("POST", "/access/v1/evaluation", [&endpoint](const http::Request& request) { return handle(endpoint, request, false); });
  router.add("POST", "/access/v1/evaluations", [&endpoint](const http::Request& request) { return handle(endpoint, request, true); });
  router.add("GET", "/.well-known/authzen-configuration", [&endpoint](const http::Request&) { return show_metadata(endpoint); });
  return router;
}

}  // namespace writ::authzen
