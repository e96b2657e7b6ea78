#pragma once

// Where the program says that something happened to a person's access: whoever changes it calls tell(), once, before the change is
// acknowledged. Nobody listens where no receiver has a stream.

#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "registry/objects.h"
#include "signals/event.h"

namespace writ::signals {

// Safe to share between threads.
class PeopleEvents {
 public:
  virtual ~PeopleEvents() = default;
  // Durable when it completes: receivers hear of it, whatever happens to this process. `user` as the receivers know the person.
  virtual Task<Result<void, Unavailable>> tell(registry::User user, std::vector<Event> events) = 0;
};

}  // namespace writ::signals
