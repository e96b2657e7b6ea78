#include "admin/api.h"
#include "encoding/json.h"

namespace writ::admin {

const std::vector<Operation>& operations() {
  static const std::vector<Operation> kOperations = {
      {"GET", "/admin/v1/status", Needs::auditor, "get_status", "sequence of the store and version of the policy"},
      {"POST", "/admin/v1/plan", Needs::auditor, "plan", "what documents and a policy bundle would change", "", true},
      {"POST", "/admin/v1/apply", Needs::admin, "apply", "change objects and policy as documents say, whole or not at all", "", true},
      {"GET", "/admin/v1/policy", Needs::auditor, "get_policy", "the active policy bundle"},
      {"GET", "/admin/v1/policy/history", Needs::auditor, "list_policy_versions", "versions of the policy bundle, newest first; `before`: those numbered below it", "limit,before"},
      {"GET", "/admin/v1/policy/versions/{number}", Needs::auditor, "get_policy_version", "a version of the policy bundle with its files"},
      {"POST", "/admin/v1/policy/versions/{number}/restore", Needs::admin, "restore_policy", "activate what an old version holds as a new version", "", true},
      {"POST", "/admin/v1/policy/test", Needs::auditor, "test_policy", "run the tests of a policy bundle, or without `files` of the active one", "", true},
      {"POST", "/admin/v1/policy/check", Needs::auditor, "check_policy", "whether a policy bundle could be activated", "", true},
      {"POST", "/admin/v1/policy/diff", Needs::auditor, "diff_policy", "who would gain or lose what: `files` against the active bundle, version `from` against `to`, or with `objects` that change", "", true},
      {"POST", "/admin/v1/policy/replay", Needs::auditor, "replay_policy", "which recorded decisions a bundle would have made otherwise", "", true},
      {"PUT", "/admin/v1/policy", Needs::admin, "activate_policy", "activate a policy bundle, whole or not at all", "", true},
      {"GET", "/admin/v1/policy/shadow", Needs::auditor, "get_shadow", "what is tried out beside the active policy, and what it would have changed in the last day"},
      {"POST", "/admin/v1/policy/shadow", Needs::admin, "start_shadow", "try out a whole bundle beside the active one, never enforced", "", true},
      {"DELETE", "/admin/v1/policy/shadow", Needs::admin, "stop_shadow", "stop trying out the candidate", "reason"},
      {"POST", "/admin/v1/policy/promote", Needs::admin, "promote_policy", "activate the candidate, or enforce one @shadow policy of the active bundle", "", true},
      {"GET", "/admin/v1/approvals", Needs::admin, "list_approvals", "calls that wait for approval, with their arguments, and what became of the last ones", "state"},
      {"GET", "/admin/v1/approvals/{id}", Needs::admin, "get_approval", "one of them"},
      {"POST", "/admin/v1/approvals/{id}", Needs::admin, "decide_approval", "reject a held call; approve it over the local socket alone", "", true},
      {"GET", "/admin/v1/accounts", Needs::auditor, "list_accounts", "accounts of other issuers' subjects: linked, offered and rejected", "user,issuer,state"},
      {"GET", "/admin/v1/accounts/{id}", Needs::auditor, "get_account", "one of them"},
      {"POST", "/admin/v1/accounts/{id}/approve", Needs::admin, "approve_account", "link an account that was offered"},
      {"POST", "/admin/v1/accounts/{id}/reject", Needs::admin, "reject_account", "refuse an account that was offered"},
      {"DELETE", "/admin/v1/accounts/{id}", Needs::admin, "unlink_account", "take a link away, and what was given because of it"},
      {"GET", "/admin/v1/audit", Needs::auditor, "query_audit", "records, newest first; with `after` oldest first from there, and `wait` for new ones",
       "user,agent,server,tool,effect,event,id_jag_jti,access_token_jti,text,since,until,before,after,limit,wait"},
      {"GET", "/admin/v1/why/{code}", Needs::auditor, "explain_denial", "why a denial was one: the record behind a code, what belongs to it, and which policies of then decided"},
      {"POST", "/admin/v1/can", Needs::auditor, "explain_access", "whether something would be allowed, by which policies, and the smallest change that would allow it", "", true},
      {"GET", "/admin/v1/reviews", Needs::auditor, "list_reviews", "tools, prompts and instructions that wait for review, with their differences", "server,rejected"},
      {"POST", "/admin/v1/reviews/approve", Needs::admin, "approve_reviews", "approve what was looked at, each named with its digest", "", true},
      {"POST", "/admin/v1/reviews/reject", Needs::admin, "reject_reviews", "refuse what was looked at; it stays held", "", true},
      {"GET", "/admin/v1/keys", Needs::auditor, "list_keys", "signing keys of the roles"},
      {"POST", "/admin/v1/keys/rotate", Needs::admin, "rotate_key", "make a successor of a role's signing key", "", true},
      {"GET", "/admin/v1/sessions", Needs::auditor, "list_sessions", "live sessions", "user"},
      {"DELETE", "/admin/v1/sessions/{sid}", Needs::admin, "end_session", "end a session and everything that lives on it"},
      {"DELETE", "/admin/v1/users/{key}/sessions", Needs::admin, "end_sessions_of_user", "end all sessions of a user"},
      {"DELETE", "/admin/v1/users/{key}/factor", Needs::admin, "reset_second_factor", "forget a user's second factor and recovery codes"},
      {"GET", "/admin/v1/upstreams", Needs::auditor, "list_upstreams", "whether the servers behind the gateway can be reached, as this process has found"},
      {"GET", "/admin/v1/signals", Needs::auditor, "list_signals", "who gets security events from here, and whose are asked for"},
      {"POST", "/admin/v1/signals/{stream}", Needs::admin, "set_signal_stream", "enable, pause or disable a receiver's stream; the receiver cannot undo it", "", true},
      {"DELETE", "/admin/v1/signals/{stream}", Needs::admin, "remove_signal_stream", "forget a receiver's stream and what waits for it"},
      {"GET", "/admin/v1/{collection}", Needs::auditor, "list_objects", "all objects of a collection"},
      {"GET", "/admin/v1/{collection}/{key}", Needs::auditor, "get_object", "one object, with its version as ETag"},
      {"PUT", "/admin/v1/{collection}/{key}", Needs::admin, "put_object", "make or replace an object; If-Match names the version that is replaced", "lock_me_out", true},
      {"DELETE", "/admin/v1/{collection}/{key}", Needs::admin, "delete_object", "remove an object that nothing refers to", "lock_me_out"},
      {"GET", "/admin/v1/{collection}/{key}/history", Needs::auditor, "get_object_history", "versions of an object, newest first"},
  };
  return kOperations;
}

std::string openapi() {
  json::Value paths = json::Object{};
  for (const Operation& operation : operations()) {
    json::Array parameters;
    std::string_view path = operation.path;
    for (std::size_t open = path.find('{'); open != std::string_view::npos; open = path.find('{', open + 1)) {
      const std::string name(path.substr(open + 1, path.find('}', open) - open - 1));
      json::Value schema{{"type", "string"}};
      if (name == "collection") {
        json::Array collections;
        for (const auto kind : registry::kObjectKinds) collections.push_back(registry::collection(kind));
        schema.set("enum", std::move(collections));
      }
      parameters.push_back(json::Value{{"name", name}, {"in", "path"}, {"required", true}, {"schema", std::move(schema)}});
    }
    std::string_view query = operation.parameters;
    while (!query.empty()) {
      const auto comma = std::min(query.find(','), query.size());
      parameters.push_back(json::Value{{"name", query.substr(0, comma)}, {"in", "query"}, {"required", false}, {"schema", json::Value{{"type", "string"}}}});
      query.remove_prefix(std::min(comma + 1, query.size()));
    }
    const json::Value problem{{"description", "problem details (RFC 9457)"}, {"content", json::Value{{"application/problem+json", json::Value{{"schema", json::Value{{"type", "object"}}}}}}}};
    json::Value described{{"operationId", operation.name},
                          {"summary", operation.summary},
                          {"security", json::Array{json::Value{{"api_token", json::Array{}}}}},
                          {"x-role", operation.needs == Needs::admin ? "admin" : "auditor"},
                          {"responses", json::Value{{"200", json::Value{{"description", "done"}}}, {"default", problem}}}};
    if (!parameters.empty()) described.set("parameters", std::move(parameters));
    if (operation.has_body) {
      described.set("requestBody", json::Value{{"required", true}, {"content", json::Value{{"application/json", json::Value{{"schema", json::Value{{"type", "object"}}}}}}}});
    }
    std::string method;
    for (const char letter : std::string_view(operation.method)) method += static_cast<char>(letter + 32);
    const json::Value* present = paths.find(operation.path);
    json::Value of_path = present ? *present : json::Value(json::Object{});
    of_path.set(method, std::move(described));
    paths.set(operation.path, std::move(of_path));
  }
  const json::Value document{
      {"openapi", "3.1.0"},
      {"info", json::Value{{"title", "Writ administration"}, {"version", "1"}}},
      {"paths", std::move(paths)},
      {"components", json::Value{{"securitySchemes", json::Value{{"api_token", json::Value{{"type", "http"}, {"scheme", "bearer"}}}}}}}};
  return json::write(document);
}

}  // namespace writ::admin
