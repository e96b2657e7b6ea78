#pragma once

// The policy that decides: the grants table and the policy files of a bundle, as one compiled Cedar policy set.

#include <memory>
#include <string>
#include <vector>

#include "cedar/policy_set.h"
#include "policy/access_grant.h"
#include "policy/decision.h"

namespace writ::policy {

struct PolicyFile {
  std::string name;   // "policies/prod.cedar": for messages and for the ids of policies without @id
  std::string text;
};
struct BundleContent {
  std::vector<AccessGrant> grants;
  std::vector<PolicyFile> files;
  std::string version;              // content hash
};
// What is wrong with a bundle and where. Line 0: the place is not known.
struct PolicyProblem {
  std::string file;
  std::uint32_t line = 0, column = 0;
  std::string message;              // with the text pointed at, on lines of its own
};

class CedarPolicy final : public Policy {
 public:
  // All or nothing: one problem refuses the whole bundle.
  static Result<std::shared_ptr<const CedarPolicy>, std::vector<PolicyProblem>> compile(const BundleContent& content);

  Decision decide(const Question& question) const override;
  bool could_allow(const Question& question) const override;
  const std::string& version() const override { return version_; }

  const cedar::PolicySet& policies() const { return policies_; }
  // The grants table as Cedar text, for people.
  const std::string& grants_text() const { return grants_text_; }

 private:
  CedarPolicy() = default;
  Decision denied(Kind kind) const;

  cedar::PolicySet policies_;
  std::vector<const cedar::CompiledPolicy*> reading_arguments_;   // those that may read `context.args`
  std::vector<ToolPattern> tool_patterns_;                        // whose tool groups the grants name
  std::string grants_text_, version_;
};

}  // namespace writ::policy
