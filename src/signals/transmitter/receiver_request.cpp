#include "signals/transmitter/receiver_request.h"

#include "registry/read.h"

namespace writ::signals {
namespace {

using Problem = ReceiverProblem;
constexpr std::size_t kBodyMax = 64 * 1024;

bool is_json(const http::Request& request) {
  const auto* type = request.headers.find_single("Content-Type");
  if (!type) return false;
  return http::equals_ignoring_case(std::string_view(*type).substr(0, type->find(';')), "application/json");
}

}  // namespace

std::string_view to_string(ReceiverProblem problem) {
  switch (problem) {
    case Problem::no_token: return "signals_no_token";
    case Problem::several_tokens: return "signals_several_tokens";
    case Problem::unknown_token: return "signals_unknown_token";
    case Problem::inactive_token: return "signals_inactive_token";
    case Problem::token_of_another_use: return "signals_token_of_another_use";
    case Problem::receiver_disabled: return "signals_receiver_disabled";
  }
  return "signals_unknown_token";
}

Result<Receiver, ReceiverProblem> authenticate(const http::Request& request, const registry::Snapshot& snapshot) {
  if (request.headers.count("Authorization") > 1) return unexpected(Problem::several_tokens);
  const std::string* header = request.headers.find_single("Authorization");
  if (!header || header->size() < 8 || !http::equals_ignoring_case(std::string_view(*header).substr(0, 7), "bearer ")) return unexpected(Problem::no_token);
  const Secret value(header->substr(7));
  // Looked up by its hash: what the time tells about the hash is of no use for guessing the token.
  const registry::ApiToken* token = snapshot.api_token(registry::sha256_hex(value));
  if (!token) return unexpected(Problem::unknown_token);
  if (!token->active) return unexpected(Problem::inactive_token);
  // Not even an administrator's: it is kept by people, and what reads events of everybody is kept by a machine elsewhere.
  if (token->role != "signals" || token->audience.empty()) return unexpected(Problem::token_of_another_use);
  const auto* ras = snapshot.resource_as(token->audience);
  if (!ras || !ras->active) return unexpected(Problem::receiver_disabled);
  return Receiver{token->audience, token->id};
}

http::Response answer(int status, const json::Value& body) { return http::no_store(http::json(status, json::write(body))); }

http::Response refusal(int status, std::string_view code, std::string description) {
  http::Response response = answer(status, json::Value{{"err", code}, {"description", std::move(description)}});
  if (status == 401) response.headers.set("WWW-Authenticate", "Bearer");
  return response;
}

http::Response unavailable() { return refusal(503, "temporarily_unavailable", "try again later"); }

Result<json::Value, http::Response> read_object(const http::Request& request) {
  if (!is_json(request)) return unexpected(refusal(400, "invalid_request", "the body must be application/json"));
  constexpr json::Limits kLimits = {.bytes_max = kBodyMax, .depth_max = 8, .members_max = 500};
  auto body = json::parse(request.body, kLimits);
  if (!body || !body->is_object()) return unexpected(refusal(400, "invalid_request", "the body must be one JSON object"));
  return std::move(*body);
}

Task<Result<void, Unavailable>> record(const Transmitter& transmitter, const http::Request& request, Receiver receiver, audit::Effect effect, std::string reason,
                                       std::string stream_id) {
  audit::Commit commit;
  commit.record.event = audit::Event::signal;
  commit.record.effect = effect;
  commit.record.time = transmitter.parts().clock.now();
  commit.record.reason = std::move(reason);
  commit.record.resource = receiver.audience;
  commit.record.method = request.method;
  commit.record.peer = request.peer.address;
  commit.record.trail = request.trail;
  if (!receiver.token_id.empty()) commit.record.more.emplace_back("actor", "token:" + receiver.token_id);
  if (!stream_id.empty()) commit.record.more.emplace_back("stream", std::move(stream_id));
  if (effect == audit::Effect::deny) commit.durability = audit::Durability::process;
  const auto committed = co_await transmitter.parts().log.commit(std::move(commit));
  if (!committed) co_return unexpected(committed.error());
  co_return Result<void, Unavailable>{};
}

}  // namespace writ::signals
