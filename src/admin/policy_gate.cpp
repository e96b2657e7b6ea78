#include "admin/policy_gate.h"

#include <algorithm>

#include "policy/policy_warnings.h"

namespace writ::admin {

using registry::Problem;
using registry::Problems;

Problems judge(const policy::Bundle& bundle, const policy::World& world, Changing changing, FailingTests failing) {
  const bool policy_changes = changing == Changing::policy;
  Problems problems = changing == Changing::people ? policy::check_names(bundle, world.objects) : policy::check_bundle(bundle, world.objects, world.tools);
  if (registry::has_errors(problems)) return problems;   // a policy that is not valid has no answers worth comparing
  const auto add = [&problems](const Problems& more) { problems.insert(problems.end(), more.begin(), more.end()); };
  if (policy_changes) add(policy::find_warnings(bundle, world.objects, world.tools));
  else problems.clear();
  const policy::TestRun run = policy::run_policy_tests(bundle.tests, *bundle.policy, world);
  add(policy::problems_of(run, policy_changes));
  if (!policy_changes) std::erase_if(problems, [](const Problem& problem) { return problem.is_warning; });
  if (failing == FailingTests::warn) {
    for (Problem& problem : problems) problem.is_warning = problem.is_warning || problem.id == "failed-test";
  }
  return problems;
}

bool only_tests_fail(const Problems& problems) {
  return registry::has_errors(problems) && std::all_of(problems.begin(), problems.end(), [](const Problem& problem) { return problem.is_warning || problem.id == "failed-test"; });
}

}  // namespace writ::admin
