#pragma once

// A small company and its policy, for tests of explanations and suggestions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "policy/access_chain.h"

namespace writ::policy {

class Explaining : public testing::Test {
 protected:
  static constexpr const char* kRas = "https://ras.example";
  static constexpr const char* kGrants = R"(grants:
  - group: eng
    agents: [cursor]
    servers: [github]
    scopes: ["read"]
    tools: [get_*]
  - {group: ops, agents: all, servers: [github], scopes: all, tools: all}
)";

  Explaining() {
    json::Value definition;
    for (const char* text : {R"({"name":"delete_repo","inputSchema":{"type":"object","properties":{"repo":{"type":"string"},"force":{"type":"boolean"}}}})",
                             R"({"name":"get_issue","annotations":{"readOnlyHint":true,"destructiveHint":false}})"}) {
      tools.add("github", std::make_shared<const ToolFacts>(read_tool_facts(json::parse(text).value())));
    }
    set_objects([](registry::Objects&) {});
    set_policy(kGrants);
  }

  // alice is in eng (in staff), bob and carol in ops, dave in nothing.
  void set_objects(const std::function<void(registry::Objects&)>& change) {
    registry::Objects all;
    all.groups = {{"staff", "", {}}, {"eng", "", {"staff"}}, {"ops", "", {"staff"}}, {"admins", "", {}}, {"sales", "", {}}};
    const std::pair<const char*, std::vector<std::string>> people[] = {{"alice", {"eng"}}, {"bob", {"ops"}}, {"carol", {"ops"}}, {"dave", {}}, {"erin", {"sales"}}};
    for (const auto& [name, groups] : people) {
      registry::User user;
      user.id = "usr_" + std::string(name), user.name = name, user.groups = groups;
      all.users.push_back(user);
    }
    registry::ResourceAs ras;
    ras.issuer = kRas;
    all.resource_authorization_servers = {ras};
    for (const char* id : {"cursor", "desk"}) {
      registry::Agent agent;
      agent.id = id;
      agent.idp.emplace().client_id = id;
      registry::Registration at_ras;
      at_ras.client_id = id;
      agent.resource_as = {{kRas, at_ras}};
      all.agents.push_back(agent);
    }
    for (const char* id : {"github", "jira"}) {
      registry::Server server;
      server.id = id, server.resource = "https://mcp.example/" + std::string(id), server.resource_as = kRas;
      server.scopes = {{"read", "", true, false, {}, {"get_*"}}, {"write", "", false, false, {}, {"delete_repo"}}, {"admin", "", false, true, {}, {"delete_repo"}}};
      all.servers.push_back(server);
    }
    change(all);
    objects.emplace(std::move(all), 1);
  }
  void set_policy(const std::string& grants, const std::string& cedar = "") {
    files = {{"grants.yaml", grants}};
    if (!cedar.empty()) files["policies/test.cedar"] = cedar;
    auto read = read_bundle(files, [](std::string_view text, std::string name) { return yaml::parse(text, std::move(name)); });
    ASSERT_TRUE(read) << registry::to_string(read.error());
    bundle = std::move(*read);
  }

  World world() const { return {*objects, tools, "https://idp.example"}; }
  static Inquiry inquiry(const std::string& user, Action action = Action::connect, const std::string& what = "", const std::string& agent = "cursor", const std::string& server = "github") {
    Inquiry asked;
    asked.action = action;
    asked.user = user, asked.agent = agent, asked.server = server;
    if (action == Action::grant_scope) asked.scope = what;
    else if (action == Action::call) asked.tool = what;
    else asked.uri_or_prompt = what;
    asked.now = from_unix_seconds(1'795'000'000);
    return asked;
  }
  AccessChain access(const Inquiry& asked) const { return explain_access(asked, world(), bundle, files); }
  Explanation explained(const Inquiry& asked, const ExplanationOptions& options = {}) const {
    const auto question = question_of(asked, world());
    EXPECT_TRUE(question);
    return question ? explain(*question, bundle, options) : Explanation{};
  }

  std::optional<registry::Snapshot> objects;
  ToolCatalogue tools;
  BundleFiles files;
  Bundle bundle;
};

}  // namespace writ::policy
