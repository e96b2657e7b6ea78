#pragma once

// The way by which a directory's changes reach the objects: one for all who change something (admin/), implemented by the program.

#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "registry/object_store.h"
#include "registry/snapshot.h"
#include "scim/error.h"

namespace writ::scim {

// What shall be there afterwards, all of it or nothing.
struct Edit {
  std::vector<registry::User> users;       // made, or replaced
  std::vector<registry::Group> groups;
  std::vector<std::pair<registry::ObjectKind, std::string>> removed;
  std::string note{};                      // for the records
};
// As documents, the way in which every change is planned.
std::vector<registry::Declared> declarations_of(const Edit& edit);
// Works out a change from what is there when it is its turn: nobody else's change comes in between. Called from any thread.
using Editing = std::function<Result<Edit, Error>(const registry::Snapshot&, const registry::Catalogue&)>;

struct Author {
  std::string connector, token;            // ids
  std::string method, peer;
};
// As the history of objects names a directory.
std::string name_of(const std::string& connector);

// The objects would not be right, or something refers to what shall go: sentences.
struct NotAccepted {
  std::string problems;
};
using DirectoryFailure = std::variant<Error, NotAccepted, Unavailable>;

// Safe to share between threads. Tasks resume on the caller's executor.
class Directory {
 public:
  virtual ~Directory() = default;
  // When it completes, the change is recorded, on disk and in force.
  virtual Task<Result<void, DirectoryFailure>> change(Author author, Editing editing) = 0;
  virtual Task<Result<std::vector<registry::ObjectVersion>, Unavailable>> history(registry::ObjectKind kind, std::string id) = 0;
};

// Whether it was this directory that switched the person off who is off now: only then may it switch the person on again (A6). `versions`: newest first.
bool is_off_by(const std::vector<registry::ObjectVersion>& versions, const std::string& connector);

}  // namespace writ::scim
