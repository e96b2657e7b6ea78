// policy-benchmark: what a preview of a policy change costs, on one core. The targets stand beside each figure.
//
//   build/release/bin/policy-benchmark                    all of it
//   build/release/bin/policy-benchmark diff | replay      one of them
//   build/release/bin/policy-benchmark replay 5000000     over so many records

#include <sys/resource.h>

#include <ctime>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "company.h"
#include "policy/preview/access.h"
#include "policy/preview/replay.h"

namespace writ::policy::benchmark {
namespace {

// Of the processor: what else the machine does is not counted.
double seconds_used() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double resident_mebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

void diff(const char* what, const Sizes& sizes, const CedarPolicy& before, const CedarPolicy& after, const registry::Snapshot& objects, const registry::Snapshot& later) {
  const ToolCatalogue tools = make_tools(sizes);
  const double begin = seconds_used();
  const auto difference = preview::compare_access({before, objects, tools}, {after, later, tools});
  std::printf("diff    %-44s %6.2f s   %zu changes, %zu people lose, %zu gain, %zu other conditions, %llu cells\n", what, seconds_used() - begin, difference.changes.size(), difference.losing,
              difference.gaining, difference.changing, static_cast<unsigned long long>(difference.cells));
}

// Target: 10,000 users × 50 servers × 1,000 tools in less than 10 s.
void diffs() {
  const Sizes sizes;
  const registry::Snapshot objects(make_objects(sizes), 1);
  const auto grants = make_grants(sizes, 11);
  const auto active = compile(grants, policy_file());
  auto fewer = grants;
  fewer.erase(fewer.begin() + 100, fewer.begin() + 103);
  std::printf("%zu users, %zu groups, %zu agents, %zu servers, %zu tools, %zu grants\n", sizes.users, sizes.groups, sizes.agents, sizes.servers, sizes.tools, sizes.rows);
  diff("nothing changes", sizes, *active, *compile(grants, policy_file()), objects, objects);
  diff("three grants fewer", sizes, *active, *compile(fewer, policy_file()), objects, objects);
  diff("one forbid more, for all calls", sizes, *active, *compile(grants, policy_file() + "forbid(principal, action in Writ::Action::\"call\", resource) when { context.args has force && context.args.force };"), objects, objects);
  diff("a forbid that compares arguments with people", sizes, *active,
       *compile(grants, policy_file() + "forbid(principal, action in Writ::Action::\"call\", resource) when { context.args has owner && context.args.owner != principal.email };"), objects, objects);
  diff("every grant is another one", sizes, *active, *compile(make_grants(sizes, 12), policy_file()), objects, objects);
  diff("no policy before", sizes, *compile({}, ""), *active, objects, objects);
  auto moved = make_objects(sizes);
  for (std::size_t i = 0; i < 100; ++i) moved.users[i * 97].groups = {"group-1"};
  diff("a hundred people change groups", sizes, *active, *active, objects, registry::Snapshot(std::move(moved), 2));
  Sizes large;
  large.tools = 50'000;
  diff("1,000 tools at each server, every grant", large, *active, *compile(make_grants(sizes, 12), policy_file()), objects, objects);
}

// Target: 500,000 decisions a second.
void replay(std::size_t count) {
  const Sizes sizes;
  const auto objects = std::make_shared<const registry::Snapshot>(make_objects(sizes), 1);
  const auto tools = std::make_shared<const ToolCatalogue>(make_tools(sizes));
  auto grants = make_grants(sizes, 11);
  const auto active = compile(grants, policy_file());
  grants.erase(grants.begin() + 100, grants.begin() + 103);
  const auto candidate = compile(grants, policy_file() + "@id(\"no-payroll\") forbid(principal, action in Writ::Action::\"call\", resource in Writ::Server::\"server-6\") when { context.args has repo && context.args.repo == \"repo-7\" };");
  const auto records = make_records(sizes, count, *active, *objects, *tools);
  std::size_t bytes = 0;
  for (const auto& record : records) bytes += record.json_line.size();
  const double begin = seconds_used();
  preview::Replay run(*candidate);
  for (std::size_t next = 0;;) {
    const auto wanted = run.read(records, next);
    if (!wanted) break;
    run.give(*wanted, objects, tools);
  }
  const auto report = run.report();
  const double seconds = seconds_used() - begin;
  std::printf("replay  %llu records of %zu bytes, %llu decisions in %.2f s: %.0f decisions/s, %.0f records/s; %llu same, %llu newly denied, %llu newly allowed, %llu cannot tell\n",
              static_cast<unsigned long long>(report.records), bytes / records.size(), static_cast<unsigned long long>(report.decisions), seconds, static_cast<double>(report.decisions) / seconds,
              static_cast<double>(report.records) / seconds, static_cast<unsigned long long>(report.same), static_cast<unsigned long long>(report.newly_denied),
              static_cast<unsigned long long>(report.newly_allowed), static_cast<unsigned long long>(report.cannot_tell));
}

}  // namespace
}  // namespace writ::policy::benchmark

int main(int count, char** arguments) {
  using namespace writ::policy::benchmark;
  const std::string which = count > 1 ? arguments[1] : "";
  if (which.empty() || which == "diff") diffs();
  if (which.empty() || which == "replay") replay(count > 2 ? static_cast<std::size_t>(std::strtoull(arguments[2], nullptr, 10)) : 1'000'000);
  std::printf("at most %.0f MiB\n", resident_mebibytes());
}
