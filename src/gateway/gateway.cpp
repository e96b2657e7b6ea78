#include "gateway/gateway.h"

#include <algorithm>
#include <utility>

#include "gateway/answers.h"
#include "gateway/challenge.h"
#include "gateway/combined/endpoint.h"
#include "gateway/cut_off.h"
#include "gateway/denial.h"
#include "gateway/protected_resource_metadata.h"
#include "gateway/way.h"
#include "mcp/streamable_http.h"
#include "registry/combined_server.h"
#include "telemetry/trail.h"

namespace writ::gateway {
namespace {

// A page in a browser can reach loopback and internal names under a name of its own (DNS rebinding). Only listed origins are answered;
// `null` cannot be told apart from any other and is never listed (G11, TR-02).
bool is_origin_allowed(const http::Request& request, const Settings& settings) {
  if (request.headers.count("Origin") == 0) return true;
  const auto* origin = request.headers.find_single("Origin");
  const auto& allowed = settings.allowed_origins;
  return origin && *origin != "null" && std::find(allowed.begin(), allowed.end(), *origin) != allowed.end();
}

constexpr const char* kUnknownSession = "unknown_session";

bool names_modern_version(const http::Headers& headers) {
  const auto values = headers.find_all(mcp::kVersionHeader);
  return std::find(values.begin(), values.end(), mcp::kModernVersion) != values.end();
}

}  // namespace

Gateway::Gateway(Dependencies dependencies)
    : dependencies_(std::move(dependencies)), authentication_(dependencies_.settings, dependencies_.keys, dependencies_.revocations, dependencies_.proofs),
      definitions_(dependencies_.reviews, dependencies_.clock),
      sessions_(dependencies_.handles, dependencies_.settings.sessions_max, dependencies_.settings.sessions_per_principal_max, dependencies_.settings.session_idle),
      filter_(dependencies_, authentication_, definitions_, tasks_), recorder_(dependencies_), combined_(std::make_unique<combined::Endpoint>(*this)) {}

Gateway::~Gateway() = default;

const registry::Server* Gateway::find_server(const registry::Snapshot& snapshot, const std::string& server_id) const {
  const std::string& base = dependencies_.settings.base;
  const registry::Server* server = server_id.empty() ? snapshot.server_by_resource(base) : snapshot.server(server_id);
  if (!server || (!server->upstream && !registry::is_combined(*server))) return nullptr;
  // What stands at the root has no second address, and nothing but a combined server stands there.
  const bool is_at_root = registry::is_combined(*server) && server->resource == base;
  return is_at_root == server_id.empty() ? server : nullptr;
}

http::Response Gateway::metadata(const std::string& server_id) const {
  const auto snapshot = dependencies_.objects.get();
  const registry::Server* server = find_server(*snapshot, server_id);
  if (!server) return http::text(404, "not found\n");
  http::Response response = http::json(200, json::write(protected_resource_metadata(*server, dependencies_.proofs != nullptr, dependencies_.settings.certificates_asked)));
  response.headers.add("Cache-Control", "max-age=60");
  return response;
}

Task<http::Response> Gateway::handle(const http::Request& request, std::string server_id) {
  auto admitted = co_await admit(request, std::move(server_id));
  if (!admitted) co_return std::move(admitted).error();
  const Admission admission = std::move(*admitted);
  const bool is_combined = registry::is_combined(*admission.server);
  Task<http::Response> task = request.method == "POST"     ? is_combined ? combined_->post(request, admission) : post(request, admission)
                              : request.method == "GET"    ? is_combined ? combined_->get(request, admission) : get(request, admission)
                              : request.method == "DELETE" ? is_combined ? combined_->remove(request, admission) : remove(request, admission)
                                                           : refuse({}, "", method_not_allowed("POST, GET, DELETE"));
  http::Response response = co_await task;
  if (admission.renew_nonce) response.headers.set(dpop::kNonceHeader, dependencies_.proofs->make_nonce(admission.now));
  co_return response;
}

Task<Gateway::Admitted> Gateway::admit(const http::Request& request, std::string server_id) {
  if (!is_origin_allowed(request, dependencies_.settings)) {
    co_return unexpected(error_body(403, std::nullopt, mcp::code::kInvalidRequest, "this origin is not allowed"));
  }
  Admission admission;
  admission.snapshot = dependencies_.objects.get();
  admission.tools = current_tools();   // after the snapshot: see policy::CurrentTools
  admission.now = dependencies_.clock.now();
  const registry::Server* server = find_server(*admission.snapshot, server_id);
  if (!server) co_return unexpected(http::text(404, "not found\n"));
  admission.server = server;

  telemetry::Step step(request.trail, "authenticate");
  std::optional<AuthenticationRefusal> refusal;
  auto token = co_await authentication_.authenticate(request, *server, admission.now);
  if (!token) {
    refusal = token.error();
  } else {
    admission.token = std::move(token->token);
    admission.renew_nonce = token->renew_nonce;
    const auto timely = authentication_.check_time(*admission.token, admission.now);
    if (!timely) refusal = timely.error();
  }
  if (!refusal) {
    admission.revocations = dependencies_.revocations.epoch();
    const auto caller = authentication_.resolve(*admission.token, *admission.snapshot);
    if (caller) admission.caller = *caller;
    else refusal = caller.error();
  }
  step.end();
  if (!refusal) co_return admission;
  const std::string metadata = metadata_url(dependencies_.settings.base, *server);
  http::Response response = challenge(refusal->refusal, *server, metadata);
  if (dependencies_.proofs) {
    const auto presented = find_token(request);
    const bool wants_nonce = refusal->refusal == TokenRefusal::proof_needs_nonce;
    response = with_dpop_challenge(std::move(response), *refusal, presented && presented->as_dpop, wants_nonce ? dependencies_.proofs->make_nonce(admission.now) : "", *server, metadata);
  }
  // A first contact carries no credentials: nothing was judged, and nobody may fill the log by it.
  if (refusal->refusal == TokenRefusal::absent) co_return unexpected(std::move(response));
  audit::Record record = Recorder::base(*server, admission.token.get(), nullptr, request, admission.now);
  std::string reason(refusal->reason());
  http::Response answer = co_await refuse(std::move(record), std::move(reason), std::move(response));
  co_return unexpected(std::move(answer));
}

Task<http::Response> Gateway::refuse(audit::Record record, std::string reason, http::Response response) {
  if (record.server.empty()) co_return response;
  record.reason = std::move(reason);
  record.status = response.status;
  const auto position = co_await recorder_.decide(std::move(record));
  if (!position) co_return decisions_unavailable();
  co_return response;
}

std::shared_ptr<Exchange> Gateway::begin(const http::Request& request, const Admission& admission) {
  std::shared_ptr<Exchange> exchange(new Exchange, [this](Exchange* ended) {
    live_.remove(*ended);
    if (!ended->lease.bytes.empty()) limits_.give_back(ended->lease, ended->bytes, dependencies_.clock.now());
    delete ended;
  });
  exchange->token = admission.token;
  exchange->server_id = admission.server->id;
  if (admission.endpoint) exchange->endpoint_id = admission.endpoint->id;
  exchange->ip = request.peer.address;
  exchange->started = admission.now;
  exchange->deadline = admission.now + dependencies_.settings.call_deadline;
  return exchange;
}

Result<std::shared_ptr<Session>, http::Response> Gateway::find_session(const http::Request& request, const Admission& admission) {
  const std::size_t count = request.headers.count(mcp::kSessionHeader);
  if (count == 0) return std::shared_ptr<Session>();
  if (count > 1) return unexpected(error_body(400, std::nullopt, mcp::code::kInvalidRequest, "more than one session id"));
  const std::int64_t now_seconds = to_unix_seconds(admission.now);
  auto session = sessions_.find(*request.headers.find(mcp::kSessionHeader), admission.token->principal.key, now_seconds);
  // Unknown, ended, and somebody else's: one answer for all three (TR-25, G12).
  if (!session) return unexpected(error_body(404, std::nullopt, mcp::code::kInvalidRequest, "unknown session"));
  session->use(now_seconds, admission.token->expires);
  return session;
}

Task<std::optional<http::Response>> Gateway::read(const http::Request& request, const Admission& admission, std::shared_ptr<Exchange> exchange, audit::Record& record) {
  const Settings& settings = dependencies_.settings;
  std::optional<http::Response> bad;
  std::string reason;
  const auto refuse_with = [&](std::string why, http::Response response) { reason = std::move(why), bad = std::move(response); };

  // Policy runs on every request that goes anywhere: what is not a JSON message goes nowhere (G8).
  if (!mcp::is_json(request.headers) || request.headers.count("Content-Encoding") > 0) {
    refuse_with("media_type", error_body(415, std::nullopt, mcp::code::kInvalidRequest, "send application/json"));
  } else if (!mcp::accepts(request.headers, "application/json") || !mcp::accepts(request.headers, "text/event-stream")) {
    refuse_with("not_acceptable", error_body(406, std::nullopt, mcp::code::kInvalidRequest, "accept application/json and text/event-stream"));
  }
  if (!bad) {
    auto message = mcp::Message::parse(request.body, {settings.message_bytes_max, settings.depth_max, settings.members_max});
    if (message) {
      exchange->message = std::move(*message);
    } else {
      const int status = message.error() == mcp::MessageProblem::too_large ? 413 : 400;
      refuse_with(std::string(to_string(message.error())), error_body(status, std::nullopt, error_code(message.error()), "not a valid MCP message"));
    }
  }
  if (!bad) {
    const mcp::Message& message = *exchange->message;
    record.method = message.is_response() ? "response" : Recorder::bounded(message.method());
    exchange->era = mcp::era_of(message, request.headers);
    const auto checked = exchange->era == mcp::Era::modern ? mcp::check_modern(message, request.headers) : mcp::check_legacy_version(request.headers);
    const bool is_request = message.kind() == mcp::Message::Kind::request;
    if (!checked) {
      const mcp::Misuse& misuse = checked.error();
      refuse_with(misuse.reason, error_body(misuse.status, is_request ? message.id() : std::nullopt, misuse.error_code, misuse.message, misuse.data));
    } else if (exchange->era == mcp::Era::legacy && message.method() != mcp::kInitialize) {
      auto session = find_session(request, admission);
      if (session) exchange->session = std::move(*session);
      else refuse_with(kUnknownSession, std::move(session).error());
    }
  }
  if (bad && reason == kUnknownSession) {
    auto elsewhere = co_await ask_node_of_session(request, admission);
    if (elsewhere) co_return std::move(*elsewhere);
  }
  if (bad) {
    http::Response response = co_await refuse(std::move(record), std::move(reason), std::move(*bad));
    co_return response;
  }
  const mcp::Message& message = *exchange->message;
  exchange->method = message.is_response() ? nullptr : mcp::find_method(message.method(), message.kind() == mcp::Message::Kind::notification);
  exchange->stands = exchange->method && exchange->method->stands;
  const std::string* state = exchange->era == mcp::Era::modern ? message.param_string("requestState") : nullptr;
  auto elsewhere = co_await ask_node_of_state(request, admission, admission.server->id, state);
  co_return elsewhere;
}

Task<http::Response> Gateway::post(const http::Request& request, Admission admission) {
  audit::Record record = Recorder::base(*admission.server, admission.token.get(), &admission.caller, request, admission.now);
  const auto exchange = begin(request, admission);
  auto bad = co_await read(request, admission, exchange, record);
  if (bad) co_return std::move(*bad);
  http::Response response = co_await walk(request, std::move(admission), exchange, std::move(record));
  co_return response;
}

std::optional<Admission> Gateway::admit_again(const Admission& before, const std::string& server_id, const std::string& endpoint_id) const {
  Admission admission;
  admission.snapshot = dependencies_.objects.get();
  admission.tools = current_tools();
  admission.token = before.token;
  admission.now = dependencies_.clock.now();
  admission.revocations = dependencies_.revocations.epoch();
  const auto way = find_way(*admission.snapshot, server_id, endpoint_id);
  const auto caller = authentication_.resolve(*admission.token, *admission.snapshot);
  if (!way || !caller) return std::nullopt;
  admission.server = way->server, admission.endpoint = way->endpoint;
  admission.caller = *caller;
  return admission;
}

Task<http::Response> Gateway::walk(const http::Request& request, Admission admission, std::shared_ptr<Exchange> exchange, audit::Record record) {
  auto refused = co_await decide(request, admission, exchange, std::move(record));
  if (refused) co_return std::move(*refused);
  http::Response response = co_await forward(request, admission, exchange);
  response.withdrawn = std::shared_ptr<http::Cancellation>(exchange, &exchange->delivery);
  if (response.stream || !exchange->cut_off) co_return response;
  http::Response ended = co_await tell_cut_off(exchange);
  co_return ended;
}

Task<http::Response> Gateway::tell_cut_off(std::shared_ptr<Exchange> exchange) {
  const auto cut_off = exchange->cut_off;
  CutOffNotice notice = co_await record_cut_off(recorder_, cut_off);
  co_return error_body(403, exchange->own_id(), mcp::code::kDenied, notice.text, std::move(notice.data));
}

Task<std::optional<http::Response>> Gateway::read_get(const http::Request& request, const Admission& admission, std::shared_ptr<Exchange> exchange, audit::Record& record) {
  exchange->stands = true;
  if (names_modern_version(request.headers)) co_return method_not_allowed("POST");   // TR-58
  std::optional<http::Response> bad;
  std::string reason;
  const auto checked = mcp::check_legacy_version(request.headers);
  auto session = find_session(request, admission);
  if (!checked) {
    reason = checked.error().reason, bad = error_body(400, std::nullopt, checked.error().error_code, checked.error().message, checked.error().data);
  } else if (!mcp::accepts(request.headers, "text/event-stream")) {
    reason = "not_acceptable", bad = error_body(406, std::nullopt, mcp::code::kInvalidRequest, "accept text/event-stream");
  } else if (!session) {
    reason = kUnknownSession, bad = std::move(session).error();
  } else if (const auto* place = request.headers.find("Last-Event-ID"); place && is_own_event_id(*place)) {
    reason = "not_resumable", bad = error_body(400, std::nullopt, mcp::code::kInvalidRequest, "there is nothing to resume");
  }
  if (bad && reason == kUnknownSession) {
    auto elsewhere = co_await ask_node_of_session(request, admission);
    if (elsewhere) co_return std::move(*elsewhere);
  }
  if (bad) {
    http::Response response = co_await refuse(std::move(record), std::move(reason), std::move(*bad));
    co_return response;
  }
  exchange->session = std::move(*session);
  co_return std::nullopt;
}

Task<http::Response> Gateway::get(const http::Request& request, Admission admission) {
  audit::Record record = Recorder::base(*admission.server, admission.token.get(), &admission.caller, request, admission.now);
  const auto exchange = begin(request, admission);
  auto bad = co_await read_get(request, admission, exchange, record);
  if (bad) co_return std::move(*bad);
  http::Response response = co_await walk(request, std::move(admission), exchange, std::move(record));
  co_return response;
}

// Asks no policy: who may no longer use a server may still tidy up what is theirs.
Task<std::optional<http::Response>> Gateway::read_delete(const http::Request& request, const Admission& admission, std::shared_ptr<Exchange> exchange, audit::Record record) {
  if (names_modern_version(request.headers)) co_return method_not_allowed("POST");
  auto session = find_session(request, admission);
  std::optional<http::Response> bad;
  if (!session) {
    auto elsewhere = co_await ask_node_of_session(request, admission);
    if (elsewhere) co_return std::move(*elsewhere);
    bad = std::move(session).error();
  } else if (!*session) {
    bad = error_body(400, std::nullopt, mcp::code::kInvalidRequest, "a session id is needed");
  }
  if (bad) {
    http::Response response = co_await refuse(std::move(record), kUnknownSession, std::move(*bad));
    co_return response;
  }
  exchange->session = std::move(*session);
  auto refused = co_await record_end(exchange, std::move(record));
  co_return refused;
}

Task<std::optional<http::Response>> Gateway::record_end(std::shared_ptr<Exchange> exchange, audit::Record record) {
  record.effect = audit::Effect::allow;
  record.reason = "own_session";
  exchange->record = record;
  const auto position = co_await recorder_.decide(std::move(record));
  if (!position) co_return decisions_unavailable();   // no decision without its record (S1)
  exchange->position = *position;
  co_return std::nullopt;
}

Task<http::Response> Gateway::remove(const http::Request& request, Admission admission) {
  audit::Record record = Recorder::base(*admission.server, admission.token.get(), &admission.caller, request, admission.now);
  const auto exchange = begin(request, admission);
  auto bad = co_await read_delete(request, admission, exchange, std::move(record));
  if (bad) co_return std::move(*bad);
  http::Response response = co_await forward(request, admission, exchange);
  co_return response;
}

}  // namespace writ::gateway
