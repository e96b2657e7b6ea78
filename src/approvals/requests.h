#pragma once

// The calls that wait for approval, in memory and written through to Documents. Safe to share between threads; tasks resume on the caller's executor.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "approvals/request.h"
#include "audit/decisions_log.h"
#include "base/task.h"
#include "registry/snapshot.h"

namespace writ::approvals {

struct Limits {
  std::size_t arguments_bytes_max = 64 * 1024;   // more than a person reads
  std::size_t pending_per_user_max = 20;         // an agent in a loop must not bury its person's approvers
  std::size_t pending_max = 1'000;
};

// Why a call is not even held.
enum class NotHeld { arguments_too_large, too_many_of_user, too_many };
std::string_view to_string(NotHeld why);

// Why an approver's word does not count.
enum class Refused {
  unknown,                 // there is no such request, or it is none of theirs
  expired,
  decided,                 // rejected, or everything that they could approve is approved
  own_request,             // approver = requester, or the requester is a service account of theirs
  not_in_group,
  approver_disabled,       // or no person
  requester_disabled,
};
std::string_view to_string(Refused refused);

class Requests final : public registry::DocumentOwner {
 public:
  // Reads what waited before; `documents` outlives the object.
  static Result<std::unique_ptr<Requests>, Unavailable> open(registry::Documents& documents, Limits limits = {});

  struct Held {
    Request request;
    bool is_new = false;
  };
  using Holding = Result<Held, std::variant<NotHeld, Unavailable>>;
  // The pending request of this very call, or a new one. Needs that it did not have yet are added. A rejected one stays until it expires, so that
  // asking again is no way round a no. Durable when it completes.
  Task<Holding> hold(HeldCall call, std::vector<policy::ApprovalNeeded> needed, std::string message, Instant now);

  // The approved request of this call, when each of `needed` is lifted by an approver who is still active and still of the group.
  std::optional<Request> find_valid(const std::string& digest, const std::vector<policy::ApprovalNeeded>& needed, const registry::Snapshot& objects, Instant now) const;

  // Whether the decider may say this word, and which needs it is about. What was approved and not used yet can still be rejected. Pure; decide() asks
  // again under its lock whether the request is still open.
  enum class Word { approve, reject };
  struct Decider {
    const registry::User* user = nullptr;      // null: break glass, every need
    std::string name;                          // of the actor, then
  };
  Result<std::vector<policy::ApprovalNeeded>, Refused> may_decide(const std::string& id, Word word, const Decider& decider, const registry::Snapshot& objects, Instant now) const;
  // Lifts nothing before it is durable. Unavailable, too, while another decision about the same request is under way.
  Task<Result<Request, std::variant<Refused, Unavailable>>> decide(std::string id, Word word, std::vector<policy::ApprovalNeeded> needs, Approval approver, std::string reason, Instant now);

  // After its claim: nothing finds it any more.
  Task<Result<void, Unavailable>> use(std::string id, Instant now);

  std::optional<Request> find(const std::string& id) const;
  std::vector<Request> list() const;           // oldest first
  // Those that ran out unused since it was last asked; each once. Forgets what is long over.
  std::vector<Request> take_expired(Instant now);

  std::string_view table() const override { return kTable; }
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  Requests(registry::Documents& documents, Limits limits) : documents_(documents), limits_(limits) {}
  Request* find_open(const std::string& digest, Instant now);
  void put_in(Request request);
  // What the request would become; marks it as being changed.
  Result<Request, std::variant<Refused, Unavailable>> plan(const std::string& id, Word word, const std::vector<policy::ApprovalNeeded>& needs, const Approval& approver, const std::string& reason, Instant now);

  registry::Documents& documents_;
  Limits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Request> requests_;           // by id
  std::unordered_map<std::string, std::string> by_digest_;      // the newest of a digest
  std::unordered_set<std::string> being_decided_;               // ids whose decision is on its way to the store
  std::unordered_set<std::string> expiry_told_;                 // ids whose expiry was handed out
};

// What the one use of an approved request claims in the decisions log, together with the record of the call.
audit::Claim claim_of(const Request& request);

}  // namespace writ::approvals
