#pragma once

// JSON Schema 2020-12 as far as tools describe their arguments with it, and what older drafts wrote otherwise (`definitions`, `items` as a list).
// Keywords that nobody knows are ignored, as the standard says. What would need another document, or could not be told in bounded time, is refused
// when the schema is compiled: nothing is fetched, and no pattern backtracks (rules §4.3).

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "encoding/json.h"

namespace re2 {
class RE2;
}

namespace writ::json_schema {

// Where it is wrong, as a JSON pointer ("" is the whole), and why: a sentence's end that says what would be right.
struct Failure {
  std::string pointer, message;
};

// Immutable; safe to share between threads.
class Schema {
 public:
  // The failure's pointer is into the schema.
  static Result<std::shared_ptr<const Schema>, Failure> compile(json::Value schema);
  ~Schema();

  // Absent: it is valid. A value that takes more than a bounded amount of work to judge is not.
  std::optional<Failure> check(const json::Value& value) const;

 private:
  friend class Compiler;
  friend class Checker;
  Schema();
  json::Value root_;
  std::unordered_map<const json::Value*, const json::Value*> references_;   // a schema with `$ref` → what it refers to
  std::map<std::string, std::unique_ptr<re2::RE2>, std::less<>> patterns_;
};

}  // namespace writ::json_schema
