#include "scim/endpoint.h"

#include "scim/authentication.h"
#include "scim/call.h"
#include "scim/discovery.h"

namespace writ::scim {
namespace {

constexpr std::string_view kBase = "/scim/v2/";

using Handler = Task<http::Response> (*)(const Call& call);
struct Operation {
  std::string_view method, collection;
  bool has_id;
  Handler handler;
};
constexpr Operation kOperations[] = {
    {"GET", "Users", false, list_users},   {"POST", "Users", false, create_user}, {"GET", "Users", true, get_user},   {"PUT", "Users", true, replace_user},
    {"PATCH", "Users", true, patch_user},  {"DELETE", "Users", true, delete_user}, {"GET", "Groups", false, list_groups}, {"POST", "Groups", false, create_group},
    {"GET", "Groups", true, get_group},    {"PUT", "Groups", true, replace_group}, {"PATCH", "Groups", true, patch_group}, {"DELETE", "Groups", true, delete_group},
};

struct Place {
  std::string collection, id;
  bool has_id = false;
};

// Users, Users/usr_1; empty collection: something else. A slash at the end is what people type.
Place place_of(std::string_view path) {
  path.remove_prefix(std::min(path.size(), kBase.size()));
  if (path.ends_with('/')) path.remove_suffix(1);
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return {std::string(path), "", false};
  const std::string_view segment = path.substr(slash + 1);
  // One segment; `+` is itself in a path, unlike in a form.
  std::string escaped;
  for (const char letter : segment) escaped += letter == '+' ? std::string("%2B") : std::string(1, letter);
  const auto id = form::decode(escaped);
  if (!id || id->empty() || segment.find('/') != std::string_view::npos) return {};
  return {std::string(path.substr(0, slash)), *id, true};
}

// Each refusal at the door, and each change that was not made, is one record before the answer (S1). What was only looked for and not found is none.
Task<http::Response> refuse(const Endpoint& endpoint, const http::Request& request, std::string connector, std::string reason, http::Response response) {
  audit::Commit commit;
  commit.record.event = audit::Event::provisioning;
  commit.record.effect = audit::Effect::deny;
  commit.record.time = endpoint.clock.now();
  commit.record.reason = std::move(reason);
  commit.record.method = request.method;
  commit.record.resource = request.path;
  commit.record.peer = request.peer.address;
  commit.record.trail = request.trail;
  if (!connector.empty()) commit.record.more.emplace_back("actor", name_of(connector));
  commit.durability = audit::Durability::process;
  const auto committed = co_await endpoint.log.commit(std::move(commit));
  if (!committed) co_return to_response(Error{503, ScimType::none, "the refusal cannot be recorded"});
  co_return response;
}

std::string reason_of(const http::Response& response) {
  const auto body = json::parse(response.body);
  const auto* type = body ? body->find_string("scimType") : nullptr;
  if (type) return *type;
  if (response.status == 404) return "not_found";
  return response.status == 412 ? "another_version" : "refused";
}

http::Response no_such_operation(const Place& place, std::string_view method) {
  std::string allowed;
  for (const Operation& operation : kOperations) {
    if (operation.collection == place.collection && operation.has_id == place.has_id) allowed += (allowed.empty() ? "" : ", ") + std::string(operation.method);
  }
  if (!allowed.empty()) {
    http::Response response = to_response(Error{405, ScimType::none, std::string(method) + " is not for this path"});
    response.headers.add("Allow", std::move(allowed));
    return response;
  }
  if (place.collection == "Me" || place.collection == "Bulk") return to_response(Error{501, ScimType::none, "/" + place.collection + " is not supported"});
  return to_response(not_found("there is no such resource type"));
}

http::Response discover(const Endpoint& endpoint, const Place& place) {
  std::optional<json::Value> found;
  if (place.collection == "ServiceProviderConfig" && !place.has_id) found = service_provider_config(endpoint.base_url);
  if (place.collection == "ResourceTypes") found = resource_types(endpoint.base_url, place.id);
  if (place.collection == "Schemas") found = schemas(endpoint.base_url, place.id);
  return found ? answer(200, *found) : to_response(not_found("there is none of this name"));
}

bool is_discovery(const Place& place) { return place.collection == "ServiceProviderConfig" || place.collection == "ResourceTypes" || place.collection == "Schemas"; }

Task<http::Response> run_operation(const Operation& operation, const Call& call) {
  if (operation.method == "GET") {
    auto answered = co_await operation.handler(call);
    co_return answered;
  }
  // One change after the other, with what is kept of it: the next one begins with what this one left.
  co_await call.endpoint.turns->acquire();
  struct Turn {
    Serial& serial;
    ~Turn() { serial.release(); }
  } turn{*call.endpoint.turns};
  auto answered = co_await operation.handler(call);
  const bool is_refused = answered.status >= 400 && answered.status < 500;
  if (!is_refused) co_return answered;
  std::string connector = call.connector, reason = reason_of(answered);
  auto recorded = co_await refuse(call.endpoint, call.request, std::move(connector), std::move(reason), std::move(answered));
  co_return recorded;
}

Task<http::Response> dispatch(const Endpoint& endpoint, const http::Request& request) {
  const auto snapshot = endpoint.registry.get();
  if (!has_directory(*snapshot)) co_return http::text(404, "not found\n");
  const auto who = authenticate(request, *snapshot);
  if (const auto* failed = std::get_if<Unauthenticated>(&who)) {
    http::Response response = to_response(Error{failed->status, ScimType::none, failed->detail});
    // A first contact carries no credentials: nothing was judged, and nobody may fill the log by it.
    if (request.headers.count("Authorization") == 0) co_return response;
    std::string reason = failed->reason;
    auto refused = co_await refuse(endpoint, request, std::string(), std::move(reason), std::move(response));
    co_return refused;
  }
  const Caller& caller = std::get<Caller>(who);
  Place place = place_of(request.path);
  if (is_discovery(place)) {
    if (request.method == "GET") co_return discover(endpoint, place);
    http::Response response = to_response(Error{405, ScimType::none, "this can only be read"});
    response.headers.add("Allow", "GET");
    co_return response;
  }
  for (const Operation& operation : kOperations) {
    if (operation.method != request.method || operation.collection != place.collection || operation.has_id != place.has_id) continue;
    auto query = form::parse(request.query);
    if (!query || query->first_repeated({})) co_return to_response(invalid_syntax("the query cannot be read"));
    const Call call{endpoint, request, caller.connector->id, caller.token->id, std::move(*query), std::move(place.id), endpoint.clock.now()};
    auto answered = co_await run_operation(operation, call);
    co_return answered;
  }
  co_return no_such_operation(place, request.method);
}

}  // namespace

http::Router routes(const Endpoint& endpoint) {
  http::Router router;
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
    router.add(method, "/scim/v2/*", [&endpoint](const http::Request& request) { return dispatch(endpoint, request); });
  }
  return router;
}

}  // namespace writ::scim
