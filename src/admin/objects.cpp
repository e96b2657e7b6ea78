// Objects: one at a time with versions, or as documents.

#include "admin/handlers.h"
#include "audit/record.h"

namespace writ::admin {

using namespace registry;

namespace {

std::optional<ObjectKind> kind_of(const Call& call) { return parse_collection(call.arguments.at(0)); }

json::Value shown(ObjectKind kind, const StoredObject& object) {
  json::Value document = without_credentials(kind, object.document);
  document.set("version", static_cast<std::int64_t>(object.version));
  return document;
}

std::string etag(std::uint64_t version) { return "\"" + std::to_string(version) + "\""; }

// If-Match: "7" → 7; If-None-Match: * → 0 (there must be none). Absent without either; a failure when it is something else.
Result<std::optional<std::uint64_t>, http::Response> wanted_version(const http::Request& request) {
  const std::string* match = request.headers.find("If-Match");
  const std::string* none = request.headers.find("If-None-Match");
  if (none && *none == "*" && !match) return std::optional<std::uint64_t>(0);
  if (none) return unexpected(problem(400, "If-None-Match can only be `*`"));
  if (!match) return std::optional<std::uint64_t>();
  const std::string_view text = *match;
  if (text.size() < 3 || text.size() > 20 || text.front() != '"' || text.back() != '"' || text.substr(1, text.size() - 2).find_first_not_of("0123456789") != std::string_view::npos) {
    return unexpected(problem(400, "If-Match must be the ETag of the object"));
  }
  return std::optional<std::uint64_t>(std::stoull(std::string(text.substr(1, text.size() - 2))));
}

bool is_yes(const std::optional<std::string>& parameter) { return parameter && (*parameter == "true" || *parameter == "1"); }

struct Documents {
  Change change;
  Problems warnings;
};

// {objects: {...}, policy: {name: text}, prune, lock_me_out, reason}
Result<Documents, http::Response> read_documents(const Call& call) {
  const json::Value body = TRY(read_body(call.request));
  const Node root = from_json(body);
  Documents documents;
  Change& change = documents.change;
  Reading reading;
  Fields fields(root, "a request", reading.problems);
  if (const Node* objects = fields.find("objects")) {
    change.declared = read_objects(*objects, reading);
    change.spoken_of = collections_of(*objects);
  }
  if (const Node* policy = fields.find("policy")) {
    change.policy.emplace();
    if (policy->kind != Node::Kind::mapping) fields.wrong_type("policy", *policy, "a mapping of file names to texts");
    for (const auto& file : policy->entries) {
      if (file.value.kind != Node::Kind::text) fields.wrong_type(file.name, file.value, "text");
      change.policy->emplace(file.name, file.value.text);
    }
  }
  change.prune = fields.flag("prune", false);
  change.lock_me_out = fields.flag("lock_me_out", false);
  change.reason = fields.text("reason");
  fields.finish();
  if (has_errors(reading.problems)) return unexpected(to_response(ChangeFailure{Invalid{std::move(reading.problems)}}));
  documents.warnings = std::move(reading.problems);
  return documents;
}

Task<http::Response> change_documents(const Api& api, const Call& call, bool dry_run) {
  auto documents = read_documents(call);
  if (!documents) co_return std::move(documents).error();
  documents->change.dry_run = dry_run;
  Actor actor = call.actor;
  auto changed = co_await api.administration.change(std::move(actor), std::move(documents->change));
  if (!changed) co_return to_response(changed.error());
  co_return answer(to_json(*changed));
}

}  // namespace

Task<http::Response> list_objects(const Api& api, const Call& call) {
  const auto kind = kind_of(call);
  if (!kind) co_return problem(404, "there is no such collection");
  json::Array items;
  const auto catalogue = api.administration.catalogue();
  catalogue->for_each(*kind, [&](const std::string&, const StoredObject& object) { items.push_back(shown(*kind, object)); });
  co_return answer(json::Value{{"items", std::move(items)}, {"sequence", static_cast<std::int64_t>(catalogue->sequence)}});
}

Task<http::Response> get_object(const Api& api, const Call& call) {
  const auto kind = kind_of(call);
  if (!kind) co_return problem(404, "there is no such collection");
  const auto catalogue = api.administration.catalogue();
  const auto found = catalogue->find(*kind, call.arguments.at(1));
  if (!found) co_return problem(404, "there is no such object");
  http::Response response = answer(shown(*kind, *found));
  response.headers.add("ETag", etag(found->version));
  co_return response;
}

Task<http::Response> put_object(const Api& api, const Call& call) {
  const auto kind = kind_of(call);
  if (!kind) co_return problem(404, "there is no such collection");
  auto body = read_body(call.request);
  if (!body) co_return std::move(body).error();
  const auto version = wanted_version(call.request);
  if (!version) co_return problem(400, "If-Match must be the ETag of the object");
  body->erase("version");   // what GET shows may come back
  Reading reading;
  Declared declared = read_object(*kind, from_json(*body), reading);
  if (!has_errors(reading.problems) && declared.key != call.arguments.at(1)) {
    reading.problems.push_back({Position{"/"}, "the object's own key `" + declared.key.substr(0, 100) + "` is not the one in the path"});
  }
  if (has_errors(reading.problems)) co_return to_response(ChangeFailure{Invalid{std::move(reading.problems)}});
  Change change;
  change.declared.push_back(std::move(declared));
  change.if_version = *version;
  change.lock_me_out = is_yes(call.query("lock_me_out"));
  Actor actor = call.actor;
  auto changed = co_await api.administration.change(std::move(actor), std::move(change));
  if (!changed) co_return to_response(changed.error());
  const auto catalogue = api.administration.catalogue();
  const std::uint64_t version_now = catalogue->version(*kind, call.arguments.at(1));
  const bool created = changed->applied && changed->plan.changes.front().action == ObjectChange::Action::create;
  http::Response response = answer(to_json(*changed), created ? 201 : 200);
  response.headers.add("ETag", etag(version_now == 0 ? changed->sequence : version_now));
  co_return response;
}

Task<http::Response> delete_object(const Api& api, const Call& call) {
  const auto kind = kind_of(call);
  if (!kind) co_return problem(404, "there is no such collection");
  const auto version = wanted_version(call.request);
  if (!version) co_return problem(400, "If-Match must be the ETag of the object");
  Change change;
  change.removal = std::pair(*kind, call.arguments.at(1));
  change.if_version = *version;
  change.lock_me_out = is_yes(call.query("lock_me_out"));
  Actor actor = call.actor;
  auto changed = co_await api.administration.change(std::move(actor), std::move(change));
  if (!changed) co_return to_response(changed.error());
  co_return answer(to_json(*changed));
}

Task<http::Response> get_object_history(const Api& api, const Call& call) {
  const auto kind = kind_of(call);
  if (!kind) co_return problem(404, "there is no such collection");
  std::string key = call.arguments.at(1);
  const auto versions = co_await api.administration.store().history(*kind, std::move(key));
  if (!versions) co_return unavailable();
  json::Array items;
  for (const ObjectVersion& version : *versions) {
    json::Value item{{"version", static_cast<std::int64_t>(version.version)}, {"time", audit::to_iso8601(version.time)}, {"author", version.author},
                      {"reason", version.reason}, {"change", version.change_id}, {"removed", !version.document.has_value()}};
    if (version.document) item.set("document", without_credentials(*kind, *version.document));
    items.push_back(std::move(item));
  }
  co_return answer(json::Value{{"items", std::move(items)}});
}

Task<http::Response> plan_documents(const Api& api, const Call& call) { return change_documents(api, call, true); }
Task<http::Response> apply_documents(const Api& api, const Call& call) { return change_documents(api, call, false); }

Task<http::Response> get_status(const Api& api, const Call& call) {
  const auto catalogue = api.administration.catalogue();
  json::Value counts = json::Object{};
  for (const ObjectKind kind : kObjectKinds) {
    counts.set(collection(kind), static_cast<std::int64_t>(catalogue->count(kind)));
  }
  co_return answer(json::Value{{"sequence", static_cast<std::int64_t>(catalogue->sequence)},
                               {"policy_version", catalogue->policy ? json::Value(catalogue->policy->hash) : json::Value()},
                               {"objects", std::move(counts)},
                               {"you", call.actor.name},
                               {"role", call.actor.role == Actor::Role::admin ? "admin" : "auditor"}});
}

}  // namespace writ::admin
