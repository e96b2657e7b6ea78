// How the servers behind the gateway do.

#include "admin/handlers.h"
#include "audit/record.h"

namespace writ::admin {
namespace {

json::Value to_json(const UpstreamState& state) {
  json::Value item{{"server", state.server}, {"circuit", state.circuit}, {"failures", state.failures}};
  if (state.failing_since) item.set("failing_since", audit::to_iso8601(*state.failing_since));
  if (state.retry_at) item.set("retry_at", audit::to_iso8601(*state.retry_at));
  if (!state.last_failure.empty()) item.set("last_failure", state.last_failure);
  item.set("waiting", state.waiting);
  item.set("requests", state.requests);
  item.set("failed", state.failed);
  item.set("turned_away", state.turned_away);
  return item;
}

}  // namespace

Task<http::Response> list_upstreams(const Api& api, const Call&) {
  json::Array items;
  if (api.upstreams) {
    for (const UpstreamState& state : api.upstreams->list(api.administration.clock().now())) items.push_back(to_json(state));
  }
  co_return answer(json::Value{{"items", std::move(items)}});
}

}  // namespace writ::admin
