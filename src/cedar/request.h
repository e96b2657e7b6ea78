#pragma once

// What is asked: may this principal do this action on this resource, in this context? Texts and values are borrowed.

#include "cedar/name.h"
#include "cedar/value.h"

namespace writ::cedar {

struct Request {
  EntityUid principal;
  EntityUid action;
  EntityUid resource;
  Value context = Value::of_sorted_members({});   // a record
};

}  // namespace writ::cedar
