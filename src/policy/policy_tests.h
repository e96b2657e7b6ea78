#pragma once

// policy-tests.yaml: what must be allowed and what must not, as cases that gate every activation. A test asks the policy of its bundle about the
// objects of one moment and fails when the answer, the policy that gave it or its reason is another. The format: docs/reference/policy-tests.md.

#include <cstddef>
#include <string>
#include <vector>

#include "policy/cedar_policy.h"
#include "policy/inquiry.h"
#include "registry/node.h"

namespace writ::policy {

// One question and what must come of it. A row with lists of people, agents, servers or tools becomes one test for each combination.
struct PolicyTest {
  std::string name;
  registry::Position at;            // of the row
  Inquiry inquiry;                  // a person that is made up has the groups that the row names; those above them are added when it runs
  bool allow = false;
  std::vector<std::string> by;      // each is a policy that must have decided, or a file of which one must have
  std::string reason;               // why (to_string(Kind)); empty: any
};

// Tests without `now` ask at noon of 5 January 2026, a Monday: the same bundle passes or fails whenever it is run.
inline constexpr Instant kTestTime{Milliseconds{1'767'614'400'000}};

// `policies` are those that `by` may name. All problems at once; a bundle's tests ask at most 10,000 questions.
std::vector<PolicyTest> read_policy_tests(const registry::Node& root, const CedarPolicy* policies, registry::Problems& problems);

struct TestResult {
  const PolicyTest* test = nullptr;
  std::string question;             // "alice through cursor: github/delete_repo"
  enum class Outcome {
    passed,
    failed,
    nobody,                         // it names a person who does not exist (any more)
  } outcome = Outcome::failed;
  bool allowed = false;
  std::string reason;               // of the answer, or why there is no question: unknown_agent, …
  std::vector<std::string> policies;
  std::string message;              // unless it passed: what was expected and what came
};

// A policy that decided no test: the tests would not notice if it were gone.
struct Unexercised {
  std::string id;
  PolicyPlace place;
  bool satisfied = false;           // a permit that was satisfied, but only where a forbid decided
};

struct TestRun {
  std::vector<TestResult> results;
  std::size_t policies = 0;         // a row of the grants table counts as one
  std::vector<Unexercised> unexercised;   // in the order of the bundle
  std::size_t count(TestResult::Outcome outcome) const;
};
// The tests outlive the run.
TestRun run_policy_tests(const std::vector<PolicyTest>& tests, const CedarPolicy& policy, const World& world);

// What fails, as problems with the place of the row and the id `failed-test`. People come and go, and a test must not hold up somebody's leaving:
// one who does not exist is an error when the policy changes and a warning when only objects do.
registry::Problems problems_of(const TestRun& run, bool policy_changes);

}  // namespace writ::policy
