#include "gateway/owed_notifications.h"

#include <utility>

#include "mcp/sse.h"

namespace writ::gateway {

json::Value subscription_meta(const mcp::RequestId& id) {
  json::Value meta = json::Object{};
  meta.set("io.modelcontextprotocol/subscriptionId", mcp::to_json(id));
  return meta;
}

void append_data(const json::Value& message, std::string& out) {
  mcp::Event event;
  event.data = json::write(message);
  event.has_data = true;
  mcp::append_event(out, event);
}

// A notification of the gateway's own, in the form of the stream's era (TR-74: of a subscription with its id, and only what was asked for).
void append_owed(Exchange& exchange, std::string& out) {
  const std::pair<bool*, std::pair<const char*, const char*>> owed[] = {{&exchange.owes_tools_changed, {"notifications/tools/list_changed", "toolsListChanged"}},
                                                                        {&exchange.owes_prompts_changed, {"notifications/prompts/list_changed", "promptsListChanged"}}};
  for (const auto& [flag, names] : owed) {
    if (!std::exchange(*flag, false)) continue;
    json::Value notification{{"jsonrpc", "2.0"}, {"method", names.first}};
    if (exchange.era == mcp::Era::modern) {
      const json::Value* wanted = exchange.message ? exchange.message->param("notifications") : nullptr;
      const bool* is_wanted = wanted ? wanted->find_bool(names.second) : nullptr;
      if (!is_wanted || !*is_wanted || !exchange.own_id()) continue;
      json::Value params = json::Object{};
      params.set("_meta", subscription_meta(*exchange.own_id()));
      notification.set("params", std::move(params));
    }
    append_data(notification, out);
  }
}

void append_log_message(const std::string& text, json::Value decision, std::string& out) {
  json::Value data{{"message", text}};
  if (!decision.is_null()) data.set("writ/decision", std::move(decision));
  json::Value params{{"level", "error"}, {"logger", "writ"}};
  params.set("data", std::move(data));
  json::Value notification{{"jsonrpc", "2.0"}, {"method", "notifications/message"}};
  notification.set("params", std::move(params));
  append_data(notification, out);
}

void append_end_of_subscription(const Exchange& exchange, std::string& out) {
  const mcp::RequestId& id = *exchange.own_id();
  append_data(mcp::result_response(id, json::Value{{"resultType", "complete"}, {"_meta", subscription_meta(id)}}), out);
}

}  // namespace writ::gateway
