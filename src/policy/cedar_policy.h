#pragma once

// The policy that decides: the grants table and the policy files of a bundle, as one compiled Cedar policy set.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cedar/policy_set.h"
#include "policy/access_grant.h"
#include "policy/arguments_read.h"
#include "policy/decision.h"

namespace writ::policy {

struct PolicyFile {
  std::string name;   // "policies/prod.cedar": for messages and for the ids of policies without @id
  std::string text;
};
class CedarPolicy;

struct BundleContent {
  std::vector<AccessGrant> grants;
  std::vector<PolicyFile> files;
  std::string version;              // content hash
  std::shared_ptr<const CedarPolicy> candidate{};   // evaluated beside this bundle, never enforced; null: none
};
// What is wrong with a bundle and where. Line 0: the place is not known.
struct PolicyProblem {
  std::string file;
  std::uint32_t line = 0, column = 0;
  std::string message;              // with the text pointed at, on lines of its own
  std::string id{};                 // of a warning (policy_warnings.h)
};

// Where a policy stands: a row of the grants table, or a statement of a policy file.
struct PolicyPlace {
  std::string file;
  std::uint32_t line = 0, column = 0;
};

// How people know a policy: by its @id, else by where it stands. The policies that a row of the grants table stands for are known by the row.
std::string shown_id(std::string_view id);

class CedarPolicy final : public Policy {
 public:
  // All or nothing: one problem refuses the whole bundle.
  static Result<std::shared_ptr<const CedarPolicy>, std::vector<PolicyProblem>> compile(const BundleContent& content);

  Decision decide(const Question& question) const override;
  bool could_allow(const Question& question) const override;
  // The decision, without looking at what is tried out beside it.
  Decision enforce(const Question& question) const;
  // Those that @shadow policies read too: what is tried out shall be explained as well as what decides.
  std::shared_ptr<const ArgumentsRead> arguments_read(const Question& question) const override {
    return with_shadow_policies().argument_readers_.of_call(question, tool_patterns_);
  }
  const std::string& version() const override { return version_; }

  const cedar::PolicySet& policies() const { return policies_; }
  // Whose groups a tool's entity must be put into.
  const std::vector<ToolPattern>& tool_patterns() const { return tool_patterns_; }
  // Every policy that is satisfied, whatever decides; shown ids, each once.
  std::vector<std::string> satisfied(const Question& question) const;
  // Of a policy of policies().
  const PolicyPlace& place(const cedar::CompiledPolicy& policy) const;
  // The grants table as Cedar text, for people.
  const std::string& grants_text() const { return grants_text_; }
  // This bundle with its @shadow policies enforced: what checks look at, because any of them may be promoted.
  const CedarPolicy& with_shadow_policies() const { return with_shadow_policies_ ? *with_shadow_policies_ : *this; }
  // Ids of the @shadow policies, sorted: they are not in policies().
  const std::vector<std::string>& shadow_policies() const { return shadow_policies_; }

 private:
  CedarPolicy() = default;
  enum class ShadowPolicies { aside, enforced };
  static Result<std::shared_ptr<const CedarPolicy>, std::vector<PolicyProblem>> compile(const BundleContent& content, ShadowPolicies shadow_policies);
  Decision denied(Kind kind) const;
  void add_shadows(const Question& question, Decision& decision) const;

  cedar::PolicySet policies_;
  std::vector<PolicyPlace> places_;                               // by the policies' order
  std::vector<const cedar::CompiledPolicy*> reading_arguments_;   // those that may read `context.args`
  ArgumentReaders argument_readers_;                              // the same, for records
  std::vector<ToolPattern> tool_patterns_;                        // whose tool groups the grants name
  std::optional<cedar::PolicySet> without_held_;                  // all but the forbids that an approval lifts; absent when there are none
  std::vector<std::string> shadow_policies_;
  std::shared_ptr<const CedarPolicy> with_shadow_policies_, candidate_;   // what is tried out; null: nothing
  std::string grants_text_, version_;
};

}  // namespace writ::policy
