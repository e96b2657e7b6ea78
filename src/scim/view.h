#pragma once

// What one directory sees: the people and groups that its connector keeps, and nothing else of the deployment.

#include <string>
#include <vector>

#include "registry/snapshot.h"
#include "scim/kept_attributes.h"

namespace writ::scim {

// Everything outlives the view.
class View {
 public:
  View(const registry::Snapshot& snapshot, const registry::IdentityConnector& connector, const KeptAttributes& kept, std::string base)
      : snapshot_(snapshot), connector_(connector), kept_(kept), base_(std::move(base)) {}

  const registry::Snapshot& snapshot() const { return snapshot_; }
  const registry::IdentityConnector& connector() const { return connector_; }
  const KeptAttributes& kept() const { return kept_; }

  bool sees(const registry::User& user) const { return user.provisioned_by == connector_.id; }
  bool sees(const registry::Group& group) const { return group.provisioned_by == connector_.id; }
  // Null: there is none that this directory sees.
  const registry::User* user(std::string_view id) const;
  const registry::Group* group(std::string_view id) const;

  // Direct members that this directory sees.
  struct Members {
    std::vector<const registry::User*> users;
    std::vector<const registry::Group*> groups;
  };
  Members members_of(const registry::Group& group) const;

  std::string location(std::string_view endpoint, std::string_view id) const;   // {base}/scim/v2/Users/usr_…

 private:
  const registry::Snapshot& snapshot_;
  const registry::IdentityConnector& connector_;
  const KeptAttributes& kept_;
  std::string base_;
};

}  // namespace writ::scim
