#include "upstreams/stdio/message_edits.h"

#include <charconv>

namespace writ::upstreams::stdio {
namespace {

json::Value* member(json::Value* value, std::string_view name) {
  json::Object* members = value ? value->as_object() : nullptr;
  if (!members) return nullptr;
  for (json::Member& each : *members) {
    if (each.name == name) return &each.value;
  }
  return nullptr;
}

std::optional<std::int64_t> number(const json::Value* value) {
  const auto* found = value ? value->as_int() : nullptr;
  return found ? std::optional(*found) : std::nullopt;
}

const json::Value* meta_of(const mcp::Message& message) {
  if (const json::Value* meta = message.param("_meta")) return meta;
  const json::Value* result = message.value().find("result");
  return result ? result->find("_meta") : nullptr;
}

// Digits, and then exactly `after`.
std::optional<std::int64_t> digits_before(std::string_view text, std::string_view after, bool to_the_end) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc()) return std::nullopt;
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (to_the_end ? rest != after : !rest.starts_with(after)) return std::nullopt;
  return value;
}

}  // namespace

std::string with_own_number(const mcp::Message& message, std::int64_t own) {
  json::Value value = message.value();
  value.set("id", own);
  if (json::Value* token = member(member(member(&value, "params"), "_meta"), "progressToken")) *token = own;
  return json::write(value);
}

std::optional<json::Value> progress_token_of(const mcp::Message& message) {
  const json::Value* meta = message.param("_meta");
  const json::Value* token = meta ? meta->find("progressToken") : nullptr;
  return token ? std::optional(*token) : std::nullopt;
}

std::string with_id(mcp::Message response, const mcp::RequestId& id) {
  response.value().set("id", mcp::to_json(id));
  // The end of a subscription names it too (TR-74).
  if (json::Value* subscription = member(member(member(&response.value(), "result"), "_meta"), kSubscriptionId)) *subscription = mcp::to_json(id);
  return response.write();
}

std::optional<std::int64_t> progress_number_of(const mcp::Message& notification) { return number(notification.param("progressToken")); }

std::string with_progress_token(mcp::Message notification, json::Value token) {
  if (json::Value* own = member(member(&notification.value(), "params"), "progressToken")) *own = std::move(token);
  return notification.write();
}

std::optional<std::int64_t> subscription_number_of(const mcp::Message& message) {
  const json::Value* meta = meta_of(message);
  return number(meta ? meta->find(kSubscriptionId) : nullptr);
}

std::string with_subscription_id(mcp::Message message, const mcp::RequestId& id) {
  if (json::Value* own = member(member(member(&message.value(), "params"), "_meta"), kSubscriptionId)) *own = mcp::to_json(id);
  return message.write();
}

std::string cancelled(std::int64_t own, std::string_view reason) {
  return json::write(json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", json::Value{{"requestId", own}, {"reason", reason}}}});
}

std::optional<std::int64_t> number_of_lost_line(std::string_view beginning, std::string_view end) {
  // At these places no content can stand: a quotation mark within a string is escaped, and an object within the message closes before the
  // message does.
  for (const std::string_view start : {R"({"jsonrpc":"2.0","id":)", R"({"jsonrpc": "2.0", "id": )", R"({"id":)"}) {
    if (!beginning.starts_with(start)) continue;
    if (auto found = digits_before(beginning.substr(start.size()), ",", false)) return found;
  }
  for (const std::string_view last : {R"("jsonrpc":"2.0","id":)", R"("id":)"}) {
    const auto at = end.rfind(last);
    if (at == std::string_view::npos || at == 0 || end[at - 1] != ',') continue;
    if (auto found = digits_before(end.substr(at + last.size()), "}", true)) return found;
    if (auto found = digits_before(end.substr(at + last.size()), R"(,"jsonrpc":"2.0"})", true)) return found;
  }
  return std::nullopt;
}

}  // namespace writ::upstreams::stdio
