#include "upstreams/eras/for_modern_client.h"

#include <algorithm>
#include <utility>

#include "upstreams/eras/bridged_listen.h"
#include "upstreams/eras/input_request.h"
#include "upstreams/eras/whole_body.h"

namespace writ::upstreams {
namespace {

constexpr std::string_view kListen = "subscriptions/listen";

// What both eras have. Tasks are two different protocols in them.
bool is_translatable(std::string_view method) {
  constexpr std::string_view kMethods[] = {mcp::kDiscover, mcp::kToolsList, mcp::kToolsCall, "resources/list", "resources/templates/list", "resources/read", "prompts/list",
                                           "prompts/get", "completion/complete", kListen};
  return std::find(std::begin(kMethods), std::end(kMethods), method) != std::end(kMethods);
}

Sent error_answer(int status, const mcp::RequestId& id, int code, std::string_view message) { return json_response(status, json::write(mcp::error_response(id, code, message))); }

}  // namespace

Task<Result<http::UpstreamResponse, Failure>> ForModernClient::send(Request request) {
  if (request.http.method != "POST" || !request.message) {
    co_return unexpected(Failure{Failure::Kind::not_translatable, "in this revision of the protocol there is only POST", "", std::nullopt});
  }
  // A cancellation is the end of its request's stream; nothing else is said with a notification.
  if (request.message->kind() != mcp::Message::Kind::request) co_return whole_response(202, {}, "");
  const mcp::RequestId id = *request.message->id();
  if (!is_translatable(request.message->method())) co_return error_answer(404, id, mcp::code::kMethodNotFound, "the server speaks an older revision of the protocol, which has no such method");
  auto read = read_modern_request(*request.message);
  if (!read) co_return error_answer(400, id, mcp::code::kInvalidParams, read.error());

  // Without a state the questions were those of a call that had ended with them; a no is the end of the matter.
  if (!read->request_state && read->input_responses && has_refusal(*read->input_responses)) {
    co_return error_answer(200, id, mcp::code::kInvalidRequest, "what the server asked for was declined");
  }

  // The message belongs to this loop and goes no further.
  Asking asking;
  asking.request = std::move(*read);
  asking.context = context_of(request);
  asking.head_timeout_ms = request.http.head_timeout_ms, asking.idle_timeout_ms = request.http.idle_timeout_ms;
  const auto reply = std::make_shared<Handover<Sent>>();
  const auto out = std::make_shared<Conduit>();
  asking.reply = reply, asking.out = out;
  auto at_once = asking.request.request_state ? come_back(std::move(asking)) : dispatch(std::move(asking));
  if (at_once) co_return std::move(*at_once);

  http::Cancellation* cancellation = request.http.cancellation;
  if (cancellation) {
    cancellation->on_request([reply, out] {
      out->close();
      reply->set(unexpected(Failure{Failure::Kind::closed, "", "", std::nullopt}));
    });
  }
  auto waiting = Handover<Sent>::get(reply);
  auto answer = co_await waiting;
  if (cancellation) cancellation->on_request(nullptr);
  co_return answer;
}

std::optional<Sent> ForModernClient::dispatch(Asking asking) {
  auto session = sessions_.find_or_make(asking.context, asking.request);
  if (!session) return unexpected(Failure{Failure::Kind::unavailable, "too many sessions are open at this server", "", Seconds{5}});
  Executor& home = session->home();
  const auto handed = std::make_shared<Asking>(std::move(asking));
  home.post([this, session = std::move(session), handed] {
    // Whoever waits hears of the end, whatever happens.
    auto done = [reply = handed->reply](std::exception_ptr exception) {
      if (exception) reply->set(unexpected(Failure{Failure::Kind::bad_response, "the exchange broke off", "", std::nullopt}));
    };
    if (handed->request.method == kListen) {
      auto task = BridgedListen::run(std::make_shared<BridgedListen>(session, std::move(*handed)));
      spawn(std::move(task), std::move(done));
    } else {
      auto task = BridgedCall::run(std::make_shared<BridgedCall>(parts_, pending_, states_, session, std::move(*handed)));
      spawn(std::move(task), std::move(done));
    }
  });
  return std::nullopt;
}

std::optional<Sent> ForModernClient::come_back(Asking asking) {
  const mcp::RequestId id = asking.request.id;
  const auto state = states_.open(*asking.request.request_state, asking.context.principal->key, asking.context.server->id, asking.request.digest, parts_.clock.now());
  const std::int64_t round = state ? state->round : 0;
  const auto handed = std::make_shared<Asking>(std::move(asking));
  const bool is_found = state && pending_.visit(state->call, [handed, round](BridgedCall& call) { call.come_back(std::move(*handed), round); });
  if (is_found) return std::nullopt;
  // One answer for what was forged, is too old, belongs to another request, or was kept by a process that is gone.
  return error_answer(200, id, mcp::code::kInvalidParams, "`requestState` is not valid here or not any more: send the request again without it");
}

void ForModernClient::tidy(Instant now) {
  pending_.take_expired(now, [](BridgedCall& call) { call.end(); });
  sessions_.tidy(now);
}

}  // namespace writ::upstreams
