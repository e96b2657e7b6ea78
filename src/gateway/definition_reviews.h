#pragma once

// Where the gateway leaves what servers say about themselves and nobody approved yet. The program implements it over administration.

#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "encoding/json.h"
#include "registry/object_kind.h"

namespace writ::gateway {

struct SeenDefinition {
  registry::ObjectKind kind = registry::ObjectKind::tool;
  std::string name;          // empty for instructions
  json::Value definition;    // the whole wire object, or the text
  std::string digest;
};

// Safe to share between threads. Tasks resume on the caller's executor.
class DefinitionReviews {
 public:
  virtual ~DefinitionReviews() = default;
  // Keeps what a server says now beside what is approved, to be looked at; a first definition is approved at once where the server's `first_use`
  // allows it; one that is the approved one again is no longer held. When it completes the snapshot has it, or it is not to be had.
  virtual Task<Result<void, Unavailable>> keep(std::string server, std::vector<SeenDefinition> seen) = 0;
};

}  // namespace writ::gateway
