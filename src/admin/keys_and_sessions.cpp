// Signing keys and sessions: the program's roles have them, these operations only show and end them.

#include "admin/handlers.h"
#include "audit/record.h"

namespace writ::admin {

Task<http::Response> list_keys(const Api& api, const Call&) {
  json::Array items;
  if (api.keys) {
    for (const KeySummary& key : api.keys->list(api.administration.clock().now())) {
      items.push_back(json::Value{{"use", key.use},         {"kid", key.kid},
                                  {"algorithm", key.algorithm}, {"created", audit::to_iso8601(key.created)},
                                  {"active_from", audit::to_iso8601(key.active_from)}, {"active", key.active},
                                  {"published", key.published},
                                  {"place", key.in_token ? "pkcs11" : "store"}});
    }
  }
  co_return answer(json::Value{{"items", std::move(items)}});
}

namespace {

// The record first, and as an incident of its own: what is found later about that key begins here.
Task<http::Response> withdraw_key(const Api& api, const Call& call, std::string kid) {
  const Instant now = api.administration.clock().now();
  audit::Commit commit;
  commit.record.event = audit::Event::keys_changed;
  commit.record.time = now;
  commit.record.reason = "compromised";
  commit.record.peer = call.actor.peer;
  commit.record.more = {{"actor", call.actor.name}, {"kid", kid}, {"incident", "true"}};
  const auto recorded = co_await api.administration.log().commit(std::move(commit));
  if (!recorded) co_return unavailable();
  const auto withdrawn = co_await api.keys->withdraw(kid, now);
  if (!withdrawn) co_return unavailable();
  if (!*withdrawn) co_return problem(404, "no role of this process has such a key", "`writ keys list` shows them");
  co_return answer(json::Value{{"use", (*withdrawn)->use}, {"kid", (*withdrawn)->successor}, {"withdrawn", kid}, {"at_once", true}});
}

}  // namespace

// {use, at_once}, or {compromised}
Task<http::Response> rotate_key(const Api& api, const Call& call) {
  auto body = read_body(call.request);
  if (!body) co_return std::move(body).error();
  const registry::Node root = registry::from_json(*body);
  registry::Problems problems;
  registry::Fields fields(root, "a request", problems);
  std::string compromised = fields.text("compromised");
  const std::string use = compromised.empty() ? fields.required_text("use") : std::string();
  const bool at_once = compromised.empty() && fields.flag("at_once", false);
  fields.finish();
  if (registry::has_errors(problems)) co_return to_response(ChangeFailure{Invalid{std::move(problems)}});
  if (!api.keys) co_return problem(404, "this process signs nothing");
  if (!compromised.empty()) {
    auto withdrawing = withdraw_key(api, call, std::move(compromised));
    co_return co_await withdrawing;
  }
  const Instant now = api.administration.clock().now();
  audit::Commit commit;
  commit.record.event = audit::Event::keys_changed;
  commit.record.time = now;
  commit.record.reason = at_once ? "rotate_at_once" : "rotate";
  commit.record.peer = call.actor.peer;
  commit.record.more = {{"actor", call.actor.name}, {"use", use}};
  const auto recorded = co_await api.administration.log().commit(std::move(commit));
  if (!recorded) co_return unavailable();
  const auto rotated = co_await api.keys->rotate(use, at_once, now);
  if (!rotated) co_return unavailable();
  if (!*rotated) co_return problem(404, "no role of this process has such keys", "there are `idp`, `ras` and `encryption`");
  co_return answer(json::Value{{"use", use}, {"kid", **rotated}, {"at_once", at_once}});
}

Task<http::Response> list_sessions(const Api& api, const Call& call) {
  json::Array items;
  if (api.sessions) {
    std::string user = call.query("user").value_or("");
    const auto snapshot = api.administration.snapshot();
    if (const auto* named = snapshot->user_by_name(user)) user = named->id;
    for (const SessionInfo& session : api.sessions->list(user)) {
      items.push_back(json::Value{{"sid", session.sid}, {"user", session.user}, {"user_name", session.user_name}, {"created", audit::to_iso8601(session.created)},
                                  {"last_used", audit::to_iso8601(session.last_used)}, {"expires", audit::to_iso8601(session.expires)}, {"devices", json::from_strings(session.devices)}});
    }
  }
  co_return answer(json::Value{{"items", std::move(items)}});
}

Task<http::Response> end_session(const Api& api, const Call& call) {
  if (!api.sessions) co_return problem(404, "this process has no sessions");
  std::string sid = call.arguments.at(0), actor = call.actor.name, peer = call.actor.peer;
  const auto ended = co_await api.sessions->end(std::move(sid), std::move(actor), std::move(peer));
  if (!ended) co_return unavailable();
  co_return answer(json::Value{{"ended", true}});
}

Task<http::Response> end_sessions_of_user(const Api& api, const Call& call) {
  if (!api.sessions) co_return problem(404, "this process has no sessions");
  const auto snapshot = api.administration.snapshot();
  if (!snapshot->user(call.arguments.at(0))) co_return problem(404, "there is no such user");
  std::string user = call.arguments.at(0), actor = call.actor.name, peer = call.actor.peer;
  const auto ended = co_await api.sessions->end_of_user(std::move(user), std::move(actor), std::move(peer));
  if (!ended) co_return unavailable();
  co_return answer(json::Value{{"ended", true}});
}

Task<http::Response> reset_second_factor(const Api& api, const Call& call) {
  if (!api.sessions) co_return problem(404, "this process signs nobody in");
  const auto snapshot = api.administration.snapshot();
  if (!snapshot->user(call.arguments.at(0))) co_return problem(404, "there is no such user");
  std::string user = call.arguments.at(0), actor = call.actor.name, peer = call.actor.peer;
  const auto reset = co_await api.sessions->reset_factor(std::move(user), std::move(actor), std::move(peer));
  if (!reset) co_return unavailable();
  co_return answer(json::Value{{"reset", *reset}});
}

}  // namespace writ::admin
