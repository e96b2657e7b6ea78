#include "upstreams/health/health.h"

#include <utility>

namespace writ::upstreams::health {
namespace {

std::string_view name_of(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::connect: return "connect";
    case Failure::Kind::tls: return "tls";
    case Failure::Kind::timeout: return "timeout";
    default: return "";
  }
}

// What depends on nothing that the caller chose: lists, initialize, ping, standing streams.
bool is_same_for_everybody(const mcp::Message* message) {
  if (!message) return true;
  if (message->kind() != mcp::Message::Kind::request) return false;
  const mcp::Method* method = mcp::find_method(message->method(), false);
  return method && method->need == mcp::Need::connect;
}

}  // namespace

// A credential that fails, a program that crashes, a connection that ends, a bad answer: each may concern one principal alone. And somebody who
// calls a tool so that it never answers must not take the server away from the others: such a timeout counts only if it came before the one
// for the answer, which is that of the connection.
bool counts(const Failure& failure, const mcp::Message* message, Milliseconds took, Milliseconds head_timeout) {
  switch (failure.kind) {
    case Failure::Kind::connect:
    case Failure::Kind::tls: return true;
    case Failure::Kind::timeout: return took < head_timeout || is_same_for_everybody(message);
    default: return false;
  }
}

Task<Result<http::UpstreamResponse, Failure>> Health::send(Request request) {
  const Instant begun = clock_.now();
  auto entered = servers_.enter(*request.server, request.principal->key, begun);
  if (!entered) co_return unexpected(Failure{Failure::Kind::unavailable, entered.error().why, "", entered.error().retry_after});
  Servers::Passage passage = std::move(*entered);
  const auto message = request.message;
  const Milliseconds head_timeout(request.http.head_timeout_ms);
  auto sent = co_await below_.send(std::move(request));
  const Instant now = clock_.now();
  if (sent) {
    passage.end(Servers::Outcome::success, "", now);
  } else {
    const bool is_counted = counts(sent.error(), message.get(), now - begun, head_timeout);
    passage.end(is_counted ? Servers::Outcome::failure : Servers::Outcome::says_nothing, name_of(sent.error().kind), now);
  }
  co_return sent;
}

}  // namespace writ::upstreams::health
