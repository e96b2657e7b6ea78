#pragma once

// The parts of one policy and how each fared. Inside policy/ only.

#include "cedar/authorize.h"
#include "policy/explanation.h"
#include "policy/question_entities.h"

namespace writ::policy {

// A question as it was put to Cedar. References outlive it.
struct PutToCedar {
  const Asked& asked;
  cedar::Request request;
  cedar::Arena& arena;
  const std::optional<std::set<std::string>>& known_arguments;
};
std::vector<PolicyPart> parts_of(const cedar::CompiledPolicy& policy, const PutToCedar& put);

// A row speaks of groups, agents and names, not of entities.
std::vector<PolicyPart> parts_of(const AccessGrant& row, const Question& question);
std::string text_of(const AccessGrant& row);
// "grants.yaml:12 is for group `eng`; alice is in `sales`, `staff`"
std::string sentence_of(const AccessGrant& row, const std::vector<PolicyPart>& parts, const Question& question, const std::string& who);

// "`a`, `b`", or "nothing".
std::string quoted_list(const std::vector<std::string>& names);
// What the question asks, for people: "call `delete_repo` at `github`".
std::string describe(const Question& question);

}  // namespace writ::policy
