#include "registry/provisioning.h"

#include <algorithm>

namespace writ::registry {
namespace {

constexpr const char* kMember = "provisioned_by";

void text(json::Value& document, std::string_view name, const std::string& value) {
  if (!value.empty()) document.set(name, value);
}

const IdentityConnector* find(const std::vector<IdentityConnector>& connectors, const std::string& id) {
  const auto found = std::find_if(connectors.begin(), connectors.end(), [&](const IdentityConnector& connector) { return connector.id == id; });
  return found == connectors.end() ? nullptr : &*found;
}

// Empty: it fits. A connector that no longer takes people by SCIM keeps those that it brought: whoever switches it off for a day has lost nobody.
std::string problem_of_keeper(const std::string& id, const std::vector<IdentityConnector>& connectors) {
  if (id.empty() || find(connectors, id)) return "";
  std::vector<std::string> ids;
  for (const IdentityConnector& connector : connectors) ids.push_back(connector.id);
  const std::string meant = nearest(id, ids);
  return "there is no identity connector `" + id.substr(0, 100) + "`" + (meant.empty() ? "" : "; did you mean `" + meant + "`?");
}

}  // namespace

void read_provisioning(Fields& fields, User& user) { user.provisioned_by = fields.text(kMember); }

void read_provisioning(Fields& fields, Group& group) {
  group.external_id = fields.text("external_id");
  group.provisioned_by = fields.text(kMember);
}

void read_provisioning(Fields& fields, ApiToken& token) { token.connector = fields.text("connector"); }

void write_provisioning(const User& user, json::Value& document) { text(document, kMember, user.provisioned_by); }

void write_provisioning(const Group& group, json::Value& document) {
  text(document, "external_id", group.external_id);
  text(document, kMember, group.provisioned_by);
}

void write_provisioning(const ApiToken& token, json::Value& document) { text(document, "connector", token.connector); }

bool is_provisioned(const json::Value& document) { return document.find(kMember) != nullptr; }

ProvisioningProblems problems_of_provisioning(const User& user, const std::vector<IdentityConnector>& connectors) {
  ProvisioningProblems problems;
  if (std::string problem = problem_of_keeper(user.provisioned_by, connectors); !problem.empty()) problems.emplace_back(kMember, std::move(problem));
  // Its owner answers for it, and nobody's directory.
  if (!user.provisioned_by.empty() && user.kind == User::Kind::service) problems.emplace_back(kMember, "a service account is not kept by a directory: remove `provisioned_by`");
  return problems;
}

ProvisioningProblems problems_of_provisioning(const Group& group, const std::vector<IdentityConnector>& connectors) {
  ProvisioningProblems problems;
  if (std::string problem = problem_of_keeper(group.provisioned_by, connectors); !problem.empty()) problems.emplace_back(kMember, std::move(problem));
  return problems;
}

ProvisioningProblems problems_of_provisioning(const ApiToken& token, const std::vector<IdentityConnector>& connectors) {
  ProvisioningProblems problems;
  if (token.role != "scim") {
    if (!token.connector.empty()) problems.emplace_back("connector", "only a token of role `scim` has a `connector`");
    return problems;
  }
  if (token.connector.empty()) {
    problems.emplace_back("connector", "a token of role `scim` needs `connector`: the id of the identity connector whose people it may write");
    return problems;
  }
  if (std::string problem = problem_of_keeper(token.connector, connectors); !problem.empty()) {
    problems.emplace_back("connector", std::move(problem));
  } else if (!find(connectors, token.connector)->scim) {
    problems.emplace_back("connector", "identity connector `" + token.connector + "` takes no people by SCIM: write `scim: true` there");
  }
  return problems;
}

}  // namespace writ::registry
