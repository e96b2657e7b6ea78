#include "policy/bundle.h"

#include <algorithm>
#include <map>

#include "crypto/hash.h"
#include "policy/cedar_policy.h"
#include "policy/check_policies.h"
#include "policy/obligations.h"
#include "registry/fields.h"

namespace writ::policy {
namespace {

using registry::Fields;
using registry::Node;
using registry::Position;
using registry::Problem;
using registry::Problems;

constexpr std::string_view kGrantsFile = "grants.yaml", kTestsFile = "policy-tests.yaml";

Names names(Fields& fields, std::string_view name) {
  Names read;
  read.names = fields.texts_or_all(name, read.all);
  return read;
}

void warn_if_empty(Fields& fields, std::string_view name, const Names& read, Problems& warnings) {
  if (read.all || !read.names.empty()) return;
  warnings.push_back({fields.at(name), "`" + std::string(name) + "` is empty, so this row allows nothing there: empty never means everyone; write `" +
                                           std::string(name) + ": all` if that is meant", true});
}

void read_row(const Node& node, std::string id, Bundle& bundle, Problems& problems) {
  Fields fields(node, "a grant", problems);
  AccessGrant grant;
  grant.id = std::move(id);
  grant.line = static_cast<std::uint32_t>(node.at.line);
  grant.column = static_cast<std::uint32_t>(node.at.column);
  grant.group = fields.required_text("group");
  fields.find("description");   // for the reader of the file
  std::vector<std::string> servers = fields.texts("servers");
  if (const std::string one = fields.text("server"); !one.empty()) {
    if (fields.has("servers")) fields.error(fields.at("server"), "write either `server` or `servers`, not both");
    servers = {one};
  }
  for (const char* member : {"agents", "scopes", "tools"}) {
    if (node.kind == Node::Kind::mapping && !fields.has(member)) fields.error(node.at, "a grant needs `" + std::string(member) + "`: a list of names, or `all`");
  }
  if (node.kind == Node::Kind::mapping && !fields.has("servers") && !fields.has("server")) fields.error(node.at, "a grant needs `servers`: a list of names");
  grant.agents = names(fields, "agents");
  grant.scopes = names(fields, "scopes");
  grant.tools = names(fields, "tools");
  fields.finish();
  warn_if_empty(fields, "agents", grant.agents, bundle.warnings);
  if (servers.empty() && fields.has("servers")) bundle.warnings.push_back({fields.at("servers"), "`servers` is empty, so this row allows nothing", true});
  for (std::size_t i = 0; i < servers.size(); ++i) {
    AccessGrant of_server = grant;
    of_server.server = servers[i];
    bundle.rows.push_back({std::move(of_server), node, i});
  }
}

void read_grants(const Node& root, Bundle& bundle, Problems& problems) {
  if (root.kind == Node::Kind::null) return;
  Fields fields(root, "the grants table", problems);
  int last_line = 0;
  for (const Node& row : fields.list("grants")) {
    std::string id = std::string(kGrantsFile) + ":" + std::to_string(row.at.line);
    if (row.at.line == last_line) id += ":" + std::to_string(row.at.column);   // two rows in one line
    last_line = row.at.line;
    read_row(row, std::move(id), bundle, problems);
  }
  fields.finish();
}

class References {
 public:
  References(const registry::Snapshot& snapshot, Problems& problems) : snapshot_(snapshot), problems_(problems) {}

  void check(const Bundle::Row& row) {
    const AccessGrant& grant = row.grant;
    if (row.server_index == 0) {   // once for each row
      check_group(grant.group, place(row.node, "group"));
      for (std::size_t i = 0; i < grant.agents.names.size(); ++i) {
        const std::string& agent = grant.agents.names[i];
        if (!snapshot_.agent(agent)) missing(snapshot_.objects().agents, &registry::Agent::id, agent, "agent", place(row.node, "agents", i));
      }
    }
    const registry::Server* server = snapshot_.server(grant.server);
    if (!server) return missing(snapshot_.objects().servers, &registry::Server::id, grant.server, "server", place(row.node, "servers", row.server_index, "server"));
    for (std::size_t i = 0; i < grant.scopes.names.size(); ++i) {
      const std::string& name = grant.scopes.names[i];
      const bool is_known = std::any_of(server->scopes.begin(), server->scopes.end(), [&](const registry::Scope& scope) { return scope.name == name; });
      if (!is_known) missing(server->scopes, &registry::Scope::name, name, "scope of server `" + grant.server + "`", place(row.node, "scopes", i));
    }
  }

  void check_group(const std::string& group, Position at) {
    if (!snapshot_.group(group)) missing(snapshot_.objects().groups, &registry::Group::id, group, "group", std::move(at));
  }

 private:
  static Position place(const Node& row, const char* member, std::size_t index = 0, const char* other = nullptr) {
    const Node* node = row.find(member);
    if (!node && other) node = row.find(other);
    if (!node) return row.at;
    return index < node->items.size() ? node->items[index].at : node->at;
  }

  template <class List, class Object>
  void missing(const List& list, std::string Object::*member, const std::string& name, const std::string& what, Position at) {
    std::vector<std::string> all;
    for (const Object& object : list) all.push_back(object.*member);
    std::string message = "there is no " + what + " `" + name.substr(0, 80) + "`";
    if (const std::string meant = registry::nearest(name, all); !meant.empty()) message += "; did you mean `" + meant + "`?";
    problems_.push_back({std::move(at), std::move(message)});
  }

  const registry::Snapshot& snapshot_;
  Problems& problems_;
};

}  // namespace

std::string content_hash(const BundleFiles& files) {
  std::string all = "writ policy bundle 1\n";
  for (const auto& [name, text] : files) {
    for (const std::string& part : {name, text}) all += std::to_string(part.size()) + ":" + part;
  }
  constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : crypto::sha256(all)) hex += kHex[byte >> 4], hex += kHex[byte & 0xF];
  return hex;
}

Result<Bundle, Problems> read_bundle(const BundleFiles& files, const ParseYaml& parse, std::shared_ptr<const CedarPolicy> candidate) {
  Bundle bundle;
  bundle.version = content_hash(files);
  Problems problems;
  BundleContent content;
  content.version = bundle.version;
  content.candidate = std::move(candidate);
  Node tests;
  for (const auto& [name, text] : files) {
    if (name.ends_with(".cedar")) {
      content.files.push_back({name, text});
      continue;
    }
    if (name != kGrantsFile && name != kTestsFile) {
      problems.push_back({{name, 1, 1}, "`" + name.substr(0, 80) + "` is not understood: a bundle holds " + std::string(kGrantsFile) + ", " + std::string(kTestsFile) +
                                            " and *.cedar files"});
      continue;
    }
    auto root = parse(text, name);
    if (!root) {
      problems.insert(problems.end(), root.error().begin(), root.error().end());
    } else if (name == kGrantsFile) {
      read_grants(*root, bundle, problems);
    } else {
      tests = std::move(root).value();
    }
  }
  for (const Bundle::Row& row : bundle.rows) content.grants.push_back(row.grant);
  if (auto compiled = CedarPolicy::compile(content)) {
    bundle.policy = std::move(*compiled);
  } else {
    for (const PolicyProblem& problem : compiled.error()) {
      problems.push_back({{problem.file, static_cast<int>(problem.line), static_cast<int>(problem.column)}, problem.message});
    }
  }
  bundle.tests = read_policy_tests(tests, bundle.policy.get(), problems);
  if (registry::has_errors(problems)) return unexpected(std::move(problems));
  bundle.warnings.insert(bundle.warnings.end(), problems.begin(), problems.end());
  return bundle;
}

Problems check_names(const Bundle& bundle, const registry::Snapshot& snapshot) {
  Problems problems;
  References references(snapshot, problems);
  for (const Bundle::Row& row : bundle.rows) references.check(row);
  const CedarPolicy& whole = bundle.policy->with_shadow_policies();
  for (const cedar::CompiledPolicy& policy : whole.policies().policies()) {
    const auto group = policy.annotation(kRequireApproval);
    if (!group) continue;
    const PolicyPlace& place = whole.place(policy);
    const Position at{place.file, static_cast<int>(place.line), static_cast<int>(place.column)};
    references.check_group(std::string(*group), at);
    if (holds_only_calls(policy)) continue;
    problems.push_back({at, "policy `" + shown_id(policy.id()) + "`: `@require_approval` holds tool calls alone; connections, scopes, resources and prompts are simply forbidden by it: "
                            "write `action in Writ::Action::\"call\"` if calls are meant", true});
  }
  return problems;
}

Problems check_bundle(const Bundle& bundle, const registry::Snapshot& snapshot, const ToolCatalogue& tools) {
  Problems problems = bundle.warnings;
  const Problems names = check_names(bundle, snapshot);
  problems.insert(problems.end(), names.begin(), names.end());
  if (registry::has_errors(problems)) return problems;   // a name that does not exist is told once
  const CedarPolicy& whole = bundle.policy->with_shadow_policies();
  std::vector<std::string> servers;
  for (const auto& server : snapshot.objects().servers) servers.push_back(server.id);
  const PolicyCheck check = check_policies(whole, servers, tools.known());
  const auto report = [&](const PolicyProblem& problem, bool is_warning) {
    problems.push_back({{problem.file, static_cast<int>(problem.line), static_cast<int>(problem.column)}, problem.message, is_warning, problem.id});
  };
  for (const PolicyProblem& problem : check.errors) report(problem, false);
  for (const PolicyProblem& problem : check.warnings) report(problem, true);
  return problems;
}

bool is_bundle_file(std::string_view name) { return name == kGrantsFile || name == kTestsFile || name.ends_with(".cedar") || name.ends_with(".cedarschema"); }

}  // namespace writ::policy
