#include "admin/requests.h"

#include "admin/policy_gate.h"
#include "audit/record.h"
#include "base/overloaded.h"
#include "encoding/form.h"

namespace writ::admin {

using namespace registry;

namespace {

constexpr json::Limits kBodyLimits{8 << 20, 40, 500'000};

}  // namespace

std::optional<std::string> Call::query(std::string_view name) const {
  const auto parameters = form::parse(request.query);
  if (!parameters) return std::nullopt;
  const auto* value = parameters->find(name);
  return value ? std::optional(*value) : std::nullopt;
}

http::Response answer(json::Value body, int status) { return http::no_store(http::json(status, json::write(body))); }

http::Response problem(int status, std::string_view title, std::string detail, json::Value members) {
  json::Value body{{"title", title}, {"status", status}};
  if (!detail.empty()) body.set("detail", std::move(detail));
  if (const auto* object = members.as_object()) {
    for (const auto& member : *object) body.set(member.name, member.value);
  }
  http::Response response = http::no_store(http::json(status, json::write(body)));
  response.headers.set("Content-Type", "application/problem+json");
  return response;
}

http::Response unavailable() {
  http::Response response = problem(503, "the store cannot be reached");
  response.headers.add("Retry-After", "5");
  return response;
}

http::Response to_response(const ChangeFailure& failure) {
  return std::visit(
      Overloaded{[](const Invalid& invalid) {
                   const bool tests = only_tests_fail(invalid.problems);
                   json::Value members{{"problems", to_json(invalid.problems)}, {"kind", tests ? "failed_tests" : "invalid"}};
                   return problem(422, tests ? "policy tests fail" : "not valid", to_string(invalid.problems), std::move(members));
                 },
                 [](const LockOut& lock_out) { return problem(409, "this would lock you out", lock_out.sentence + "; ask again with lock_me_out when it is meant", json::Value{{"kind", "lock_out"}}); },
                 [](const VersionMismatch& mismatch) {
                   return problem(412, "another version", "the object has another version than the one you name", json::Value{{"version", static_cast<std::int64_t>(mismatch.version)}});
                 },
                 [](const Missing&) { return problem(404, "there is no such object"); },
                 [](const Conflict&) { return problem(409, "somebody else changed the store in the meantime", "", json::Value{{"kind", "conflict"}}); },
                 [](const Unavailable&) { return unavailable(); }},
      failure);
}

Result<json::Value, http::Response> read_body(const http::Request& request) {
  const std::string* type = request.headers.find_single("Content-Type");
  // Nothing that a browser's form can send without asking first (A1).
  if (!type || !(http::equals_ignoring_case(*type, "application/json") || http::equals_ignoring_case(std::string_view(*type).substr(0, 17), "application/json;"))) {
    return unexpected(problem(415, "the body must be application/json"));
  }
  auto body = json::parse(request.body, kBodyLimits);
  if (!body) return unexpected(problem(400, "the body is no valid JSON", std::string(json::to_string(body.error()))));
  return std::move(body).value();
}

json::Value to_json(const Problems& problems) {
  json::Array list;
  for (const Problem& one : problems) {
    json::Value item{{"message", one.message}, {"warning", one.is_warning}};
    if (!one.id.empty()) item.set("id", one.id);
    if (one.at.line > 0) {
      item.set("file", one.at.file);
      item.set("line", one.at.line);
      item.set("column", one.at.column);
    } else {
      item.set("pointer", one.at.file);
    }
    list.push_back(std::move(item));
  }
  return list;
}

json::Value to_json(const Plan& plan) {
  json::Array changes, missing;
  for (const ObjectChange& change : plan.changes) {
    json::Array members;
    for (const MemberChange& member : change.members) members.push_back(json::Value{{"name", member.name}, {"before", member.before}, {"after", member.after}});
    json::Value item{{"action", to_string(change.action)}, {"collection", collection(change.kind)}, {"key", change.key}, {"members", std::move(members)}};
    if (!change.name.empty()) item.set("name", change.name);
    changes.push_back(std::move(item));
  }
  for (const auto& [kind, key] : plan.missing) missing.push_back(json::Value{{"collection", collection(kind)}, {"key", key}});
  return json::Value{{"changes", std::move(changes)}, {"missing", std::move(missing)}, {"warnings", to_json(plan.problems)}, {"lines", json::from_strings(describe(plan))}};
}

json::Value to_json(const Changed& changed) {
  json::Value body = to_json(changed.plan);
  body.set("policy_changes", changed.policy_changes);
  body.set("policy_version", changed.policy_version);
  body.set("sequence", static_cast<std::int64_t>(changed.sequence));
  body.set("applied", changed.applied);
  return body;
}

json::Value to_json(const PolicyVersion& version, bool with_files) {
  json::Value body{{"number", static_cast<std::int64_t>(version.number)}, {"version", version.hash},     {"author", version.author},
                   {"reason", version.reason},                             {"time", audit::to_iso8601(version.time)}};
  if (with_files) {
    json::Value files = json::Object{};
    for (const auto& [name, text] : version.files) files.set(name, text);
    body.set("files", std::move(files));
  }
  return body;
}

}  // namespace writ::admin
