#pragma once

// A call that waits for people (rules §4.6): what exactly was asked, whose approvals it needs, what became of it. Plain data; Requests keeps them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "encoding/json.h"
#include "policy/decision.h"
#include "registry/documents.h"

namespace writ::approvals {

inline constexpr Seconds kLifetime{15 * 60};

// One call, as exactly as an approval is bound to it.
struct HeldCall {
  std::string user, user_name;        // id, and the name as of then
  std::string agent, server, tool;
  std::string arguments;              // canonical JSON (json::write_canonical)
  std::string more;                   // canonical JSON of the call's other parameters that the server sees; empty: there are none
  std::string definition_digest;      // of the tool's definition; empty: it was never seen
};
// SHA-256 in hexadecimal, each part with its length: no two calls share one.
std::string digest_of(const HeldCall& call);

struct Approval {
  std::string user, user_name;        // the approver; of break glass the actor's name alone
  bool break_glass = false;           // through the local socket, by whoever runs the service (rules §8.2)
  Instant time{};
};

struct Need {
  policy::ApprovalNeeded of;          // this forbid, this group
  std::optional<Approval> approval;
};

enum class State { pending, approved, rejected, expired };
std::string_view to_string(State state);

struct Request {
  std::string id;                     // apr_…: also what its one use is claimed by
  HeldCall call;
  std::string digest;
  std::string message;                // @message of the forbids
  std::vector<Need> needs;            // by policy and group
  Instant created{};
  // Fifteen minutes from the beginning to wait, and, once every need is met, fifteen minutes from the oldest approval to be used.
  Instant expires{};
  std::optional<Approval> rejected;   // by whom
  std::string reason;                 // what the one who decided wrote
  bool used = false;                  // nothing can come of it any more
  std::int64_t version = 1;           // of its document

  State state(Instant now) const;
  bool is_approved() const;
};

// For people and programs: {id, state, user, …, arguments, arguments_text, needs: […]}. `arguments_text` is the canonical text with everything unseen
// written as escapes: what an approver judges is what will be sent.
json::Value to_json(const Request& request, Instant now);

registry::Document document_of(const Request& request);
Result<Request, Unavailable> read_request(const registry::Document& document);
inline constexpr const char* kTable = "approval_requests";

}  // namespace writ::approvals
