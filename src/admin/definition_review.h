#pragma once

// The review of what servers say about themselves (rules §5.5): what waits, what an approval or a rejection makes of it, and what is kept of what the
// gateway saw. Pure functions over a catalogue; Administration carries the changes out.

#include <string>
#include <vector>

#include "audit/record.h"
#include "registry/object_store.h"
#include "registry/plan.h"

namespace writ::admin {

// One thing that somebody looked at: what is approved is what was looked at, not what the server says by the time (G19).
struct Reviewed {
  registry::ObjectKind kind = registry::ObjectKind::tool;
  std::string id;
  std::string digest;
};
enum class Judgement { approve, reject };

using Declarations = Result<std::vector<registry::Declared>, registry::Problems>;
Declarations judge(const registry::Catalogue& present, const std::vector<Reviewed>& reviewed, Judgement judgement);

struct SeenNow {
  registry::ObjectKind kind = registry::ObjectKind::tool;
  std::string name;
  json::Value definition;
  std::string digest;
};
struct KeepRules {
  bool approves_first = false;          // the server's `first_use`
  std::size_t new_max = 500;            // of one server that nobody ever approved
  std::size_t total_max = 5'000;        // of one server
  Seconds quiet{60};                    // what is held and changes again waits this long before it is written again
};
struct Kept {
  std::vector<registry::Declared> declared;
  std::size_t left_out = 0;             // for want of room
};
Kept keep(const registry::Catalogue& present, const std::string& server, const std::vector<SeenNow>& seen, const KeepRules& rules, Instant now);

// Digests before and after, and what was done: approved, rejected, held, again_as_approved, changed.
void describe_review(const registry::ObjectChange& change, const registry::Catalogue& present, audit::Record& record);

// What waits, with a structured difference in which nothing is invisible. `server` empty: of all; `with_rejected`: also what was refused and is held.
json::Value inbox(const registry::Catalogue& present, const std::string& server, bool with_rejected);

// Control, invisible and bidirectional characters, and letters of other scripts inside Latin words, as \u{200B ZERO WIDTH SPACE}.
std::string visible(std::string_view text);

}  // namespace writ::admin
