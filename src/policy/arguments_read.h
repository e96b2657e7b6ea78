#pragma once

// Which arguments of a call a decision may have looked at, and how a record may keep each of them (rules §4.9): a value, a digest that tells equal from
// different, or nothing. A policy says so with `@record("digest")` for everything that it reads, or by member: `@record("body=digest, token=never")`.
// Where several policies read one member, the most careful word counts.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cedar/policy_set.h"
#include "policy/access_grant.h"
#include "policy/decision.h"

namespace writ::policy {

enum class Kept { value, digest, never };   // in the order of care

struct ArgumentsRead {
  std::map<std::string, Kept, std::less<>> members;
  std::optional<Kept> others;   // present: some policy reads `context.args` as a whole, so every member

  bool empty() const { return members.empty() && !others; }
  std::optional<Kept> find(std::string_view member) const;
};

// The annotation's value; the error says what would be right. Absent annotation: everything as its value.
struct RecordAnnotation {
  Kept all = Kept::value;
  std::map<std::string, Kept, std::less<>> members;
};
Result<RecordAnnotation, std::string> read_record_annotation(std::string_view text);

// The policies of one bundle that read arguments. Safe to share between threads once all are added.
class ArgumentReaders {
 public:
  // Precondition: its @record annotation is good. The policy outlives this.
  void add(const cedar::CompiledPolicy& policy);
  bool empty() const { return readers_.empty(); }

  // Of the policies whose action and resource match this call, whoever makes it.
  std::shared_ptr<const ArgumentsRead> of_call(const Question& question, const std::vector<ToolPattern>& patterns) const;

 private:
  struct Reader {
    const cedar::CompiledPolicy* policy;
    RecordAnnotation annotation;
  };
  // What is known of a tool can change while a bundle stays: an answer holds for the facts that it was found with.
  struct Cached {
    std::vector<std::string> scopes, groups, server_groups;
    std::shared_ptr<const ArgumentsRead> read;
  };
  static constexpr std::size_t kCachedMax = 50'000;

  std::shared_ptr<const ArgumentsRead> find_readers(const Question& question, const std::vector<ToolPattern>& patterns) const;

  std::vector<Reader> readers_;
  struct Cache {
    std::mutex mutex;
    std::unordered_map<std::string, Cached> calls;
  };
  std::shared_ptr<Cache> cache_ = std::make_shared<Cache>();
};

}  // namespace writ::policy
