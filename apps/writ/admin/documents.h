#pragma once

// Files of a deployment, ready to be sent: objects with their places, the policy bundle, and the secrets that files name.

#include <optional>
#include <string>
#include <vector>

#include "policy/bundle.h"
#include "registry/node.h"

namespace writ::cli::admin {

struct Documents {
  registry::Node objects;                       // null: the files hold none
  std::optional<policy::BundleFiles> policy;    // the files of the bundle, when there is one
  registry::Problems warnings;
};

// Files and folders. In a folder, grants.yaml and its like are the policy bundle and every other YAML file holds objects. All schema
// errors at once; what refers to objects of the store is the server's to judge.
Result<Documents, registry::Problems> read_documents(const std::vector<std::string>& paths);

// As the API wants it: secrets that files name are read here, on the administrator's machine, and sent in their place.
Result<json::Value, registry::Problems> to_request(const registry::Node& objects);

// The place in a file that a pointer of the API's answer means: /objects/users/0/name.
registry::Position place_of(const registry::Node& objects, std::string_view pointer);

}  // namespace writ::cli::admin
