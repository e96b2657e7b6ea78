// The policy bundle: what is active, what was, what shall be.

#include <charconv>

#include "admin/handlers.h"

namespace writ::admin {

using namespace registry;

Result<Change, http::Response> read_bundle_request(const Call& call) {
  const json::Value body = TRY(read_body(call.request));
  const Node root = from_json(body);
  Problems problems;
  Fields fields(root, "a request", problems);
  Change change;
  change.policy.emplace();
  if (const Node* files = fields.find("files")) {
    if (files->kind != Node::Kind::mapping) fields.wrong_type("files", *files, "a mapping of file names to texts");
    for (const auto& file : files->entries) {
      if (file.value.kind != Node::Kind::text) fields.wrong_type(file.name, file.value, "text");
      change.policy->emplace(file.name, file.value.text);
    }
  } else if (root.kind == Node::Kind::mapping) {
    fields.error(root.at, "a request needs `files`");
  }
  change.reason = fields.text("reason");
  fields.finish();
  if (has_errors(problems)) return unexpected(to_response(ChangeFailure{Invalid{std::move(problems)}}));
  return change;
}

Task<http::Response> get_policy(const Api& api, const Call&) {
  const auto catalogue = api.administration.catalogue();
  if (!catalogue->policy) co_return problem(404, "no policy is active", "everything is denied until one is");
  json::Value body = to_json(*catalogue->policy, true);
  // What the rows of the grants table stand for: the text that decides.
  const auto active = api.administration.policy();
  if (const auto* cedar = dynamic_cast<const policy::CedarPolicy*>(active.get())) body.set("grants_as_cedar", cedar->grants_text());
  http::Response response = answer(std::move(body));
  response.headers.add("ETag", "\"" + catalogue->policy->hash + "\"");
  co_return response;
}

Task<http::Response> list_policy_versions(const Api& api, const Call& call) {
  std::size_t limit = 50;
  if (const auto text = call.query("limit")) {
    if (std::from_chars(text->data(), text->data() + text->size(), limit).ec != std::errc{} || limit == 0 || limit > 1000) co_return problem(400, "`limit` is between 1 and 1000");
  }
  std::uint64_t before = 0;
  if (const auto text = call.query("before")) {
    if (std::from_chars(text->data(), text->data() + text->size(), before).ec != std::errc{} || before == 0) co_return problem(400, "`before` is the number of a version");
  }
  const auto versions = co_await api.administration.store().policy_history(limit, before);
  if (!versions) co_return unavailable();
  json::Array items;
  for (const PolicyVersion& version : *versions) items.push_back(to_json(version, true));
  co_return answer(json::Value{{"items", std::move(items)}});
}

namespace {

// By its number in the path. Null: there is none.
Task<Result<std::shared_ptr<const PolicyVersion>, Unavailable>> find_version(const Api& api, const Call& call) {
  std::shared_ptr<const PolicyVersion> none;
  const std::string& text = call.arguments.at(0);
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || number == 0 || number == UINT64_MAX) co_return none;
  auto versions = co_await api.administration.store().policy_history(1, number + 1);
  if (!versions) co_return unexpected(versions.error());
  if (versions->empty() || versions->front().number != number) co_return none;
  co_return std::make_shared<const PolicyVersion>(std::move(versions->front()));
}

http::Response no_such_version() { return problem(404, "there is no such version of the policy", "GET /admin/v1/policy/history lists them"); }

}  // namespace

Task<http::Response> get_policy_version(const Api& api, const Call& call) {
  const auto version = co_await find_version(api, call);
  if (!version) co_return unavailable();
  co_return *version ? answer(to_json(**version, true)) : no_such_version();
}

// History only grows: what was comes back as a version of its own, and through every check, for the objects may have changed since.
Task<http::Response> restore_policy(const Api& api, const Call& call) {
  auto body = read_body(call.request);
  if (!body) co_return std::move(body).error();
  const std::string* reason = body->find_string("reason");
  if (!reason || reason->empty()) co_return problem(400, "a request needs `reason`", "why the old version comes back, for the history");
  const auto version = co_await find_version(api, call);
  if (!version) co_return unavailable();
  if (!*version) co_return no_such_version();
  Change change;
  change.policy = (*version)->files;
  change.reason = "restores version " + std::to_string((*version)->number) + ": " + *reason;
  Actor actor = call.actor;
  auto changed = co_await api.administration.change(std::move(actor), std::move(change));
  if (!changed) co_return to_response(changed.error());
  co_return answer(to_json(*changed));
}

Task<http::Response> check_policy(const Api& api, const Call& call) {
  auto change = read_bundle_request(call);
  if (!change) co_return std::move(change).error();
  change->dry_run = true;
  Actor actor = call.actor;
  auto changed = co_await api.administration.change(std::move(actor), std::move(*change));
  if (!changed) co_return to_response(changed.error());
  co_return answer(to_json(*changed));
}

Task<http::Response> activate_policy(const Api& api, const Call& call) {
  auto change = read_bundle_request(call);
  if (!change) co_return std::move(change).error();
  Actor actor = call.actor;
  auto changed = co_await api.administration.change(std::move(actor), std::move(*change));
  if (!changed) co_return to_response(changed.error());
  co_return answer(to_json(*changed));
}

}  // namespace writ::admin
