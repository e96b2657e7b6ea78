// People: list, look up, make, replace, patch, delete.

#include <algorithm>

#include "crypto/random.h"
#include "registry/read.h"
#include "scim/call.h"
#include "scim/patch.h"
#include "scim/resource.h"
#include "scim/user_resource.h"

namespace writ::scim {
namespace {

using registry::ObjectKind;
using registry::User;

Error unknown_user(const std::string& id) { return not_found("there is no user " + quoted(id) + " of this directory"); }

// Whether the directory may switch on who is off: asked of the history of the object before the change, and holding for that version alone.
struct Reactivation {
  bool is_allowed = false;
  std::uint64_t version = 0;
};

Task<Result<Reactivation, Unavailable>> find_reactivation(const Call& call, const registry::Snapshot& snapshot) {
  const User* user = snapshot.user(call.id);
  if (!user || user->active) co_return Reactivation{};
  std::string id = call.id;
  const auto versions = co_await call.endpoint.directory.history(ObjectKind::user, std::move(id));
  if (!versions) co_return unexpected(versions.error());
  Reactivation reactivation;
  reactivation.is_allowed = is_off_by(*versions, call.connector);
  reactivation.version = versions->empty() ? 0 : versions->front().version;
  co_return reactivation;
}

// Every access ends, and what there was before does not come back with the person (EN-11).
void switch_off(User& user, Instant now) {
  user.active = false;
  if (!user.not_before || *user.not_before < now) user.not_before = now;
}

// What a change came to, handed out of the turn in which it was worked out.
struct Outcome {
  std::string id;
  KeptChange kept;
};

Result<void, Error> check_name(const User& user, const View& view) {
  for (const User& other : view.snapshot().objects().users) {
    if (other.id != user.id && is_same_name(other.name, user.name)) return unexpected(taken("`userName` " + quoted(user.name) + " is taken"));
  }
  return {};
}

// `resource` is how the person shall be, whole.
Result<Edit, Error> edit_user(const User& before, const json::Value& resource, const View& view, bool may_reactivate, Instant now, Outcome& outcome) {
  User after = before;
  SaidOfUser said = TRY(read_user(resource, view.connector(), after));
  if (!is_same_name(after.name, before.name)) TRY(check_name(after, view));
  Edit edit;
  if (said.active && *said.active != before.active) {
    if (!*said.active) switch_off(after, now);
    else if (may_reactivate) after.active = true;
    // A6: the directory's word does not undo an administrator's. The rest of what it says counts all the same.
    else edit.note = "stays disabled: an administrator said so";
  }
  const bool is_change = !(registry::write(after) == registry::write(before));
  const auto kept = view.kept().find(ObjectKind::user, before.id);
  outcome.id = before.id;
  outcome.kept = keep_again(kept.get(), std::move(said.kept), is_change, now);
  if (is_change) edit.users.push_back(std::move(after));
  return edit;
}

Task<http::Response> finish(const Call& call, Editing editing, std::shared_ptr<Outcome> outcome, int status) {
  auto projection = Projection::read(call.query, user_type());
  if (!projection) co_return to_response(projection.error());
  Author author = call.author();
  const auto changed = co_await call.endpoint.directory.change(std::move(author), std::move(editing));
  if (!changed) co_return to_response(to_error(changed.error()));
  if (outcome->kept.is_change) {
    std::string id = outcome->id;
    Kept kept = outcome->kept.kept;
    const auto stored = co_await call.endpoint.kept.keep(ObjectKind::user, std::move(id), std::move(kept));
    if (!stored) co_return to_response(to_error(stored.error()));
  }
  const auto snapshot = call.endpoint.registry.get();
  const auto view = view_of(call, *snapshot);
  const User* user = view ? view->user(outcome->id) : nullptr;
  if (!user) co_return to_response(unknown_user(outcome->id));   // gone again meanwhile
  co_return resource_answer(status, write_user(*user, *view), *projection);
}

// PUT and PATCH: `next` makes the whole resource from the present one.
using Next = std::function<Result<json::Value, Error>(json::Value)>;

Task<http::Response> change_user(const Call& call, Next next) {
  const auto snapshot = call.endpoint.registry.get();
  const auto reactivation = co_await find_reactivation(call, *snapshot);
  if (!reactivation) co_return to_response(to_error(reactivation.error()));
  const Reactivation allowed = *reactivation;
  auto outcome = std::make_shared<Outcome>();
  Editing editing = [&call, next = std::move(next), allowed, outcome](const registry::Snapshot& present, const registry::Catalogue& catalogue) -> Result<Edit, Error> {
    const View view = TRY(view_of(call, present));
    const User* user = view.user(call.id);
    if (!user) return unexpected(unknown_user(call.id));
    const json::Value before = write_user(*user, view);
    TRY(check_if_match(call.request, before));
    const json::Value after = TRY(next(before));
    const bool may_reactivate = allowed.is_allowed && catalogue.version(ObjectKind::user, call.id) == allowed.version;
    return edit_user(*user, after, view, may_reactivate, call.now, *outcome);
  };
  auto response = co_await finish(call, std::move(editing), std::move(outcome), 200);
  co_return response;
}

// Somebody to whom something else still refers (a service account that the person answers for, a policy) cannot go; what stays is nobody's name.
User anonymised(const User& user, Instant now) {
  User rest;
  rest.id = user.id;
  rest.name = "removed-" + user.id;
  switch_off(rest, now);
  return rest;
}

// Most people are passed over by a look at three members, for a directory asks before each of the people that it makes.
bool may_match(const User& user, const std::optional<std::string>& name, const std::optional<std::string>& external_id, const std::optional<std::string>& id) {
  return (!name || is_same_name(user.name, *name)) && (!external_id || is_same_name(user.external_id, *external_id)) && (!id || user.id == *id);
}

}  // namespace

Task<http::Response> list_users(const Call& call) {
  const auto query = read_list_query(call.query, user_type());
  if (!query) co_return to_response(query.error());
  const auto snapshot = call.endpoint.registry.get();
  const auto view = view_of(call, *snapshot);
  if (!view) co_return to_response(view.error());
  const auto said = [&](std::string_view attribute) { return query->filter ? required_value(*query->filter, attribute) : std::nullopt; };
  const auto name = said("userName"), external_id = said("externalId"), id = said("id");
  Page page(*query);
  for (const User& user : snapshot->objects().users) {
    if (!view->sees(user) || !may_match(user, name, external_id, id)) continue;
    if (!query->filter) {
      if (page.takes_next()) page.add(write_user(user, *view));
      continue;
    }
    json::Value resource = write_user(user, *view);
    if (matches(*query->filter, resource) && page.takes_next()) page.add(std::move(resource));
  }
  co_return answer(200, std::move(page).finish());
}

Task<http::Response> get_user(const Call& call) {
  const auto projection = Projection::read(call.query, user_type());
  if (!projection) co_return to_response(projection.error());
  const auto snapshot = call.endpoint.registry.get();
  const auto view = view_of(call, *snapshot);
  if (!view) co_return to_response(view.error());
  const User* user = view->user(call.id);
  if (!user) co_return to_response(unknown_user(call.id));
  const json::Value resource = write_user(*user, *view);
  http::Response response = resource_answer(200, resource, *projection);
  if (is_known(call.request, resource)) response.status = 304, response.body.clear();
  co_return response;
}

Task<http::Response> create_user(const Call& call) {
  auto body = read_body(call.request);
  if (!body) co_return to_response(body.error());
  auto resource = read_resource(*body, user_type());
  if (!resource) co_return to_response(resource.error());
  auto outcome = std::make_shared<Outcome>();
  const std::string id = "usr_" + crypto::random_token(12);   // one that was ever used is refused by the registry
  Editing editing = [&call, resource = std::move(*resource), id, outcome](const registry::Snapshot& present, const registry::Catalogue&) -> Result<Edit, Error> {
    const View view = TRY(view_of(call, present));
    User made;
    made.id = id;
    TRY(read_user(resource, view.connector(), made));
    const User* here = TRY(find_to_adopt(made, view));
    User user = here ? *here : made;
    user.provisioned_by = call.connector;
    Edit edit = TRY(edit_user(user, resource, view, false, call.now, *outcome));
    if (edit.users.empty()) edit.users.push_back(std::move(user));
    edit.note = here ? "was here already and is kept by the directory from now on" : "";
    return edit;
  };
  auto response = co_await finish(call, std::move(editing), std::move(outcome), 201);
  co_return response;
}

Task<http::Response> replace_user(const Call& call) {
  auto body = read_body(call.request);
  if (!body) co_return to_response(body.error());
  auto resource = read_resource(*body, user_type());
  if (!resource) co_return to_response(resource.error());
  Next next = [resource = std::move(*resource)](json::Value) -> Result<json::Value, Error> { return resource; };
  auto response = co_await change_user(call, std::move(next));
  co_return response;
}

Task<http::Response> patch_user(const Call& call) {
  auto body = read_body(call.request);
  if (!body) co_return to_response(body.error());
  Next next = [body = std::move(*body)](json::Value before) { return apply_patch(body, std::move(before), user_type()); };
  auto response = co_await change_user(call, std::move(next));
  co_return response;
}

Task<http::Response> delete_user(const Call& call) {
  bool removes = true;
  while (true) {
    Editing editing = [&call, removes](const registry::Snapshot& present, const registry::Catalogue&) -> Result<Edit, Error> {
      const View view = TRY(view_of(call, present));
      const User* user = view.user(call.id);
      if (!user) return unexpected(unknown_user(call.id));
      TRY(check_if_match(call.request, write_user(*user, view)));
      Edit edit;
      if (removes) {
        edit.removed.emplace_back(ObjectKind::user, user->id);
      } else {
        edit.users.push_back(anonymised(*user, call.now));
        edit.note = "something refers to this person: what stays is switched off and says nothing of anybody";
      }
      return edit;
    };
    Author author = call.author();
    const auto changed = co_await call.endpoint.directory.change(std::move(author), std::move(editing));
    if (changed) break;
    if (!removes || !std::holds_alternative<NotAccepted>(changed.error())) co_return to_response(to_error(changed.error()));
    removes = false;
  }
  std::string id = call.id;
  const auto forgotten = co_await call.endpoint.kept.forget(ObjectKind::user, std::move(id), call.now);
  if (!forgotten) co_return to_response(to_error(forgotten.error()));
  co_return http::no_store(http::Response{204, {}, "", nullptr});
}

}  // namespace writ::scim
