// People: list, look up, make, replace, patch, delete.

#include <algorithm>

#include "crypto/random.h"
#include "registry/read.h"
#include "scim/collection.h"
#include "scim/user_resource.h"

namespace writ::scim {
namespace {

using registry::ObjectKind;
using registry::User;

constexpr Collection kUsers{ObjectKind::user, user_type, [](const View& view, const std::string& id) {
                             const User* user = view.user(id);
                             return user ? std::optional(write_user(*user, view)) : std::nullopt;
                           }};

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

Result<void, Error> check_name(const User& user, const View& view) {
  for (const User* other : view.snapshot().people().namesakes(user.name)) {
    if (other->id != user.id) return unexpected(taken("`userName` " + quoted(user.name) + " is taken"));
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

Task<http::Response> change_user(const Call& call, Result<Next, Error> next) {
  if (!next) co_return to_response(next.error());
  const auto snapshot = call.endpoint.registry.get();
  const auto reactivation = co_await find_reactivation(call, *snapshot);
  if (!reactivation) co_return to_response(to_error(reactivation.error()));
  const Reactivation allowed = *reactivation;
  auto outcome = std::make_shared<Outcome>();
  Editing editing = [&call, next = std::move(*next), allowed, outcome](const registry::Snapshot& present, const registry::Catalogue& catalogue) -> Result<Edit, Error> {
    const View view = TRY(view_of(call, present));
    const User* user = view.user(call.id);
    if (!user) return unexpected(unknown(kUsers, call.id));
    const json::Value before = write_user(*user, view);
    TRY(check_if_match(call.request, before));
    const json::Value after = TRY(next(before));
    const bool may_reactivate = allowed.is_allowed && catalogue.version(ObjectKind::user, call.id) == allowed.version;
    return edit_user(*user, after, view, may_reactivate, call.now, *outcome);
  };
  auto response = co_await finish(call, kUsers, std::move(editing), std::move(outcome), 200);
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

// Those who can match the filter, where it says by what they are looked up; a directory asks that before each of the people that it makes. Absent: anybody.
std::optional<std::vector<const User*>> candidates_of(const Filter& filter, const registry::PeopleIndex& people) {
  if (const auto id = required_value(filter, "id")) {
    const User* user = people.user(*id);
    return user ? std::vector{user} : std::vector<const User*>();
  }
  if (const auto name = required_value(filter, "userName")) return people.namesakes(*name);
  const auto external_id = required_value(filter, "externalId");
  if (external_id && !external_id->empty()) return people.with_external_id(*external_id);
  return std::nullopt;
}

}  // namespace

Task<http::Response> list_users(const Call& call) {
  const auto query = read_list_query(call.query, user_type());
  if (!query) co_return to_response(query.error());
  const auto snapshot = call.endpoint.registry.get();
  const auto view = view_of(call, *snapshot);
  if (!view) co_return to_response(view.error());
  Page page(*query);
  const auto offer = [&](const User& user) {
    if (!view->sees(user)) return;
    if (!query->filter) {
      if (page.takes_next()) page.add(write_user(user, *view));
      return;
    }
    json::Value resource = write_user(user, *view);
    if (matches(*query->filter, resource) && page.takes_next()) page.add(std::move(resource));
  };
  if (const auto candidates = query->filter ? candidates_of(*query->filter, snapshot->people()) : std::nullopt) {
    for (const User* user : *candidates) offer(*user);
  } else {
    for (const User& user : snapshot->objects().users) offer(user);
  }
  co_return answer(200, std::move(page).finish());
}

Task<http::Response> get_user(const Call& call) { return get_resource(call, kUsers); }

Task<http::Response> create_user(const Call& call) {
  auto resource = read_whole(call, kUsers);
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
  auto response = co_await finish(call, kUsers, std::move(editing), std::move(outcome), 201);
  co_return response;
}

Task<http::Response> replace_user(const Call& call) { return change_user(call, read_replacement(call, kUsers)); }
Task<http::Response> patch_user(const Call& call) { return change_user(call, read_patch(call, kUsers)); }

Task<http::Response> delete_user(const Call& call) {
  return delete_resource(call, kUsers, [&call](const View& view, bool removes) -> Result<Edit, Error> {
    Edit edit;
    if (removes) {
      edit.removed.emplace_back(ObjectKind::user, call.id);
    } else {
      edit.users.push_back(anonymised(*view.user(call.id), call.now));
      edit.note = "something refers to this person: what stays is switched off and says nothing of anybody";
    }
    return edit;
  });
}

}  // namespace writ::scim
