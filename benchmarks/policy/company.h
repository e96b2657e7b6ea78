#pragma once

// A company as the benchmark has it: people in a few of many groups, agents, servers with scopes and tools, a grants table and policy files that read
// departments and arguments. Made from fixed seeds: every run has the same.

#include <memory>
#include <string>
#include <vector>

#include "audit/decisions_log.h"
#include "policy/cedar_policy.h"
#include "policy/tool_catalogue.h"
#include "registry/snapshot.h"

namespace writ::policy::benchmark {

struct Sizes {
  std::size_t users = 10'000, groups = 40, agents = 8, servers = 50, tools = 1'000, rows = 1'000;
};

registry::Objects make_objects(const Sizes& sizes);
ToolCatalogue make_tools(const Sizes& sizes);
std::vector<AccessGrant> make_grants(const Sizes& sizes, unsigned seed);
// Policies beside the table.
std::string policy_file();
std::shared_ptr<const CedarPolicy> compile(std::vector<AccessGrant> grants, std::string text);

// Decisions as the roles record them, oldest first, made by `active`: everybody has a few servers, a few tools are busy, some calls have arguments, a token
// is taken now and then.
std::vector<audit::StoredRecord> make_records(const Sizes& sizes, std::size_t count, const CedarPolicy& active, const registry::Snapshot& objects, const ToolCatalogue& tools);

}  // namespace writ::policy::benchmark
