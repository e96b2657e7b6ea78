// What a change of policy or objects would do before it is made: who gains or loses access, and what recorded decisions would come out otherwise.

#include <charconv>

#include "admin/handlers.h"
#include "audit/record.h"
#include "policy/preview/access.h"
#include "policy/preview/describe_change.h"
#include "policy/preview/replay.h"
#include "registry/fields.h"

namespace writ::admin {

using namespace registry;
namespace preview = policy::preview;

namespace {

// An answer is for people and scripts, not for moving a database: beyond these it counts.
constexpr std::size_t kChangesShown = 100, kChangesMax = 5'000;
constexpr std::size_t kNamesShown = 10, kNamesMax = 200'000;   // the latter over all changes
constexpr std::size_t kRowsShown = 200, kRowsMax = 20'000;
constexpr std::size_t kPageRecords = 2'000;
constexpr std::uint64_t kRecordsMax = 20'000'000;

std::optional<policy::BundleFiles> read_files(Fields& fields, const char* member) {
  const Node* node = fields.find(member);
  if (!node) return std::nullopt;
  policy::BundleFiles files;
  if (node->kind != Node::Kind::mapping) fields.wrong_type(member, *node, "a mapping of file names to texts");
  for (const auto& file : node->entries) {
    if (file.value.kind != Node::Kind::text) fields.wrong_type(file.name, file.value, "text");
    files.emplace(file.name, file.value.text);
  }
  return files;
}

struct DiffRequest {
  std::optional<policy::BundleFiles> files;
  std::int64_t from = 0, to = 0;             // numbers of versions; 0: the active one
  bool has_objects = false;
  Change change;                             // of the objects
  bool all = false;
};

// {files: {name: text}} | {from: N, to: M}, and {objects: {…}, prune: bool} for objects that change with them.
Result<DiffRequest, http::Response> read_diff_request(const Call& call) {
  const json::Value body = TRY(read_body(call.request));
  const Node root = from_json(body);
  DiffRequest request;
  Reading reading;
  Fields fields(root, "a request", reading.problems);
  request.files = read_files(fields, "files");
  request.from = fields.integer("from", 0, 1, INT64_MAX - 1);
  request.to = fields.integer("to", 0, 1, INT64_MAX - 1);
  if (const Node* objects = fields.find("objects")) {
    request.has_objects = true;
    request.change.declared = read_objects(*objects, reading);
    request.change.spoken_of = collections_of(*objects);
  }
  request.change.prune = fields.flag("prune", false);
  request.change.dry_run = true;
  request.all = fields.flag("all", false);
  fields.finish();
  if (request.files && (request.from != 0 || request.to != 0)) fields.error(root.at, "a comparison is of `files`, or of the versions `from` and `to`, not of both");
  if (has_errors(reading.problems)) return unexpected(to_response(ChangeFailure{Invalid{std::move(reading.problems)}}));
  return request;
}

// A version of the policy by its number; null: there is none.
Task<Result<std::shared_ptr<const PolicyVersion>, Unavailable>> version_of(const Api& api, std::int64_t number) {
  std::shared_ptr<const PolicyVersion> none;
  auto versions = co_await api.administration.store().policy_history(1, static_cast<std::uint64_t>(number) + 1);
  if (!versions) co_return unexpected(versions.error());
  if (versions->empty() || versions->front().number != static_cast<std::uint64_t>(number)) co_return none;
  co_return std::make_shared<const PolicyVersion>(std::move(versions->front()));
}

http::Response no_such_version(std::int64_t number) {
  return problem(404, "there is no version " + std::to_string(number) + " of the policy", "GET /admin/v1/policy/history lists them");
}

// Cut in the middle of nothing: whole changes, and of each the names that fit.
json::Value to_json(const preview::AccessDifference& difference, bool all) {
  json::Array changes;
  std::size_t names_left = kNamesMax;
  for (const preview::AccessChange& change : difference.changes) {
    if (changes.size() >= (all ? kChangesMax : kChangesShown)) break;
    const std::size_t shown = std::min({change.users.size(), all ? kNamesMax : kNamesShown, names_left});
    names_left -= shown;
    json::Array users, things;
    for (std::size_t i = 0; i < shown; ++i) users.push_back(difference.users[change.users[i]].name);
    for (const auto& thing : change.things) {
      if (things.size() >= (all ? kRowsMax : kRowsShown)) break;
      things.push_back(describe(thing));
    }
    const preview::DescribeLimits limits{std::max<std::size_t>(shown, 1), all ? kRowsMax : preview::DescribeLimits{}.things};
    changes.push_back(json::Value{{"server", change.server},
                                  {"agents", json::from_strings(change.agents)},
                                  {"direction", preview::direction(change)},
                                  {"before", to_string(change.before)},
                                  {"after", to_string(change.after)},
                                  {"things", std::move(things)},
                                  {"thing_count", change.things.size()},
                                  {"users", std::move(users)},
                                  {"user_count", change.users.size()},
                                  {"sentence", describe(change, difference, limits)}});
  }
  const std::size_t left_out = difference.changes.size() - changes.size();
  return json::Value{{"different", !difference.empty()},
                     {"people_losing", difference.losing},
                     {"people_gaining", difference.gaining},
                     {"people_under_other_conditions", difference.changing},
                     {"cells", static_cast<std::int64_t>(difference.cells)},
                     {"summary", preview::summary(difference)},
                     {"changes", std::move(changes)},
                     {"changes_left_out", left_out}};
}

struct Side {
  policy::BundleFiles files;
  std::shared_ptr<const Snapshot> objects;
};

http::Response compare(const Administration& administration, const Side& before, const Side& after, bool all) {
  const auto one = policy::read_bundle(before.files, administration.parse_yaml());
  if (!one) return problem(409, "the policy to compare with cannot be read by this version", to_string(one.error()));
  const auto other = policy::read_bundle(after.files, administration.parse_yaml());
  if (!other) return to_response(ChangeFailure{Invalid{other.error()}});
  const auto tools_before = administration.tools_of(*before.objects), tools_after = administration.tools_of(*after.objects);
  json::Value body = to_json(preview::compare_access({*one->policy, *before.objects, *tools_before}, {*other->policy, *after.objects, *tools_after}), all);
  body.set("version_before", one->version);
  body.set("version_after", other->version);
  return answer(std::move(body));
}

// ---- replay

json::Value to_json(const preview::ReplayRow& row) {
  json::Value item{{"outcome", to_string(row.outcome)}, {"user", row.user}, {"user_name", row.user_name}, {"agent", row.agent}, {"server", row.server},
                   {"action", to_string(row.action)}, {"count", static_cast<std::int64_t>(row.count)}, {"last", row.last}, {"code", row.code}, {"reason", row.reason}};
  if (!row.subject.empty()) item.set("subject", row.subject);
  if (!row.policies.empty()) item.set("policies", json::from_strings(row.policies));
  return item;
}

json::Value to_json(const preview::ReplayReport& report, bool all) {
  const std::size_t shown = std::min(report.rows.size(), all ? kRowsMax : kRowsShown);
  json::Array rows;
  for (std::size_t i = 0; i < shown; ++i) rows.push_back(to_json(report.rows[i]));
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  return json::Value{{"different", report.changes()},
                     {"records", number(report.records)},
                     {"decisions", number(report.decisions)},
                     {"same", number(report.same)},
                     {"newly_denied", number(report.newly_denied)},
                     {"newly_allowed", number(report.newly_allowed)},
                     {"cannot_tell", number(report.cannot_tell)},
                     {"not_decided_by_policy", number(report.not_decided_by_policy)},
                     {"unreadable", number(report.unreadable)},
                     {"oldest", report.oldest},
                     {"newest", report.newest},
                     {"rows", std::move(rows)},
                     {"rows_left_out", report.rows.size() - shown + report.rows_left_out}};
}

struct ReplayRequest {
  policy::BundleFiles files;
  std::optional<Instant> since;
  bool all = false;
};

// {files: {name: text}, since: "7d" | "2026-11-24T00:00:00Z", all: bool}
Result<ReplayRequest, http::Response> read_replay_request(const Call& call, Instant now) {
  const json::Value body = TRY(read_body(call.request));
  const Node root = from_json(body);
  ReplayRequest request;
  Problems problems;
  Fields fields(root, "a request", problems);
  auto files = read_files(fields, "files");
  if (!files && root.kind == Node::Kind::mapping) fields.error(root.at, "a request needs `files`");
  if (files) request.files = std::move(*files);
  const std::string since = fields.text("since", "7d");
  const auto ago = parse_duration(since);
  request.since = ago ? std::optional<Instant>(now - *ago) : parse_instant(since);
  if (!request.since) fields.error(fields.at("since"), "`since` is a time such as 2026-11-24T00:00:00Z, or how long ago: 7d, 12h");
  request.all = fields.flag("all", false);
  fields.finish();
  if (has_errors(problems)) return unexpected(to_response(ChangeFailure{Invalid{std::move(problems)}}));
  return request;
}

}  // namespace

Task<http::Response> diff_policy(const Api& api, const Call& call) {
  auto request = read_diff_request(call);
  if (!request) co_return std::move(request).error();
  Administration& administration = api.administration;
  const auto catalogue = administration.catalogue();
  Side before, after;
  before.objects = after.objects = administration.snapshot();
  if (catalogue->policy) before.files = after.files = catalogue->policy->files;
  if (request->from != 0) {
    const auto version = co_await version_of(api, request->from);
    if (!version) co_return unavailable();
    if (!*version) co_return no_such_version(request->from);
    before.files = (*version)->files;
  }
  if (request->to != 0) {
    const auto version = co_await version_of(api, request->to);
    if (!version) co_return unavailable();
    if (!*version) co_return no_such_version(request->to);
    after.files = (*version)->files;
  }
  if (request->files) after.files = *request->files;
  if (request->has_objects) {
    // Planned as `apply` plans it, together with the policy: what could not be applied has no effect to show.
    Change change = std::move(request->change);
    change.policy = std::move(request->files);
    Actor actor = call.actor;
    auto planned = co_await administration.change(std::move(actor), std::move(change));
    if (!planned) co_return to_response(planned.error());
    if (planned->plan.changes_objects) after.objects = std::make_shared<const Snapshot>(std::move(planned->plan.objects), std::move(planned->plan.people), before.objects->sequence() + 1, planned->plan.definitions);
  }
  http::Response response;
  std::function<void()> comparing = [&] { response = compare(administration, before, after, request->all); };
  co_await administration.worker().run(std::move(comparing));
  co_return response;
}

Task<http::Response> replay_policy(const Api& api, const Call& call) {
  Administration& administration = api.administration;
  auto request = read_replay_request(call, administration.clock().now());
  if (!request) co_return std::move(request).error();
  std::shared_ptr<const policy::CedarPolicy> candidate;
  std::unique_ptr<preview::Replay> replay;
  http::Response response;
  std::function<void()> compiling = [&] {
    const auto bundle = policy::read_bundle(request->files, administration.parse_yaml());
    if (!bundle) {
      response = to_response(ChangeFailure{Invalid{bundle.error()}});
      return;
    }
    candidate = bundle->policy;
    replay = std::make_unique<preview::Replay>(*candidate);
  };
  co_await administration.worker().run(std::move(compiling));
  if (!replay) co_return response;

  // Newest first, a page at a time: other work of the worker's comes between two pages.
  audit::Query query;
  query.since = request->since;
  query.limit = kPageRecords;
  std::uint64_t records_read = 0;
  while (records_read < kRecordsMax) {
    const auto page = co_await administration.reader().query(query);
    if (!page) co_return unavailable();
    for (std::size_t next = 0; next < page->size();) {
      std::optional<std::uint64_t> wanted;
      std::function<void()> replaying = [&] { wanted = replay->read(*page, next); };
      co_await administration.worker().run(std::move(replaying));
      if (!wanted) break;
      const std::uint64_t sequence = *wanted;
      const auto present = administration.snapshot();
      std::shared_ptr<const Snapshot> then = present;
      if (present->sequence() != sequence) {
        auto read = co_await administration.past().objects_at(sequence);
        if (!read) co_return unavailable();
        then = std::move(*read);
      }
      replay->give(sequence, then, then ? administration.tools_of(*then) : nullptr);
    }
    records_read += page->size();
    if (page->size() < kPageRecords) break;
    query.before_position = page->back().position;
  }
  std::function<void()> reporting = [&] {
    json::Value body = to_json(replay->report(), request->all);
    body.set("version", candidate->version());
    body.set("since", audit::to_iso8601(*request->since));
    body.set("whole", records_read < kRecordsMax);
    response = answer(std::move(body));
  };
  co_await administration.worker().run(std::move(reporting));
  co_return response;
}

}  // namespace writ::admin
