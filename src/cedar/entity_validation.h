#pragma once

// Whether entities are as the schema declares them (reference, "Schema conformance of entities").

#include "base/result.h"
#include "cedar/entities.h"
#include "cedar/message.h"
#include "cedar/schema.h"
#include "encoding/json.h"

namespace writ::cedar {

// One entity that is no action: type, attributes, tags, the types of its parents, and every reference in it.
Result<void, Message> validate_entity(const StoredEntity& entity, const Schema& schema);
// Those of the topmost layer, actions too.
Result<void, Message> validate_entities(const Entities& entities, const Schema& schema);

// Adds each action with its groups, which `action in` needs.
Result<void, Message> add_actions(EntitiesBuilder& builder, const Schema& schema);

// An entity file, read as the schema expects and validated. Actions may be listed, if they say what the schema says; all actions
// of the schema are in the result, listed or not.
Result<Entities, Message> read_valid_entities(const json::Value& json, const Schema& schema);

}  // namespace writ::cedar
