#pragma once

// The policy bundle: the one place where access grants, policies and their tests live (rules §4.8). A bundle is a folder of named texts,
// identified by the hash of its content, and becomes active whole or not at all. Reading it and evaluating it are apart: read_bundle()
// knows files and places, CedarPolicy is the evaluator.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/access_grant.h"
#include "policy/cedar_policy.h"
#include "policy/decision.h"
#include "policy/policy_tests.h"
#include "registry/node.h"
#include "registry/snapshot.h"

namespace writ::policy {

using BundleFiles = std::map<std::string, std::string>;   // name → text

// How a YAML text becomes a document with places (adapters/yaml).
using ParseYaml = std::function<Result<registry::Node, registry::Problems>(std::string_view text, std::string name)>;

struct Bundle {
  std::string version;              // content_hash() of the files
  struct Row {
    AccessGrant grant;              // of one server; a row that names several servers becomes several of these with one id
    registry::Node node;            // the row, for places
    std::size_t server_index = 0;   // which of its `servers`
  };
  std::vector<Row> rows;
  std::vector<PolicyTest> tests;    // policy-tests.yaml
  registry::Problems warnings;
  std::shared_ptr<const CedarPolicy> policy;   // what decides: rows and Cedar files, compiled
};

// SHA-256 over names and texts, in hexadecimal. The same files are the same version, wherever they lie.
std::string content_hash(const BundleFiles& files);

// A file that is not understood is an error: a policy that is left out could be a restriction that is left out.
// `candidate` is evaluated beside it, never enforced; null: nothing is.
Result<Bundle, registry::Problems> read_bundle(const BundleFiles& files, const ParseYaml& parse, std::shared_ptr<const CedarPolicy> candidate = nullptr);

// Groups, agents, servers and scopes that rows name must exist, with "did you mean"; and what check_policies() finds. Its tests are another matter.
registry::Problems check_bundle(const Bundle& bundle, const registry::Snapshot& snapshot, const ToolCatalogue& tools = {});
// Only whether what rows and policies name exists: all that a change of people and groups can alter, and it needs no look at the tools.
registry::Problems check_names(const Bundle& bundle, const registry::Snapshot& snapshot);

// Whether a file of this name belongs to a bundle (the other YAML files of a deployment's folder are objects).
bool is_bundle_file(std::string_view name);

}  // namespace writ::policy
