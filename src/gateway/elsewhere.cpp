// What a client carries may belong to another node (rules §7.3). The client was authenticated here, so that nobody else makes nodes ask each other; that node authenticates it
// once more, decides, and records.

#include "gateway/gateway.h"
#include "mcp/streamable_http.h"
#include "upstreams/eras/request_state.h"

namespace writ::gateway {

Task<std::optional<http::Response>> Gateway::ask_node(std::optional<std::uint32_t> node, const http::Request& request) {
  // What another node handed on goes to no third one: it could be handed round for ever.
  if (!node || *node == dependencies_.handles->node() || !dependencies_.other_nodes || request.peer.by_node) co_return std::nullopt;
  auto answer = co_await dependencies_.other_nodes->ask(*node, request);
  co_return answer;
}

Task<std::optional<http::Response>> Gateway::ask_node_of_session(const http::Request& request, const Admission& admission) {
  const auto* id = request.headers.find_single(mcp::kSessionHeader);
  const auto node = id ? sessions_.node_of(*id, admission.token->principal.key, admission.now) : std::nullopt;
  auto answer = co_await ask_node(node, request);
  co_return answer;
}

Task<std::optional<http::Response>> Gateway::ask_node_of_state(const http::Request& request, const Admission& admission, const std::string& server_id, const std::string* state) {
  if (!state || !dependencies_.other_nodes) co_return std::nullopt;
  const auto node = upstreams::node_of_state(*dependencies_.handles, *state, admission.token->principal.key, server_id, admission.now);
  auto answer = co_await ask_node(node, request);
  co_return answer;
}

}  // namespace writ::gateway
