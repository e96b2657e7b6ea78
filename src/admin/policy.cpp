// The policy bundle: what is active, what was, what shall be.

#include <charconv>

#include "admin/handlers.h"

namespace writ::admin {

using namespace registry;

namespace {

// {files: {name: text}, reason}
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

}  // namespace

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
  const auto versions = co_await api.administration.store().policy_history(limit, 0);
  if (!versions) co_return unavailable();
  json::Array items;
  for (const PolicyVersion& version : *versions) items.push_back(to_json(version, true));
  co_return answer(json::Value{{"items", std::move(items)}});
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
