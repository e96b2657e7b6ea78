#include "gateway/answer_filter.h"

#include <algorithm>

namespace writ::gateway {
namespace {

using Fate = AnswerFilter::Admitted::Fate;

json::Value* find_member(json::Value& object, std::string_view name) {
  json::Object* members = object.as_object();
  if (!members) return nullptr;
  const auto found = std::find_if(members->begin(), members->end(), [name](const json::Member& member) { return member.name == name; });
  return found == members->end() ? nullptr : &found->value;
}

AnswerFilter::Admitted dropped(const char* reason) { return {Fate::drop, {}, reason, false}; }

}  // namespace

AnswerFilter::Admitted AnswerFilter::admit(std::string_view text, const Exchange& exchange) const {
  const Settings& settings = dependencies_.settings;
  auto message = mcp::Message::parse_from_server(text, {settings.answer_bytes_max, settings.depth_max, settings.members_max});
  if (!message) return dropped("upstream_message_malformed");
  Admitted admitted;
  admitted.fate = Fate::pass;
  if (message->kind() == mcp::Message::Kind::request) {
    // Servers ask nothing on streams of the modern era (TR-55).
    return exchange.era == mcp::Era::modern ? dropped("upstream_request_in_modern_era") : admitted;
  }
  if (message->kind() == mcp::Message::Kind::notification || !message->id()) return admitted;

  const auto& own_id = exchange.own_id();
  admitted.is_own_answer = own_id && *own_id == *message->id();
  std::optional<std::uint8_t> lists;
  if (exchange.session) lists = exchange.session->find(*message->id());
  if (admitted.is_own_answer) {
    lists = static_cast<std::uint8_t>(lists.value_or(0) | static_cast<std::uint8_t>(exchange.method ? exchange.method->list : mcp::List::none));
  }
  // Nobody asked for it on this session: it might be anybody's answer.
  if (!lists) return dropped("unknown_response_id");
  if (message->kind() == mcp::Message::Kind::error) return admitted;

  bool has_changed = false;
  if (!rewrite(*message, *lists, exchange, has_changed)) {
    admitted.fate = Fate::rewritten;
    admitted.text = json::write(mcp::error_response(message->id(), mcp::code::kInternalError, "the server's list is malformed"));
  } else if (has_changed) {
    admitted.fate = Fate::rewritten;
    admitted.text = message->write();
  }
  return admitted;
}

bool AnswerFilter::rewrite(mcp::Message& message, std::uint8_t lists, const Exchange& exchange, bool& has_changed) const {
  json::Value& result = *find_member(message.value(), "result");
  if (json::Value* cache_scope = find_member(result, "cacheScope")) {
    // What one principal may see is no business of a shared cache (TR-92).
    *cache_scope = "private";
    has_changed = true;
  }
  if (lists == 0) return true;
  has_changed = true;
  const auto snapshot = dependencies_.objects.get();
  const auto policy = dependencies_.policy.get();
  const registry::Server* server = snapshot->server(exchange.server_id);
  const auto caller = authentication_.resolve(*exchange.token, *snapshot);
  for (const mcp::List list : {mcp::List::tools, mcp::List::prompts, mcp::List::resources, mcp::List::resource_templates}) {
    if ((lists & static_cast<std::uint8_t>(list)) == 0) continue;
    const mcp::ListShape* shape = mcp::shape_of(list);
    json::Value* elements = find_member(result, shape->member);
    if (!elements) continue;
    if (!server || !caller) {
      *elements = json::Array{};   // revoked meanwhile: nothing is theirs to see
      continue;
    }
    if (list == mcp::List::tools && elements->is_array()) tools_.remember(server->id, *elements->as_array());
    const Circumstances circumstances{*snapshot, *server, *exchange.token, *caller, *policy, tools_, exchange.ip, dependencies_.clock.now()};
    if (!filter_list(circumstances, list, result)) return false;
  }
  return true;
}

}  // namespace writ::gateway
