#pragma once

// What Cedar can know of a tool's arguments: the part of its inputSchema (JSON Schema) that Cedar's types express (rules §4.3). Values become
// Cedar values directly, never through Cedar's JSON format, so `__entity` and `__extn` are ordinary keys (G21). Whatever the type does not
// express stands, as a JSON pointer, in `unseen`.

#include <memory>
#include <string>
#include <vector>

#include "cedar/value.h"
#include "encoding/json.h"

namespace writ::policy {

struct ArgumentType {
  enum class Kind { string, integer, decimal, boolean, set, record, inexpressible };
  Kind kind = Kind::inexpressible;
  std::shared_ptr<const ArgumentType> element;    // of a set
  struct Member {
    std::string name;
    bool required = false;
    std::shared_ptr<const ArgumentType> type;     // never inexpressible: such members are left out
  };
  std::vector<Member> members;                    // of a record, sorted by name
};

// JSON Schema `string` → String, `integer` → Long, `number` → decimal, `boolean` → Bool, arrays of one such type → Set, objects → records.
// A schema that is no object type gives an empty record: everything will be unseen. Never null.
std::shared_ptr<const ArgumentType> read_argument_type(const json::Value& input_schema);

// The type as Cedar schema text: `{ repo: String, "dry-run"?: Bool }`.
std::string to_cedar(const ArgumentType& type);

struct SeenArguments {
  cedar::Value args;                    // a record; lives in the arena
  std::vector<std::string> unseen;      // JSON pointers
};
// Absent arguments are an empty object. More than 64 KiB of text or 10,000 nodes: what is over the limit is unseen.
SeenArguments see(const ArgumentType& type, const json::Value& arguments, cedar::Arena& arena);

}  // namespace writ::policy
