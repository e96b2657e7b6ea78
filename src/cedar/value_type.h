#pragma once

// Whether values are of the types that a schema declares.

#include <optional>
#include <string>

#include "cedar/schema.h"
#include "cedar/value.h"

namespace writ::cedar {

enum class ValueProblem : std::uint8_t {
  wrong_type,
  missing_attribute,       // a required one
  undeclared_attribute,    // records are closed
  unknown_enumerated_id,   // an entity that its enumerated type does not list
  unknown_action,
};

struct ValueMismatch {
  ValueProblem problem;
  std::string path;        // from the outermost value: `.auth.amr[]`; empty for itself
  std::string found;       // what is there, or the name that is missing
};

// What is wrong first, if anything. Entities need not be stored anywhere. An unknown value is of no type.
std::optional<ValueMismatch> find_mismatch(const Value& value, const Type& type, const Schema& schema);
// Whether the entity may exist: an enumerated type lists its id, an action is declared. Types are not its question.
std::optional<ValueProblem> check_exists(const EntityUid& uid, const Schema& schema);

std::string describe(const ValueMismatch& mismatch, std::string_view what);   // "`context.auth.amr` is of another type: …"

}  // namespace writ::cedar
