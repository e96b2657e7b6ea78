#pragma once

// `objects:` and `policy:` of writ.yaml: they fill an empty store, and only that (rules §8.4).

#include <string>

#include "admin/administration.h"
#include "config/config.h"

namespace writ::writd {

struct FirstObjects {
  std::vector<registry::Declared> declared;
  std::vector<registry::ObjectKind> spoken_of;
  std::optional<policy::BundleFiles> policy;
};
// Reads the files that the configuration names. The error is for the operator: a line for each problem, with its place.
Result<FirstObjects, std::string> read_first_objects(const config::Config& config);
// Applies them when the store is empty; otherwise answers what would differ, a line each.
Task<Result<std::vector<std::string>, std::string>> apply_first_objects(admin::Administration& administration, FirstObjects first);

}  // namespace writ::writd
