#pragma once

// What stands between a bundle and its activation: names, strict validation, and the bundle's own tests (rules §4.8). Pure; objects and policy are
// judged together, because a change of either can break the other.

#include "policy/bundle.h"
#include "policy/inquiry.h"

namespace writ::admin {

// What a failing test means: a change of policy or objects that waits until it passes, or, of a directory's, something to be told.
enum class FailingTests { refuse, warn };

// Errors refuse the whole change. `policy_changes`: else only what is an error is told, for who changes objects has not written the policy's warnings.
registry::Problems judge(const policy::Bundle& bundle, const policy::World& world, bool policy_changes, FailingTests failing = FailingTests::refuse);

// Whether tests are all that fails: exit code 7 and another title than a bundle that is wrong.
bool only_tests_fail(const registry::Problems& problems);

}  // namespace writ::admin
