#pragma once

// Why a question is answered as it is: the policies that decided, and those that came near, each taken apart into its conditions with the values that
// were looked at. For people; nothing decides by it.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "policy/bundle.h"
#include "policy/decision.h"

namespace writ::policy {

enum class PartOutcome {
  satisfied,
  failed,
  error,         // it has no value: a policy that fails
  unknown,       // it reads an argument that was not recorded
  not_reached,   // an earlier part failed, and this one has no value without it
};
std::string_view to_string(PartOutcome outcome);

struct LookedAt {
  std::string what, value;             // `context.args.repo`, `"dev"`
};

// One constraint of a scope or one conjunct of a condition; of a grant row one of group, agents, servers, scopes, tools.
struct PolicyPart {
  enum class Of { principal, agent, action, resource, condition } of = Of::condition;
  std::string text;
  PartOutcome outcome = PartOutcome::satisfied;
  std::vector<LookedAt> looked_at;
  std::string error;                   // in words
  std::uint32_t line = 0, column = 0;  // 0: the row's
};

struct ExplainedPolicy {
  std::string id;
  bool forbids = false;
  std::string file;
  std::uint32_t line = 0, column = 0;
  std::string text;                    // as written; of a row its members
  std::string message;                 // its @message
  std::vector<PolicyPart> parts;
  std::string sentence;                // the whole in one sentence

  bool is_satisfied() const;
};

struct Explanation {
  Decision decision;
  std::vector<ExplainedPolicy> deciding;
  std::vector<ExplainedPolicy> near;   // nearest first
  std::string sentence;
};

struct ExplanationOptions {
  std::string user_name;                                    // how people know the principal; empty: by id
  std::optional<std::set<std::string>> known_arguments;     // of a recorded call: nothing is known of other members. Absent: all are known
};
Explanation explain(const Question& question, const Bundle& bundle, const ExplanationOptions& options = {});

}  // namespace writ::policy
