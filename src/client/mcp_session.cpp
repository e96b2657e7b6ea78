#include "client/mcp_session.h"

#include "mcp/methods.h"
#include "mcp/sse.h"
#include "mcp/streamable_http.h"
#include "oauth/identifiers.h"

namespace writ::client {
namespace {

constexpr std::size_t kAnswerBytesMax = 16 * 1024 * 1024;
const json::Limits kAnswerLimits{kAnswerBytesMax, 64, 200'000};

Failure failure(FailureKind kind, std::string message) { return Failure{kind, std::move(message), {}, {}, {}, {}}; }

json::Value extensions() { return json::Value{{"extensions", json::Value{{std::string(oauth::kEmaExtension), json::Object{}}}}}; }

}  // namespace

bool McpSession::is_modern() const { return revision_ == mcp::kModernVersion; }

json::Value McpSession::with_meta(json::Value params) const {
  if (!is_modern()) return params;
  json::Value meta{{std::string(mcp::kMetaVersion), revision_},
                   {std::string(mcp::kMetaCapabilities), extensions()},
                   {"io.modelcontextprotocol/clientInfo", json::Value{{"name", info_.name}, {"version", info_.version}}}};
  if (params.is_null()) params = json::Object{};
  params.set("_meta", std::move(meta));
  return params;
}

http::Headers McpSession::headers_for(const std::string& method, const json::Value& params) const {
  http::Headers headers{{"Content-Type", "application/json"}, {"Accept", "application/json, text/event-stream"}};
  if (method != mcp::kInitialize) headers.add(std::string(mcp::kVersionHeader), revision_);
  if (!session_id_.empty()) headers.add(std::string(mcp::kSessionHeader), session_id_);
  if (is_modern()) {
    headers.add(std::string(mcp::kMethodHeader), method);
    const auto* known = mcp::find_method(method, false);
    const auto* name = known && !known->subject.empty() ? params.find_string(known->subject) : nullptr;
    if (name) headers.add(std::string(mcp::kNameHeader), mcp::encode_header_value(*name));
  }
  return headers;
}

Task<Result<void, Failure>> McpSession::open() {
  if (is_modern()) {
    json::Value no_params = json::Object{};
    const auto discovered = co_await request(std::string(mcp::kDiscover), std::move(no_params));
    if (!discovered) co_return unexpected(discovered.error());
    co_return Result<void, Failure>{};
  }
  json::Value params{{"protocolVersion", revision_},
                     {"capabilities", extensions()},
                     {"clientInfo", json::Value{{"name", info_.name}, {"version", info_.version}}}};
  auto initialized = co_await request(std::string(mcp::kInitialize), std::move(params));
  if (!initialized) co_return unexpected(initialized.error());
  if (initialized->kind() != mcp::Message::Kind::result) co_return unexpected(failure(FailureKind::protocol, http_.url() + " refused `initialize`"));
  if (const auto* result = initialized->value().find("result")) {
    if (const auto* agreed = result->find_string("protocolVersion")) revision_ = *agreed;
  }
  http::Headers headers = headers_for("notifications/initialized", json::Value());
  std::string body = R"({"jsonrpc":"2.0","method":"notifications/initialized"})";
  auto accepted = co_await http_.send("POST", std::move(headers), std::move(body));
  if (!accepted) co_return unexpected(accepted.error());
  accepted->body->cancel();
  co_return Result<void, Failure>{};
}

Task<Result<mcp::Message, Failure>> McpSession::request(std::string method, json::Value params) {
  const mcp::RequestId id{next_id_++};
  const json::Value sent_params = with_meta(std::move(params));
  http::Headers headers = headers_for(method, sent_params);
  std::string body = json::write(json::Value{{"jsonrpc", "2.0"}, {"id", mcp::to_json(id)}, {"method", method}, {"params", sent_params}});
  auto response = co_await http_.send("POST", std::move(headers), std::move(body));
  if (!response) co_return unexpected(response.error());
  if (method == mcp::kInitialize) {
    if (const auto* session = response->headers.find_single(mcp::kSessionHeader)) session_id_ = *session;
  }
  auto message = co_await read_response(std::move(*response), id);
  co_return message;
}

Task<Result<mcp::Message, Failure>> McpSession::read_response(http::UpstreamResponse response, mcp::RequestId id) {
  const bool streamed = mcp::is_event_stream(response.headers);
  mcp::SseParser parser(kAnswerBytesMax);
  std::string text;
  while (true) {
    auto piece = co_await response.body->next();
    if (!piece) break;   // complete or broken: what is missing shows below
    if (!streamed) {
      text += *piece;
      if (text.size() > kAnswerBytesMax) co_return unexpected(failure(FailureKind::protocol, "the answer of " + http_.url() + " is too large"));
      continue;
    }
    std::vector<mcp::Event> events;
    if (!parser.feed(*piece, events)) co_return unexpected(failure(FailureKind::protocol, "the answer of " + http_.url() + " is no event stream"));
    for (const mcp::Event& event : events) {
      auto message = mcp::Message::parse_from_server(event.data, kAnswerLimits);
      if (message && message->is_response() && message->id() && *message->id() == id) co_return std::move(*message);
    }
  }
  auto message = mcp::Message::parse_from_server(text, kAnswerLimits);
  if (message && message->is_response()) co_return std::move(*message);
  co_return unexpected(failure(response.status >= 500 ? FailureKind::unreachable : FailureKind::protocol,
                               http_.url() + " answered " + std::to_string(response.status) + " without a JSON-RPC response"));
}

Task<void> McpSession::close() {
  if (session_id_.empty()) co_return;
  http::Headers headers{{std::string(mcp::kVersionHeader), revision_}, {std::string(mcp::kSessionHeader), session_id_}};
  auto ended = co_await http_.send("DELETE", std::move(headers), std::string());
  if (ended) ended->body->cancel();
  session_id_.clear();
}

}  // namespace writ::client
