#pragma once

// Puts what the gateway saw of servers into the review inbox, or approves it where a server's `first_use` says so.

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "admin/administration.h"
#include "admin/definition_review.h"

namespace writ::admin {

// Safe to share between threads.
class DefinitionInbox {
 public:
  explicit DefinitionInbox(Administration& administration, KeepRules rules = {}) : administration_(administration), rules_(rules) {}
  Task<Result<void, Unavailable>> keep(std::string server, std::vector<SeenNow> seen);

 private:
  Task<void> tell_full(std::string server, std::size_t left_out);
  Administration& administration_;
  KeepRules rules_;
  std::mutex mutex_;
  std::set<std::string> told_;   // servers of which the audit trail knows that their room is full
};

}  // namespace writ::admin
