#pragma once

// What a record keeps of the questions that were asked for it, and reading them back to ask again (rules §4.9). One record may stand for several:
//
//   id_jag, access_token   `connect`, and when that was allowed `grant_scope` for each scope that was asked for: `scope` names those that were given
//                          (of a refusal: all that were asked), `dropped_scopes` those that policy took away, `above_ceiling` those that were not put to it.
//   call                   the one question of `action`. With reason insufficient_scope policy allowed the call, and `scope` is the one that would have helped.
//
// A record without `action` was decided before any policy was asked.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "audit/record.h"
#include "policy/inquiry.h"

namespace writ::policy {

// Who vouched, how the person had signed in, how the agent authenticated, and what was asked. Of a call, the arguments that `policy` lets a record keep.
void record_question(const Question& question, audit::Record& record);
void record_arguments_of(const Question& question, const Policy& policy, audit::Record& record);

// Lists of scopes in a record.
inline constexpr const char* kDroppedScopes = "dropped_scopes";
inline constexpr const char* kScopesAboveCeiling = "above_ceiling";
// The record is of an ID-JAG for several resources, and names the first as its own: which scope was asked at which is not kept.
inline constexpr const char* kSeveralResources = "resources";
std::string to_list(const std::vector<std::string>& names);   // comma-separated

struct RecordedQuestion {
  Inquiry inquiry;                        // of a call: `arguments` holds the members whose values are known; absent when none were recorded
  bool allowed = false;                   // what policy said then
  std::set<std::string> arguments_recorded;        // members that the record speaks of; nothing is known of others
  std::set<std::string> arguments_not_kept;        // of these: by digest only
};
struct RecordedQuestions {
  std::vector<RecordedQuestion> questions;         // in the order in which they were asked; never empty
  bool is_whole = true;                   // false: a name or list was too long for the record and is cut
  std::string policy_version;
  std::uint64_t object_sequence = 0;
};
// From a record's JSON line. Absent: policy was not asked, or the record is from before records kept what asking again needs.
std::optional<RecordedQuestions> read_recorded_questions(const json::Value& record);

}  // namespace writ::policy
