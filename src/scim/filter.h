#pragma once

// Filters (RFC 7644 §3.4.2.2) and attribute paths (§3.5.2): a strict parser over the attributes of a resource type, and evaluation against resources as JSON.
// Whatever it does not know is refused: a filter of which a part was passed over would match too much.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoding/json.h"
#include "scim/error.h"
#include "scim/schema.h"

namespace writ::scim {

struct Filter;

// Where a value stands: userName, name.familyName, emails[type eq "work"].value, urn:…:User:department. The attributes are of the static tables.
struct Path {
  std::string_view extension{};              // the extension's URN; empty: the resource itself
  const Attribute* attribute = nullptr;      // null: the whole extension
  std::shared_ptr<const Filter> element{};   // which elements of a multi-valued attribute; null: all
  const Attribute* part = nullptr;           // null: the whole value
};

struct Filter {
  enum class Kind { compare, present, all, any, negation };
  enum class Comparison { eq, ne, co, sw, ew, gt, ge, lt, le };
  Kind kind = Kind::present;
  Path path{};
  Comparison comparison = Comparison::eq;
  json::Value value{};                       // of compare: string, boolean or null
  std::vector<Filter> parts{};               // of all, any and negation
};

Result<Filter, Error> parse_filter(std::string_view text, const ResourceType& type);
// A path of PATCH, `attributes` or `excludedAttributes`.
Result<Path, Error> parse_path(std::string_view text, const ResourceType& type);

bool matches(const Filter& filter, const json::Value& resource);
// One element of a multi-valued attribute, by the filter in its brackets.
bool matches_element(const Filter& filter, const json::Value& element);

// What `attribute` must be for the filter to match, where it says so by `eq` alone or joined by `and`: lets most be passed over without writing them as JSON.
std::optional<std::string> required_value(const Filter& filter, std::string_view attribute);

// Whether the text of an attribute is the same (case as the schema has it).
bool is_same_value(const Attribute& attribute, std::string_view a, std::string_view b);

}  // namespace writ::scim
