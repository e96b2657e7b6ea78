#pragma once

// What an audit record keeps of a call's arguments (rules §4.9): the top-level members that some active policy reads, each as its value or, where the
// value is long, as a digest that tells equal from different. Asking again with them is three-valued: what was not recorded is not known.

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "encoding/json.h"
#include "policy/arguments_read.h"

namespace writ::policy {

// {"repo":{"value":"prod"},"body":{"digest":"…"}}; members that are read but absent in the call: {"absent":true}. Empty when `read` is empty.
std::string record_arguments(const json::Value& arguments, const std::set<std::string>& read);
// The same, each member kept as the policies that read it want it: nothing at all of those that are `never` kept.
std::string record_arguments(const json::Value& arguments, const ArgumentsRead& read);

struct RecordedArguments {
  json::Value known = json::Object{};        // the members with their values; members that were absent are absent here too
  std::set<std::string> unknown;             // recorded by digest only
  std::set<std::string> recorded;            // all members that the record speaks of; others are not known
};
// Absent when the text is not what record_arguments() writes.
std::optional<RecordedArguments> read_recorded_arguments(const json::Value& recorded);

}  // namespace writ::policy
