#include "first_objects.h"

#include "adapters/yaml/bundle_files.h"
#include "adapters/yaml/yaml.h"
#include "registry/read.h"

namespace writ::writd {
namespace {

admin::Actor at_start() {
  admin::Actor actor;
  actor.name = "start";
  actor.role = admin::Actor::Role::admin;
  return actor;
}

}  // namespace

Result<FirstObjects, std::string> read_first_objects(const config::Config& config) {
  FirstObjects first;
  if (config.objects || !config.objects_path.empty()) {
    registry::Node root;
    if (config.objects) {
      root = *config.objects;
    } else {
      auto read = yaml::read_objects(config.objects_path);
      if (!read) return unexpected(registry::to_string(read.error()));
      root = std::move(*read);
    }
    registry::Reading reading;
    reading.secret_file = yaml::read_secret_file;
    first.declared = registry::read_objects(root, reading);
    first.spoken_of = registry::collections_of(root);
    if (registry::has_errors(reading.problems)) return unexpected(registry::to_string(reading.problems));
  }
  if (!config.policy_directory.empty()) {
    auto files = yaml::read_bundle_files(config.policy_directory);
    if (!files) return unexpected(files.error());
    first.policy = std::move(*files);
  }
  return first;
}

Task<Result<std::vector<std::string>, std::string>> apply_first_objects(admin::Administration& administration, FirstObjects first) {
  const bool empty = administration.is_empty();
  admin::Change change;
  change.declared = std::move(first.declared);
  change.spoken_of = std::move(first.spoken_of);
  change.policy = std::move(first.policy);
  change.reason = "objects and policy of the configuration, into an empty store";
  change.lock_me_out = true;   // there is nobody to lock out yet
  change.dry_run = !empty;
  admin::Actor actor = at_start();
  auto changed = co_await administration.change(std::move(actor), std::move(change));
  if (!changed && empty) co_return unexpected(admin::describe(changed.error()));
  std::vector<std::string> differences;
  if (!changed) differences.push_back("the configuration's `objects:` no longer fit what is stored: " + admin::describe(changed.error()));
  else if (!empty) differences = admin::describe(changed->plan);
  co_return differences;
}

}  // namespace writ::writd
