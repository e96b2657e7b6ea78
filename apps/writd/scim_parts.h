#pragma once

// What the SCIM server needs of the rest of the program: changes of people and groups by the one way for changes.

#include <atomic>
#include <memory>

#include "admin/administration.h"
#include "scim/endpoint.h"

namespace writ::writd {

// Changes go through admin::Administration, which is opened after the routes are built: until use() nothing can be changed.
class ProvisionedDirectory final : public scim::Directory {
 public:
  void use(admin::Administration& administration) { administration_.store(&administration); }

  Task<Result<void, scim::DirectoryFailure>> change(scim::Author author, scim::Editing editing) override;
  Task<Result<std::vector<registry::ObjectVersion>, Unavailable>> history(registry::ObjectKind kind, std::string id) override;

 private:
  std::atomic<admin::Administration*> administration_ = nullptr;
};

struct ScimParts {
  ProvisionedDirectory directory;
  std::unique_ptr<scim::KeptAttributes> kept;
  std::unique_ptr<scim::Endpoint> endpoint;
};

}  // namespace writ::writd
