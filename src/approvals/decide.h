#pragma once

// An approver's word, from the rule to the record to the store; and the records of everything that becomes of a request. The same for people at the
// public listener and for administrators.

#include <string>
#include <variant>

#include "approvals/requests.h"
#include "audit/decisions_log.h"

namespace writ::approvals {

struct Decision {
  std::string id;
  Requests::Word word = Requests::Word::reject;
  std::string user;             // the approver's id; empty: an administrator
  std::string actor;            // "token:ci", "local": of an administrator
  bool break_glass = false;
  std::string reason, peer;
};

// Record first, then the request (rules §6.4): a word that nobody recorded lifts nothing.
Task<Result<Request, std::variant<Refused, Unavailable>>> decide(Requests& requests, audit::DecisionsLog& log, std::shared_ptr<const registry::Snapshot> objects, Decision decision, Instant now);

// Event `approval`: `what` is requested, approved, rejected or expired. Who asked and for what; never an argument, but the digest over them.
audit::Record record_of(const Request& request, std::string_view what, Instant now);

// For people: why an approver's word does not count, with what to do.
std::string_view sentence(Refused refused);

}  // namespace writ::approvals
