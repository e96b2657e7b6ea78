// Shadow mode for administrators: what is tried out, what it would have changed, and making it real.

#include "admin/handlers.h"
#include "audit/record_name.h"
#include "policy/promote.h"
#include "policy/shadow.h"
#include "policy/shadow_counts.h"

namespace writ::admin {

using namespace registry;

namespace {

json::Value to_json(const Candidate& candidate) {
  return json::Value{{"version", candidate.bundle.version}, {"author", candidate.author}, {"reason", candidate.reason}, {"started", audit::to_iso8601(candidate.started)}};
}

json::Value to_json(const policy::ShadowCounts::Total& total) { return json::Value{{"calls", static_cast<std::int64_t>(total.calls)}, {"people", static_cast<std::int64_t>(total.people)}}; }

json::Value to_json(const policy::ShadowCounts::Row& row) {
  const policy::ShadowSeen& seen = row.example;
  return json::Value{{"of", seen.of_candidate ? "candidate" : "policy"},
                     {"policy", seen.policy},
                     {"decided", seen.decided},
                     {"would", seen.would},
                     {"user", seen.user},
                     {"user_name", seen.user_name},
                     {"agent", seen.agent},
                     {"server", seen.server},
                     {"subject", seen.subject},
                     {"calls", static_cast<std::int64_t>(row.calls)},
                     {"last", audit::to_iso8601(seen.time)},
                     {"code", audit::denial_code(seen.position)},
                     {"position", static_cast<std::int64_t>(audit::position_of(seen.position))}};
}

struct Texts {
  std::string policy, version, reason;
};
Result<Texts, http::Response> read_texts(const Call& call) {
  const json::Value body = TRY(read_body(call.request));
  const Node root = from_json(body);
  Problems problems;
  Fields fields(root, "a request", problems);
  Texts texts{fields.text("policy"), fields.text("version"), fields.text("reason")};
  fields.finish();
  if (has_errors(problems)) return unexpected(to_response(ChangeFailure{Invalid{std::move(problems)}}));
  return texts;
}

}  // namespace

Task<http::Response> get_shadow(const Api& api, const Call&) {
  const Instant now = api.administration.clock().now();
  const auto candidate = api.administration.candidate();
  const auto active = api.administration.policy();
  std::vector<std::string> policies;
  if (const auto* cedar = dynamic_cast<const policy::CedarPolicy*>(active.get())) policies = cedar->shadow_policies();
  json::Value body{{"candidate", candidate ? to_json(*candidate) : json::Value()}, {"policies", json::from_strings(policies)}, {"active_version", active->version()}};
  if (api.shadow_counts) {
    const auto summary = api.shadow_counts->summary(now, {policies.begin(), policies.end()}, candidate ? candidate->bundle.version : "");
    json::Array rows;
    for (const auto& row : summary.rows) rows.push_back(to_json(row));
    body.set("since", audit::to_iso8601(now - policy::kShadowWindow));
    body.set("would_block", to_json(summary.would_block));
    body.set("would_hold", to_json(summary.would_hold));
    body.set("would_allow", to_json(summary.would_allow));
    body.set("rows", std::move(rows));
    // Not zero: the counts are too low.
    body.set("not_counted", static_cast<std::int64_t>(summary.not_counted + policy::shadows_not_asked()));
  }
  co_return answer(std::move(body));
}

Task<http::Response> start_shadow(const Api& api, const Call& call) {
  auto change = read_bundle_request(call);
  if (!change) co_return std::move(change).error();
  Actor actor = call.actor;
  policy::BundleFiles files = std::move(*change->policy);
  std::string reason = std::move(change->reason);
  const auto started = co_await api.administration.start_shadow(std::move(actor), std::move(files), std::move(reason));
  if (!started) co_return to_response(started.error());
  json::Value body = to_json(**started);
  body.set("warnings", to_json((*started)->bundle.warnings));
  co_return answer(std::move(body));
}

Task<http::Response> stop_shadow(const Api& api, const Call& call) {
  Actor actor = call.actor;
  std::string reason = call.query("reason").value_or("");
  const auto stopped = co_await api.administration.stop_shadow(std::move(actor), std::move(reason));
  if (!stopped && std::holds_alternative<Missing>(stopped.error())) co_return problem(404, "no candidate is being tried out");
  if (!stopped) co_return to_response(stopped.error());
  co_return answer(json::Value{{"stopped", true}});
}

// {reason} makes the candidate the active version, {version} only that one; {policy, reason} enforces one @shadow policy of the active bundle. Both go
// through the whole activation, tests included.
Task<http::Response> promote_policy(const Api& api, const Call& call) {
  auto texts = read_texts(call);
  if (!texts) co_return std::move(texts).error();
  Change change;
  change.reason = texts->reason;
  const auto candidate = api.administration.candidate();
  if (!texts->policy.empty()) {
    if (!texts->version.empty()) co_return problem(400, "say either which policy or which version");
    const auto catalogue = api.administration.catalogue();
    if (!catalogue->policy) co_return problem(404, "no policy is active");
    auto files = policy::without_shadow(catalogue->policy->files, texts->policy);
    if (!files) co_return problem(404, "this policy cannot be promoted", files.error());
    change.policy = std::move(*files);
    if (change.reason.empty()) change.reason = "promote " + texts->policy;
    change.policy_version = catalogue->policy->hash;
  } else {
    if (!candidate) co_return problem(404, "no candidate is being tried out", "start one with `writ policy shadow DIR`, or name a @shadow policy of the active bundle");
    // Meant is what somebody looked at, not what took its place meanwhile.
    if (!texts->version.empty() && (texts->version.size() < 8 || !candidate->bundle.version.starts_with(texts->version))) {
      co_return problem(412, "another candidate is being tried out", "its version is " + candidate->bundle.version, json::Value{{"version", candidate->bundle.version}});
    }
    change.policy = candidate->files;
    if (change.reason.empty()) change.reason = candidate->reason;
  }
  Actor actor = call.actor;
  auto changed = co_await api.administration.change(std::move(actor), std::move(change));
  if (!changed) co_return to_response(changed.error());
  co_return answer(to_json(*changed));
}

}  // namespace writ::admin
