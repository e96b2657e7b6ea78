// A client may call what it never listed. Where a server's first definitions are approved by themselves, the gateway then asks for the list itself,
// as the same principal, before it decides.

#include "gateway/gateway.h"
#include "gateway/upstream_request.h"
#include "mcp/sse.h"
#include "mcp/streamable_http.h"

namespace writ::gateway {
namespace {

constexpr int kPagesMax = 20;
constexpr const char* kOwnId = "writ-list";

json::Value list_request(mcp::List list, const mcp::Message& call, mcp::Era era, const std::string& cursor) {
  json::Value params = json::Object{};
  if (!cursor.empty()) params.set("cursor", cursor);
  if (era == mcp::Era::modern) {
    json::Value meta = json::Object{};
    const json::Value* sent = call.param("_meta");
    for (const std::string_view member : {mcp::kMetaVersion, mcp::kMetaCapabilities, std::string_view("io.modelcontextprotocol/clientInfo")}) {
      if (const json::Value* value = sent ? sent->find(member) : nullptr) meta.set(member, *value);
    }
    params.set("_meta", std::move(meta));
  }
  json::Value request{{"jsonrpc", "2.0"}, {"id", kOwnId}, {"method", list == mcp::List::tools ? "tools/list" : "prompts/list"}};
  if (!params.as_object()->empty()) request.set("params", std::move(params));
  return request;
}

// The prompt whose argument is to be completed; null when it is something else.
const std::string* completed_prompt(const mcp::Message& message) {
  const json::Value* reference = message.param("ref");
  const auto* type = reference ? reference->find_string("type") : nullptr;
  return type && *type == "ref/prompt" ? reference->find_string("name") : nullptr;
}

// The response with our id, from a JSON body or among events.
std::optional<mcp::Message> own_response(const std::string& body, bool is_events, const json::Limits& limits) {
  const auto read = [&](std::string_view text) -> std::optional<mcp::Message> {
    auto message = mcp::Message::parse_from_server(text, limits);
    const bool is_ours = message && message->kind() == mcp::Message::Kind::result && message->id() && *message->id() == mcp::RequestId(std::string(kOwnId));
    return is_ours ? std::optional(std::move(*message)) : std::nullopt;
  };
  if (!is_events) return read(body);
  mcp::SseParser parser(limits.bytes_max);
  std::vector<mcp::Event> events;
  static_cast<void>(parser.feed(body, events));
  for (const mcp::Event& event : events) {
    if (auto found = read(event.data)) return found;
  }
  return std::nullopt;
}

}  // namespace

bool Gateway::must_learn(const Admission& admission, const Exchange& exchange) const {
  const bool learns = dependencies_.reviews && admission.server->first_use == registry::Server::FirstUse::allow && exchange.method && exchange.message;
  if (!learns) return false;
  const bool is_call = exchange.method->need == mcp::Need::call, is_prompt = exchange.method->need == mcp::Need::get_prompt;
  const auto* name = is_call || is_prompt ? exchange.message->param_string("name") : nullptr;
  if (exchange.method->need == mcp::Need::complete) name = completed_prompt(*exchange.message);
  if (!name || name->empty()) return false;
  return !admission.snapshot->definitions().find(is_call ? registry::ObjectKind::tool : registry::ObjectKind::prompt, admission.server->id, *name);
}

Task<void> Gateway::learn(const http::Request& request, const Admission& admission, const Exchange& call) {
  const mcp::List list = call.method->need == mcp::Need::call ? mcp::List::tools : mcp::List::prompts;
  {
    // Names that nobody knows must not make the gateway ask for ever.
    const std::lock_guard lock(learned_mutex_);
    const std::string what = std::string(mcp::shape_of(list)->member) + "\n" + admission.server->id + "\n" + admission.token->principal.key;
    if (admission.now - learned_[what] < kLearnAgainAfter) co_return;
    if (learned_.size() > kLearnedMax) learned_.clear();
    learned_[what] = admission.now;
  }
  const mcp::ListShape& shape = *mcp::shape_of(list);
  // Of the client's own head only the version: its Mcp-Param fields belong to its call.
  http::Request bare;
  bare.method = "POST";
  bare.peer = request.peer;
  bare.trail = request.trail;
  if (const auto* version = request.headers.find_single(mcp::kVersionHeader)) bare.headers.add(std::string(mcp::kVersionHeader), *version);
  const json::Limits limits{dependencies_.settings.answer_bytes_max, dependencies_.settings.depth_max, dependencies_.settings.members_max};

  std::string cursor;
  for (int page = 0; page < kPagesMax; ++page) {
    const auto asking = begin(request, admission);
    auto message = mcp::Message::parse(json::write(list_request(list, *call.message, call.era, cursor)), limits);
    if (!message) co_return;
    asking->message = std::move(*message);
    asking->era = call.era;
    asking->session = call.session;
    asking->method = mcp::find_method(asking->message->method(), false);
    auto onward = upstream_request("POST", bare, admission.snapshot, *admission.server, admission.caller, asking, dependencies_.settings);
    auto sent = co_await dependencies_.upstream.send(std::move(onward));
    if (!sent) co_return;
    http::UpstreamResponse answer = std::move(*sent);
    std::string body;
    const bool is_events = mcp::is_event_stream(answer.headers);
    std::optional<mcp::Message> response;
    while (answer.status == 200 && body.size() <= limits.bytes_max && !response) {
      auto piece = co_await answer.body->next();
      if (!piece) break;
      body += *piece;
      // A stream may stay open after its answer.
      if (is_events && (body.ends_with("\n\n") || body.ends_with("\r\n\r\n"))) response = own_response(body, is_events, limits);
    }
    if (!response && answer.status == 200 && body.size() <= limits.bytes_max) response = own_response(body, is_events, limits);
    answer.body->cancel();
    const json::Value* result = response ? response->value().find("result") : nullptr;
    const json::Array* elements = result ? result->find_array(shape.member) : nullptr;
    if (!elements) co_return;
    std::vector<SeenDefinition> news;
    const auto snapshot = dependencies_.objects.get();
    const registry::Server* server = snapshot->server(admission.server->id);
    if (!server) co_return;
    for (const json::Value& element : *elements) {
      const auto* name = element.find_string("name");
      const auto kind = list == mcp::List::tools ? registry::ObjectKind::tool : registry::ObjectKind::prompt;
      if (name && !name->empty()) static_cast<void>(definitions_.look(*snapshot, *server, kind, *name, element, news));
    }
    std::string server_id = server->id;
    co_await definitions_.settle(std::move(server_id), std::move(news));
    const auto* next = result->find_string("nextCursor");
    if (!next || next->empty()) co_return;
    cursor = *next;
  }
}

}  // namespace writ::gateway
