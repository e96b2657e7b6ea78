#pragma once

// A small deployment for tests of previews: people, agents and servers by name, and policies as text.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "policy/preview/access.h"

namespace writ::policy::preview {

struct WorldBuilder {
  registry::Objects objects;
  ToolCatalogue tools;

  WorldBuilder& group(const std::string& id, std::vector<std::string> parents = {}) {
    registry::Group group;
    group.id = id;
    group.parents = std::move(parents);
    objects.groups.push_back(std::move(group));
    return *this;
  }
  WorldBuilder& user(const std::string& name, std::vector<std::string> groups, const std::string& department = "") {
    registry::User user;
    user.id = "usr_" + name;
    user.name = name;
    user.groups = std::move(groups);
    user.department = department;
    objects.users.push_back(std::move(user));
    return *this;
  }
  WorldBuilder& agent(const std::string& id, const std::string& vendor = "") {
    registry::Agent agent;
    agent.id = id;
    agent.vendor = vendor;
    objects.agents.push_back(std::move(agent));
    return *this;
  }
  WorldBuilder& server(const std::string& id, std::vector<registry::Scope> scopes = {}, const std::string& environment = "") {
    registry::Server server;
    server.id = id;
    server.environment = environment;
    server.scopes = std::move(scopes);
    objects.servers.push_back(std::move(server));
    return *this;
  }
  WorldBuilder& tool(const std::string& server, const std::string& name, bool destructive = true) {
    auto facts = std::make_shared<ToolFacts>();
    facts->name = name;
    facts->destructive = destructive;
    tools.add(server, std::move(facts));
    return *this;
  }
  registry::User& user_named(const std::string& name) {
    std::size_t number = 0;
    while (std::as_const(objects).users[number].name != name) ++number;
    return objects.users[number];
  }
};

// Owns what an AccessState refers to.
struct StateFixture {
  std::shared_ptr<const CedarPolicy> policy;
  registry::Snapshot objects;
  ToolCatalogue tools;

  StateFixture(const WorldBuilder& world, const std::string& text, std::vector<AccessGrant> grants = {})
      : policy(compile(text, std::move(grants))), objects(world.objects, 1), tools(world.tools) {}
  AccessState state() const { return {*policy, objects, tools}; }

  static std::shared_ptr<const CedarPolicy> compile(const std::string& text, std::vector<AccessGrant> grants) {
    auto compiled = CedarPolicy::compile({std::move(grants), {{"policies/test.cedar", text}}, "v1"});
    if (!compiled) {
      ADD_FAILURE() << compiled.error().front().message;
      compiled = CedarPolicy::compile({{}, {}, "none"});
    }
    return *compiled;
  }
};

inline registry::Scope scope_of(const std::string& name, std::vector<std::string> tools, bool high_impact = false) {
  registry::Scope scope;
  scope.name = name;
  scope.tools = std::move(tools);
  scope.high_impact = high_impact;
  return scope;
}

}  // namespace writ::policy::preview
