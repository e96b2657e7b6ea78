#pragma once

// What stands between a bundle and its activation: names, strict validation, and the bundle's own tests (rules §4.8). Pure; objects and policy are
// judged together, because a change of either can break the other.

#include "policy/bundle.h"
#include "policy/inquiry.h"

namespace writ::admin {

// What a failing test means: a change of policy or objects that waits until it passes, or, of a directory's, something to be told.
enum class FailingTests { refuse, warn };

// What is other than it was: of a policy that stays only the errors are told, for who changes objects has not written its warnings; and whether it fits
// servers and tools is no question where only people and groups change.
enum class Changing { policy, objects, people };

// Errors refuse the whole change.
registry::Problems judge(const policy::Bundle& bundle, const policy::World& world, Changing changing, FailingTests failing = FailingTests::refuse);

// Whether tests are all that fails: exit code 7 and another title than a bundle that is wrong.
bool only_tests_fail(const registry::Problems& problems);

}  // namespace writ::admin
