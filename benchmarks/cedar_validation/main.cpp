// cedar-validation-benchmark [POLICIES] [ACTIONS]: what strict validation of grants costs when every tool is an action with arguments of
// its own. Target: 1,000 policies against 20,000 actions in at most 5 seconds on one core, release build.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "cedar/parser.h"
#include "cedar/schema.h"
#include "cedar/validation.h"

namespace writ::cedar {
namespace {

std::string make_schema(int actions) {
  std::string text = R"(namespace Writ {
  entity Group in [Group];
  entity User in [Group] = { issuer: String, department?: String } tags Set<String>;
  entity Agent; entity Server; entity Scope in [Server] = { highImpact: Bool };
  entity Tool in [Server, Scope] = { readOnly: Bool, destructive: Bool };
  type Authentication = { acr: String, amr: Set<String>, age: duration };
  type Circumstances = { agent: Agent, issuer: String, auth: Authentication, now: datetime, ip?: ipaddr };
  action connect appliesTo { principal: User, resource: Server, context: Circumstances };
  action grant_scope appliesTo { principal: User, resource: Scope, context: Circumstances };
  action use; action call in [use];
)";
  for (int i = 0; i < actions; ++i) {
    const std::string n = std::to_string(i);
    text += "action \"server" + std::to_string(i / 40) + "/tool" + n + "\" in [call] appliesTo { principal: User, resource: Tool, context: { agent: Agent, issuer: String, auth: Authentication, " +
            "now: datetime, ip?: ipaddr, args: { repo: String, limit" + n + "?: Long, force?: Bool }, unseen: Set<String> } };\n";
  }
  return text + "}";
}

// The mix of a grants table: most rows look at the agent, some at the circumstances, some at the arguments of one tool.
std::string make_policies(int policies, int actions) {
  std::string text;
  for (int i = 0; i < policies; ++i) {
    const std::string n = std::to_string(i);
    const std::string scope = "(principal in Writ::Group::\"g" + n + "\", action in [Writ::Action::\"connect\", Writ::Action::\"grant_scope\", Writ::Action::\"use\"], resource in Writ::Server::\"s" + n + "\")";
    switch (i % 10) {
      case 7: text += "permit" + scope + " when { context.auth.age < duration(\"1h\") && principal has department && principal.department == \"it\" };\n"; break;
      case 8: text += "forbid(principal, action in Writ::Action::\"use\", resource) when { resource.destructive && !(context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\"))) };\n"; break;
      case 9: {
        const int tool = i * 17 % actions;
        text += "forbid(principal, action == Writ::Action::\"server" + std::to_string(tool / 40) + "/tool" + std::to_string(tool) + "\", resource) when { context.args has force && context.args.force };\n";
        break;
      }
      default: text += "permit" + scope + " when { context.agent == Writ::Agent::\"a" + n + "\" };\n";
    }
  }
  return text;
}

int run(int policy_count, int action_count) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); };
  auto start = Clock::now();
  const auto schema = Schema::parse(make_schema(action_count));
  if (!schema) return std::printf("%s\n", schema.error().render().c_str()), 1;
  std::printf("schema of %d actions: %.3f s\n", action_count, seconds_since(start));
  const auto policies = parse_policies(make_policies(policy_count, action_count));
  if (!policies) return std::printf("%s\n", policies.error().render().c_str()), 1;
  start = Clock::now();
  const Validation validation = validate(*schema, *policies);
  const double seconds = seconds_since(start);
  if (!validation.findings.empty()) return std::printf("%s\n", validation.findings[0].message.render().c_str()), 1;
  std::printf("strict validation of %d policies: %.3f s (target 5 s for 1000 and 20000)\n", policy_count, seconds);
  return 0;
}

}  // namespace
}  // namespace writ::cedar

int main(int argc, char** argv) { return writ::cedar::run(argc > 1 ? std::atoi(argv[1]) : 1000, argc > 2 ? std::atoi(argv[2]) : 20000); }
