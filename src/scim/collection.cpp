#include "scim/collection.h"

#include "scim/patch.h"
#include "scim/resource.h"

namespace writ::scim {

Error unknown(const Collection& collection, const std::string& id) { return not_found("there is no " + std::string(registry::noun(collection.kind)) + " " + quoted(id) + " of this directory"); }

Task<http::Response> get_resource(const Call& call, const Collection& collection) {
  const auto projection = Projection::read(call.query, collection.type());
  if (!projection) co_return to_response(projection.error());
  const auto snapshot = call.endpoint.registry.get();
  const auto view = view_of(call, *snapshot);
  if (!view) co_return to_response(view.error());
  const auto resource = collection.find(*view, call.id);
  if (!resource) co_return to_response(unknown(collection, call.id));
  http::Response response = resource_answer(200, *resource, *projection);
  if (is_known(call.request, *resource)) response.status = 304, response.body.clear();
  co_return response;
}

Task<http::Response> finish(const Call& call, const Collection& collection, Editing editing, std::shared_ptr<Outcome> outcome, int status) {
  auto projection = Projection::read(call.query, collection.type());
  if (!projection) co_return to_response(projection.error());
  Author author = call.author();
  const auto changed = co_await call.endpoint.directory.change(std::move(author), std::move(editing));
  if (!changed) co_return to_response(to_error(changed.error()));
  if (outcome->kept.is_change) {
    std::string id = outcome->id;
    Kept kept = outcome->kept.kept;
    const auto stored = co_await call.endpoint.kept.keep(collection.kind, std::move(id), std::move(kept));
    if (!stored) co_return to_response(to_error(stored.error()));
  }
  const auto snapshot = call.endpoint.registry.get();
  const auto view = view_of(call, *snapshot);
  const auto resource = view ? collection.find(*view, outcome->id) : std::nullopt;
  if (!resource) co_return to_response(unknown(collection, outcome->id));   // gone again meanwhile
  co_return resource_answer(status, *resource, *projection);
}

Result<json::Value, Error> read_whole(const Call& call, const Collection& collection) {
  const json::Value body = TRY(read_body(call.request));
  return read_resource(body, collection.type());
}

Result<Next, Error> read_replacement(const Call& call, const Collection& collection) {
  json::Value resource = TRY(read_whole(call, collection));
  return Next([resource = std::move(resource)](json::Value) -> Result<json::Value, Error> { return resource; });
}

Result<Next, Error> read_patch(const Call& call, const Collection& collection) {
  json::Value body = TRY(read_body(call.request));
  return Next([body = std::move(body), type = collection.type](json::Value before) { return apply_patch(body, std::move(before), type()); });
}

Task<http::Response> delete_resource(const Call& call, const Collection& collection, Removing removing) {
  bool removes = true;
  while (true) {
    Editing editing = [&call, &collection, &removing, removes](const registry::Snapshot& present, const registry::Catalogue&) -> Result<Edit, Error> {
      const View view = TRY(view_of(call, present));
      const auto resource = collection.find(view, call.id);
      if (!resource) return unexpected(unknown(collection, call.id));
      TRY(check_if_match(call.request, *resource));
      return removing(view, removes);
    };
    Author author = call.author();
    const auto changed = co_await call.endpoint.directory.change(std::move(author), std::move(editing));
    if (changed) break;
    if (!removes || !std::holds_alternative<NotAccepted>(changed.error())) co_return to_response(to_error(changed.error()));
    removes = false;
  }
  std::string id = call.id;
  const auto forgotten = co_await call.endpoint.kept.forget(collection.kind, std::move(id), call.now);
  if (!forgotten) co_return to_response(to_error(forgotten.error()));
  co_return http::no_store(http::Response{204, {}, "", nullptr});
}

}  // namespace writ::scim
