#pragma once

// Values, contexts and entities from Cedar's JSON forms (language reference §8). `__entity` and `__extn` are escapes here; whoever has
// data that is not Cedar's own (a tool's arguments) builds values directly and never comes this way.

#include <string_view>

#include "base/result.h"
#include "cedar/entities.h"
#include "cedar/message.h"
#include "cedar/schema.h"
#include "cedar/value.h"
#include "encoding/json.h"

namespace writ::cedar {

// With a schema, the type that it expects at a place lets JSON be written without escapes there (§8.3). Whether the value then is of that
// type is the validator's question.

// `expected` may be null.
Result<Value, Message> read_value(const json::Value& json, Arena& arena, const Type* expected = nullptr);
// A context: a record at the top.
Result<Value, Message> read_context(const json::Value& json, Arena& arena, const Type* expected = nullptr);
// {"type", "id"}, bare or as {"__entity": …}. The texts live in the arena.
Result<EntityUid, Message> read_entity_uid(const json::Value& json, Arena& arena);
// An entity file: an array of {"uid", "attrs", "parents", "tags"?}.
Result<void, Message> add_entities(EntitiesBuilder& builder, const json::Value& json, const Schema* schema = nullptr);
Result<Entities, Message> read_entities(const json::Value& json, const Schema* schema = nullptr);

// The JSON form, with escapes.
json::Value to_json(const Value& value);
json::Value to_json(const EntityUid& uid);

}  // namespace writ::cedar
