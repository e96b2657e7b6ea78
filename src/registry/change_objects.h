#pragma once

// Objects after a change, made from those before it: what the change does not touch is shared with them, and is not looked at again.

#include <string>
#include <utility>
#include <vector>

#include "registry/check.h"
#include "registry/object_store.h"

namespace writ::registry {

struct ObjectsAfter {
  Objects objects;
  PeopleIndex people;    // of `objects`
  Problems problems;     // check.h; with errors among them, no snapshot may be made
};

using ObjectKey = std::pair<ObjectKind, std::string>;

// The objects of `catalogue`, in which `changed` has been put or removed since `before`; definitions are passed over. `before`: the objects until then, null:
// there are none that are known to be right, so everything is read and checked. The error: what this version cannot read.
Result<ObjectsAfter, Problems> change_objects(const Snapshot* before, const Catalogue& catalogue, const std::vector<ObjectKey>& changed, const Places& places = {});

}  // namespace writ::registry
