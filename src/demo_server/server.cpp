#include "demo_server/server.h"

#include <utility>

#include "crypto/random.h"
#include "demo_server/tools.h"
#include "mcp/sse.h"
#include "mcp/streamable_http.h"

namespace writ::demo_server {
namespace {

using mcp::Era;
using mcp::Message;

constexpr json::Limits kLimits{1 << 20, 32, 10'000};
constexpr std::string_view kLatestLegacy = "2025-11-25";

json::Value server_info() { return json::Value{{"name", "writ-demo-notes"}, {"version", "1.0.0"}}; }

http::Response error(int status, const std::optional<mcp::RequestId>& id, int code, std::string_view message, json::Value data = nullptr) {
  return http::json(status, json::write(mcp::error_response(id, code, message, std::move(data))));
}

// What the modern era wants of every result (TR-43, TR-52).
json::Value finished(json::Value result, Era era) {
  if (era == Era::legacy) return result;
  result.set("resultType", "complete");
  json::Value meta = json::Object{};
  meta.set("io.modelcontextprotocol/serverInfo", server_info());
  result.set("_meta", std::move(meta));
  return result;
}

http::Response ok(const Message& message, json::Value result, Era era) {
  return http::json(200, json::write(mcp::result_response(*message.id(), finished(std::move(result), era))));
}

json::Value initialize_result(const Message& message) {
  const auto* asked = message.param_string("protocolVersion");
  const bool is_known = asked && mcp::is_legacy_version(*asked);
  json::Value result{{"protocolVersion", is_known ? std::string_view(*asked) : kLatestLegacy}};
  result.set("capabilities", json::Value{{"tools", json::Object{}}});
  result.set("serverInfo", server_info());
  return result;
}

json::Value discover_result() {
  json::Value result{{"supportedVersions", json::Array{std::string(mcp::kModernVersion), std::string(kLatestLegacy), "2025-06-18", "2025-03-26"}}};
  result.set("capabilities", json::Value{{"tools", json::Object{}}});
  result.set("ttlMs", 60'000);
  result.set("cacheScope", "public");
  return result;
}

// slow_report: a progress notification for each step, then the result. One event at a time, as the client takes them.
class Report final : public http::BodyStream {
 public:
  Report(const Options& options, const Message& message, Era era, int steps)
      : options_(options), id_(*message.id()), era_(era), steps_(steps) {
    const json::Value* meta = message.param("_meta");
    const json::Value* token = meta ? meta->find("progressToken") : nullptr;
    if (token) progress_token_ = mcp::parse_id(*token);
  }

  Task<Result<std::string, http::StreamEnd>> next() override {
    if (cancelled_) co_return unexpected(http::StreamEnd::broken);
    if (done_ > steps_) co_return unexpected(http::StreamEnd::complete);
    if (options_.wait) {
      Task<void> pause = options_.wait(options_.step);
      co_await pause;
    }
    if (cancelled_) co_return unexpected(http::StreamEnd::broken);
    ++done_;
    mcp::Event event;
    event.has_data = true;
    if (done_ > steps_) {
      json::Value result = finished(text_result("report of " + std::to_string(steps_) + " steps: all is well"), era_);
      event.data = json::write(mcp::result_response(id_, std::move(result)));
    } else if (progress_token_) {
      event.data = json::write(progress());
    } else {
      co_return std::string(mcp::kSseComment);   // nobody asked for progress: only a sign of life
    }
    std::string bytes;
    mcp::append_event(bytes, event);
    co_return bytes;
  }
  void cancel() override { cancelled_ = true; }

 private:
  json::Value progress() const {
    json::Value params{{"progressToken", mcp::to_json(*progress_token_)}, {"progress", done_}, {"total", steps_}};
    params.set("message", "step " + std::to_string(done_) + " of " + std::to_string(steps_));
    return json::Value{{"jsonrpc", "2.0"}, {"method", "notifications/progress"}, {"params", std::move(params)}};
  }
  const Options& options_;
  mcp::RequestId id_;
  Era era_;
  std::optional<mcp::RequestId> progress_token_;
  int steps_, done_ = 0;
  bool cancelled_ = false;
};

}  // namespace

Task<http::Response> DemoServer::handle(const http::Request& request) {
  if (request.headers.count("Origin") > 0) co_return error(403, std::nullopt, mcp::code::kInvalidRequest, "browsers are not served");   // TR-02
  if (request.method == "POST") co_return answer_post(request);
  const auto* version = request.headers.find_single(mcp::kVersionHeader);
  if (request.method == "DELETE" && !(version && *version == mcp::kModernVersion)) co_return end_session(request);
  http::Response response = http::text(405, "method not allowed\n");   // this server pushes nothing on its own
  response.headers.add("Allow", "POST, DELETE");
  co_return response;
}

http::Response DemoServer::answer_post(const http::Request& request) {
  if (!mcp::is_json(request.headers)) return error(415, std::nullopt, mcp::code::kInvalidRequest, "send application/json");
  auto message = Message::parse(request.body, kLimits);
  if (!message) return error(400, std::nullopt, mcp::error_code(message.error()), "not a valid MCP message");
  if (mcp::era_of(*message, request.headers) == Era::legacy) return answer_legacy(request, *message);
  const auto checked = mcp::check_modern(*message, request.headers);
  if (!checked) {
    const mcp::Misuse& misuse = checked.error();
    return error(misuse.status, message->kind() == Message::Kind::request ? message->id() : std::nullopt, misuse.error_code, misuse.message, misuse.data);
  }
  if (message->kind() != Message::Kind::request) return {202, {}, "", nullptr};
  return answer(*message, Era::modern);
}

http::Response DemoServer::answer_legacy(const http::Request& request, const Message& message) {
  const auto version = mcp::check_legacy_version(request.headers);
  if (!version) return error(400, std::nullopt, version.error().error_code, version.error().message, version.error().data);
  if (message.method() == mcp::kInitialize && message.kind() == Message::Kind::request) {
    http::Response response = ok(message, initialize_result(message), Era::legacy);
    std::string id = crypto::random_token();
    response.headers.add(std::string(mcp::kSessionHeader), id);
    const std::lock_guard lock(mutex_);
    if (sessions_.size() >= kSessionsMax) sessions_.clear();   // a demo's bound: clients start over
    sessions_.insert(std::move(id));
    return response;
  }
  const auto* session = request.headers.find_single(mcp::kSessionHeader);
  if (!session) return error(400, message.id(), mcp::code::kInvalidRequest, "a session id is needed");
  {
    const std::lock_guard lock(mutex_);
    if (!sessions_.contains(*session)) return error(404, message.id(), mcp::code::kInvalidRequest, "unknown session");
  }
  if (message.kind() != Message::Kind::request) return {202, {}, "", nullptr};
  return answer(message, Era::legacy);
}

http::Response DemoServer::end_session(const http::Request& request) {
  const auto* session = request.headers.find_single(mcp::kSessionHeader);
  if (!session) return error(400, std::nullopt, mcp::code::kInvalidRequest, "a session id is needed");
  const std::lock_guard lock(mutex_);
  if (sessions_.erase(*session) == 0) return error(404, std::nullopt, mcp::code::kInvalidRequest, "unknown session");
  return http::text(200, "");
}

http::Response DemoServer::answer(const Message& message, Era era) {
  const std::string& method = message.method();
  if (method == mcp::kToolsCall) return call(message, era);
  if (method == mcp::kToolsList) {
    json::Value result{{"tools", tool_definitions()}};
    if (era == Era::modern) result.set("ttlMs", 60'000), result.set("cacheScope", "public");
    return ok(message, std::move(result), era);
  }
  if (method == mcp::kDiscover && era == Era::modern) return ok(message, discover_result(), era);
  if (method == "ping" && era == Era::legacy) return ok(message, json::Object{}, era);
  return error(era == Era::modern ? 404 : 200, message.id(), mcp::code::kMethodNotFound, "method not found");   // TR-48
}

http::Response DemoServer::call(const Message& message, Era era) {
  const auto* name = message.param_string("name");
  const json::Value* given = message.param("arguments");
  const json::Value arguments = given ? *given : json::Value(json::Object{});
  const int bad_status = era == Era::modern ? 400 : 200;
  if (!name || !arguments.is_object()) return error(bad_status, message.id(), mcp::code::kInvalidParams, "invalid params");
  if (*name == kSlowReport) {
    const auto steps = report_steps(arguments);
    if (!steps) return ok(message, text_result("`steps` is a number from 1 to 50", true), era);
    http::Response response;
    response.headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
    response.stream = std::make_unique<Report>(options_, message, era, *steps);
    return response;
  }
  auto result = call_tool(notes_, *name, arguments);
  if (!result) return error(bad_status, message.id(), mcp::code::kInvalidParams, "unknown tool");
  return ok(message, std::move(*result), era);
}

}  // namespace writ::demo_server
