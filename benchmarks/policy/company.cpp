#include "company.h"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <unordered_map>

#include "audit/record.h"
#include "policy/argument_type.h"
#include "policy/inquiry.h"

namespace writ::policy::benchmark {
namespace {

std::string name(const char* kind, std::size_t number) { return kind + std::to_string(number); }

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t bound) { return engine_() % bound; }
  // Small numbers are much more frequent.
  std::size_t skewed(std::size_t bound) {
    const double uniform = static_cast<double>(engine_() % 1'000'000) / 1'000'000;
    return static_cast<std::size_t>(uniform * uniform * uniform * static_cast<double>(bound));
  }

 private:
  std::mt19937_64 engine_;
};

constexpr const char* kDepartments[] = {"platform", "web", "sales", "support", "finance", "legal"};

}  // namespace

registry::Objects make_objects(const Sizes& sizes) {
  Random random(1);
  registry::Objects objects;
  for (std::size_t i = 0; i < sizes.groups; ++i) {
    registry::Group group;
    group.id = name("group-", i);
    objects.groups.push_back(std::move(group));
  }
  for (std::size_t i = 0; i < sizes.users; ++i) {
    registry::User user;
    user.id = name("usr_", 100'000 + i);
    user.name = name("person", i);
    user.department = kDepartments[random.below(6)];
    user.email = user.name + "@example.com";
    for (std::size_t left = 1 + random.below(5); left > 0; --left) user.groups.push_back(name("group-", random.skewed(sizes.groups)));
    user.active = random.below(50) != 0;
    objects.users.push_back(std::move(user));
  }
  for (std::size_t i = 0; i < sizes.agents; ++i) {
    registry::Agent agent;
    agent.id = name("agent-", i);
    objects.agents.push_back(std::move(agent));
  }
  for (std::size_t i = 0; i < sizes.servers; ++i) {
    registry::Server server;
    server.id = name("server-", i);
    server.environment = i % 3 == 0 ? "production" : "";
    for (const auto& [scope, globs] : {std::pair("read", std::vector<std::string>{"get_*", "list_*"}), std::pair("write", std::vector<std::string>{"update_*"}), std::pair("admin", std::vector<std::string>{"delete_*"})}) {
      registry::Scope added;
      added.name = scope;
      added.tools = globs;
      added.high_impact = added.name == "admin";
      server.scopes.push_back(std::move(added));
    }
    objects.servers.push_back(std::move(server));
  }
  return objects;
}

ToolCatalogue make_tools(const Sizes& sizes) {
  const auto type = read_argument_type(*json::parse(R"({"type":"object","properties":{"repo":{"type":"string"},"force":{"type":"boolean"},"count":{"type":"integer"}}})"));
  ToolCatalogue tools;
  constexpr const char* kVerbs[] = {"get_", "list_", "update_", "delete_"};
  for (std::size_t i = 0; i < sizes.tools; ++i) {
    auto facts = std::make_shared<ToolFacts>();
    const std::size_t verb = i / sizes.servers % 4;
    facts->name = kVerbs[verb] + std::string("thing") + std::to_string(i / sizes.servers);
    facts->read_only = verb < 2;
    facts->destructive = verb == 3;
    facts->argument_type = type;
    tools.add(name("server-", i % sizes.servers), std::move(facts));
  }
  return tools;
}

std::vector<AccessGrant> make_grants(const Sizes& sizes, unsigned seed) {
  Random random(seed);
  std::vector<AccessGrant> grants;
  for (std::size_t i = 0; i < sizes.rows; ++i) {
    AccessGrant grant;
    grant.id = "grants.yaml:" + std::to_string(i + 2);
    grant.group = name("group-", random.below(sizes.groups));
    grant.server = name("server-", random.below(sizes.servers));
    if (random.below(4) == 0) grant.agents.all = true;
    else for (std::size_t left = 1 + random.below(3); left > 0; --left) grant.agents.names.push_back(name("agent-", random.below(sizes.agents)));
    switch (random.below(3)) {
      case 0: grant.scopes.all = grant.tools.all = true; break;
      case 1:
        grant.scopes.names = {"read"};
        grant.tools.names = {"get_*", "list_*"};
        break;
      default:
        grant.scopes.names = {"read", "write"};
        grant.tools.names = {"get_*", "update_thing" + std::to_string(random.below(20))};
    }
    grants.push_back(std::move(grant));
  }
  return grants;
}

std::string policy_file() {
  return R"cedar(
@id("no-deletion-outside-platform")
forbid(principal, action in Writ::Action::"call", resource) when { resource.destructive } unless { principal has department && principal.department == "platform" };
@id("no-force")
forbid(principal, action in Writ::Action::"call", resource in Writ::Server::"server-3") when { context.args has force && context.args.force };
@id("own-repositories")
forbid(principal, action in Writ::Action::"call", resource in Writ::Server::"server-6") when { context.args has repo && context.args.repo == "payroll" } unless { principal in Writ::Group::"group-7" };
@id("finance-at-night")
forbid(principal in Writ::Group::"group-2", action, resource in Writ::Server::"server-9") when { context.auth.age > duration("8h") };
@id("strong-for-production")
forbid(principal, action == Writ::Action::"grant_scope", resource) when { resource.highImpact && context.auth.acr != "urn:strong" };
)cedar";
}

std::shared_ptr<const CedarPolicy> compile(std::vector<AccessGrant> grants, std::string text) {
  auto compiled = CedarPolicy::compile({std::move(grants), {{"policies/company.cedar", std::move(text)}}, "benchmark"});
  if (compiled) return *compiled;
  std::fprintf(stderr, "%s\n", compiled.error().front().message.c_str());
  std::exit(1);
}

std::vector<audit::StoredRecord> make_records(const Sizes& sizes, std::size_t count, const CedarPolicy& active, const registry::Snapshot& objects, const ToolCatalogue& tools) {
  Random random(7);
  std::unordered_map<std::string, bool> decided;
  const auto is_allowed = [&](const audit::Record& record, Action action, const std::string& subject) {
    const auto [at, is_new] = decided.emplace(record.user + record.agent + record.server + std::string(to_string(action)) + subject + record.arguments, false);
    if (!is_new) return at->second;
    Inquiry inquiry;
    inquiry.action = action;
    inquiry.user = record.user;
    inquiry.agent = record.agent;
    inquiry.server = record.server;
    (action == Action::call ? inquiry.tool : inquiry.scope) = subject;
    inquiry.arguments = json::Value(json::Object{});
    inquiry.authentication.acr = record.acr;
    inquiry.authentication.age = Seconds(60);
    const auto question = question_of(inquiry, World{objects, tools, record.issuer});
    return at->second = question && active.enforce(*question).allowed;
  };
  std::vector<std::vector<std::string>> names(sizes.servers);
  for (std::size_t i = 0; i < sizes.servers; ++i) {
    for (const auto& tool : tools.of_server(name("server-", i))) names[i].push_back(tool->name);
  }
  std::vector<audit::StoredRecord> records;
  records.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    audit::Record record;
    record.time = from_unix_seconds(1'794'400'000) + Milliseconds(static_cast<std::int64_t>(i) * 600);
    // Everybody has a few servers, and uses few of their tools for most of the work.
    std::size_t person = random.skewed(sizes.users);
    while (!objects.objects().users[person].active) person = random.skewed(sizes.users);
    const std::size_t server = (person * 7 + random.skewed(4) * 13) % sizes.servers;
    record.user = name("usr_", 100'000 + person);
    record.user_name = name("person", person);
    record.agent = name("agent-", (person + random.below(2)) % sizes.agents);
    record.client_id = record.agent;
    record.server = name("server-", server);
    record.resource = "https://mcp.example.com/mcp/" + record.server;
    record.issuer = "https://writ.example.com/ras";
    record.session = "s" + std::to_string(person) + "-0123456789abcdef";
    record.access_token_jti = "at-" + std::to_string(i / 7) + "-0123456789abcdef";
    record.peer = "10.0." + std::to_string(person / 256 % 256) + "." + std::to_string(person % 256);
    record.policy = "grants.yaml:" + std::to_string(random.below(sizes.rows));
    record.policy_version = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    // A hundred changes of the objects in the time that is replayed.
    record.object_sequence = 1 + i * 100 / count;
    record.acr = person % 3 == 0 ? "urn:strong" : "urn:password";
    record.amr = "pwd,mfa";
    record.authentication_age_s = static_cast<std::int64_t>(random.below(36'000));
    record.more.emplace_back("agent_authentication", "private_key_jwt");
    if (i % 20 == 0) {
      record.event = audit::Event::access_token;
      const bool connects = is_allowed(record, Action::connect, "");
      record.effect = connects ? audit::Effect::allow : audit::Effect::deny;
      record.action = connects ? "grant_scope" : "connect";
      std::string dropped;
      for (const char* scope : {"read", "write"}) {
        if (is_allowed(record, Action::grant_scope, scope)) record.scope += (record.scope.empty() ? "" : " ") + std::string(scope);
        else dropped += (dropped.empty() ? "" : ",") + std::string(scope);
      }
      if (!dropped.empty()) record.more.emplace_back("dropped_scopes", dropped);
    } else {
      record.event = audit::Event::call;
      record.method = "tools/call";
      record.tool = names[server].empty() ? "none" : names[server][(person + random.skewed(names[server].size())) % names[server].size()];
      record.action = "call";
      if (server == 3 || server == 6) record.arguments = R"({"repo":{"value":"repo-)" + std::to_string(random.below(50)) + R"("},"force":{"absent":true}})";
    }
    if (record.event == audit::Event::call) record.effect = is_allowed(record, Action::call, record.tool) ? audit::Effect::allow : audit::Effect::deny;
    record.reason = record.effect == audit::Effect::allow ? "allowed" : "no_permit";
    records.push_back({i + 1, audit::to_json_line(record, i + 1, "n1")});
  }
  return records;
}

}  // namespace writ::policy::benchmark
