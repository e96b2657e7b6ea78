#pragma once

// Values, contexts and entities from Cedar's JSON forms (language reference §8). `__entity` and `__extn` are escapes here; whoever has
// data that is not Cedar's own (a tool's arguments) builds values directly and never comes this way.

#include <string_view>

#include "base/result.h"
#include "cedar/entities.h"
#include "cedar/message.h"
#include "cedar/value.h"
#include "encoding/json.h"

namespace writ::cedar {

// What a schema expects at a place; it lets JSON be written without escapes there (§8.3). Whether the value then is of that type is the
// validator's question.
class ExpectedType {
 public:
  virtual ~ExpectedType() = default;
  virtual Value::Kind kind() const = 0;
  virtual const ExpectedType* element() const = 0;                               // of a set
  virtual const ExpectedType* attribute(std::string_view name) const = 0;        // of a record; null when undeclared
};

class ExpectedEntities {
 public:
  virtual ~ExpectedEntities() = default;
  // Null where nothing is declared.
  virtual const ExpectedType* attribute(std::string_view entity_type, std::string_view name) const = 0;
  virtual const ExpectedType* tag(std::string_view entity_type) const = 0;
};

// `expected` may be null.
Result<Value, Message> read_value(const json::Value& json, Arena& arena, const ExpectedType* expected = nullptr);
// A context: a record at the top.
Result<Value, Message> read_context(const json::Value& json, Arena& arena, const ExpectedType* expected = nullptr);
// {"type", "id"}, bare or as {"__entity": …}. The texts live in the arena.
Result<EntityUid, Message> read_entity_uid(const json::Value& json, Arena& arena);
// An entity file: an array of {"uid", "attrs", "parents", "tags"?}.
Result<void, Message> add_entities(EntitiesBuilder& builder, const json::Value& json, const ExpectedEntities* expected = nullptr);
Result<Entities, Message> read_entities(const json::Value& json, const ExpectedEntities* expected = nullptr);

// The JSON form, with escapes.
json::Value to_json(const Value& value);
json::Value to_json(const EntityUid& uid);

}  // namespace writ::cedar
