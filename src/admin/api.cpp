#include "admin/api.h"

#include <map>

#include "admin/authentication.h"
#include "admin/handlers.h"

namespace writ::admin {
namespace {

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

// One segment of a path. Absent: an escape that is none, or one that hides a NUL.
std::optional<std::string> decode_segment(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// A refusal at the door is a decision like any other: one record, before the answer (S1).
Task<http::Response> refuse(const Api& api, const http::Request& request, std::string actor, std::string reason, http::Response response) {
  audit::Commit commit;
  commit.record.event = audit::Event::administration;
  commit.record.effect = audit::Effect::deny;
  commit.record.time = api.administration.clock().now();
  commit.record.reason = std::move(reason);
  commit.record.method = request.method;
  commit.record.resource = request.path;
  commit.record.peer = request.peer.address;
  commit.record.trail = request.trail;
  if (!actor.empty()) commit.record.more.emplace_back("actor", std::move(actor));
  const auto committed = co_await api.administration.log().commit(std::move(commit));
  if (!committed) co_return unavailable();
  co_return response;
}

Task<http::Response> refuse(const Api& api, const http::Request& request, const Unauthenticated& failed) {
  http::Response response = problem(401, "this needs an API token", "send `Authorization: Bearer` with the token, or use the local socket");
  response.headers.add("WWW-Authenticate", "Bearer");
  return refuse(api, request, "", failed.reason, std::move(response));
}

Task<http::Response> answer_auditor(const Api& api, const http::Handler& inner, const http::Request& request) {
  const auto snapshot = api.administration.snapshot();
  const auto who = authenticate(request, *snapshot);
  const auto* failed = std::get_if<Unauthenticated>(&who);
  Task<http::Response> answering = failed ? refuse(api, request, *failed) : inner(request);
  auto answered = co_await answering;
  co_return answered;
}

Task<http::Response> dispatch(const Api& api, const http::Request& request) {
  const auto snapshot = api.administration.snapshot();
  auto who = authenticate(request, *snapshot);
  if (const auto* failed = std::get_if<Unauthenticated>(&who)) {
    auto refused = co_await refuse(api, request, *failed);
    co_return refused;
  }
  Call call{request, std::move(std::get<Actor>(who)), {}};
  std::string allowed;
  std::string_view owner;
  for (const Operation& operation : operations()) {
    auto arguments = match_path(operation.path, request.path);
    // The first pattern that matches owns the path: /policy is no collection.
    if (!arguments || (!owner.empty() && owner != operation.path)) continue;
    owner = operation.path;
    if (operation.method != request.method) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(operation.method);
      continue;
    }
    if (operation.needs == Needs::admin && call.actor.role != Actor::Role::admin) {
      std::string actor = call.actor.name, reason = "needs_admin";
      http::Response response = problem(403, "this needs an administrator", "your API token has the role `auditor`");
      auto refused = co_await refuse(api, request, std::move(actor), std::move(reason), std::move(response));
      co_return refused;
    }
    call.arguments = std::move(*arguments);
    auto answered = co_await handler_of(operation.name)(api, call);
    co_return answered;
  }
  if (allowed.empty()) co_return problem(404, "there is no such operation", "GET /admin/openapi.json lists them");
  http::Response response = problem(405, "this method is not for this path");
  response.headers.add("Allow", std::move(allowed));
  co_return response;
}

Task<http::Response> serve_openapi() { co_return http::json(200, openapi()); }

}  // namespace

std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path) {
  std::vector<std::string> arguments;
  while (true) {
    const auto pattern_end = std::min(pattern.find('/', 1), pattern.size()), path_end = std::min(path.find('/', 1), path.size());
    const std::string_view expected = pattern.substr(0, pattern_end), actual = path.substr(0, path_end);
    if (expected.size() > 1 && expected[1] == '{') {
      const auto value = actual.size() > 1 ? decode_segment(actual.substr(1)) : std::nullopt;
      if (!value) return std::nullopt;
      arguments.push_back(*value);
    } else if (expected != actual) {
      return std::nullopt;
    }
    pattern.remove_prefix(pattern_end);
    path.remove_prefix(path_end);
    if (pattern.empty() || path.empty()) break;
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return arguments;
}

OperationHandler handler_of(std::string_view operation) {
  static const std::map<std::string_view, OperationHandler> kHandlers = {
      {"list_objects", list_objects},
      {"get_object", get_object},
      {"put_object", put_object},
      {"delete_object", delete_object},
      {"get_object_history", get_object_history},
      {"plan", plan_documents},
      {"apply", apply_documents},
      {"get_status", get_status},
      {"get_policy", get_policy},
      {"list_policy_versions", list_policy_versions},
      {"get_policy_version", get_policy_version},
      {"restore_policy", restore_policy},
      {"test_policy", test_policy},
      {"check_policy", check_policy},
      {"diff_policy", diff_policy},
      {"replay_policy", replay_policy},
      {"activate_policy", activate_policy},
      {"get_shadow", get_shadow},
      {"start_shadow", start_shadow},
      {"stop_shadow", stop_shadow},
      {"promote_policy", promote_policy},
      {"list_approvals", list_approvals},
      {"get_approval", get_approval},
      {"decide_approval", decide_approval},
      {"list_accounts", list_accounts},
      {"get_account", get_account},
      {"approve_account", approve_account},
      {"reject_account", reject_account},
      {"unlink_account", unlink_account},
      {"query_audit", query_audit},
      {"explain_denial", explain_denial},
      {"list_reviews", list_reviews},
      {"approve_reviews", approve_reviews},
      {"reject_reviews", reject_reviews},
      {"explain_access", explain_access},
      {"list_keys", list_keys},
      {"rotate_key", rotate_key},
      {"list_sessions", list_sessions},
      {"end_session", end_session},
      {"end_sessions_of_user", end_sessions_of_user},
      {"reset_second_factor", reset_second_factor},
      {"list_upstreams", list_upstreams},
      {"list_signals", list_signals},
      {"set_signal_stream", set_signal_stream},
      {"remove_signal_stream", remove_signal_stream},
  };
  const auto found = kHandlers.find(operation);
  assert(found != kHandlers.end());
  return found->second;
}

http::Handler for_auditors(const Api& api, http::Handler inner) {
  return [&api, inner = std::move(inner)](const http::Request& request) { return answer_auditor(api, inner, request); };
}

http::Router routes(const Api& api) {
  http::Router router;
  router.add("GET", "/admin/openapi.json", [](const http::Request&) { return serve_openapi(); });
  for (const char* method : {"GET", "POST", "PUT", "DELETE"}) {
    router.add(method, "/admin/v1/*", [&api](const http::Request& request) { return dispatch(api, request); });
  }
  return router;
}

}  // namespace writ::admin
