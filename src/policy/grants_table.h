#pragma once

// The grants table as a policy: default deny, rows only permit.

#include <string>
#include <vector>

#include "policy/access_grant.h"
#include "policy/decision.h"

namespace writ::policy {

class GrantsTable final : public Policy {
 public:
  GrantsTable(std::vector<AccessGrant> grants, std::string version) : grants_(std::move(grants)), version_(std::move(version)) {}

  Decision decide(const Question& question) const override;
  // Rows do not read arguments, so a listing has the same answer as the call.
  bool could_allow(const Question& question) const override { return decide(question).allowed; }
  const std::string& version() const override { return version_; }
  const std::vector<AccessGrant>& grants() const { return grants_; }

 private:
  std::vector<AccessGrant> grants_;
  std::string version_;
};

}  // namespace writ::policy
