#pragma once

// Which era a server speaks: configured, or found out by asking it (TR-100 to TR-104). The finding belongs to the server, not to who asked, and
// is kept until the server's object changes, something fails, or it is ten minutes old.

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/executor.h"
#include "upstreams/eras/parts.h"

namespace writ::upstreams {

enum class Speaks { legacy, modern, both };
inline bool speaks(Speaks said, mcp::Era era) { return said == Speaks::both || said == (era == mcp::Era::modern ? Speaks::modern : Speaks::legacy); }

// What one answer to `server/discover` says.
struct EraEvidence {
  enum class Kind {
    found,
    ambiguous,   // 404 with -32601: a modern server has this method, but a legacy one may say so of any. Asked again with another method.
    nothing,     // 401, 403, an overloaded or broken server: what it speaks is as unknown as before (TR-104)
    neither,     // it speaks revisions that are not known here
  } kind = Kind::nothing;
  Speaks speaks = Speaks::legacy;
};
EraEvidence read_discover_answer(int status, const http::Headers& headers, std::string_view body);
// The second question, where the first was ambiguous: `tools/list` in the modern form.
EraEvidence read_list_answer(int status, const http::Headers& headers, std::string_view body);

// Safe to share between threads.
class ServerEra {
 public:
  explicit ServerEra(const EraParts& parts) : parts_(parts) {}

  // Why it is not known: either what went wrong on the way, or the status that the server itself answered with.
  struct Unknown {
    std::optional<Failure> failure;
    int status = 0;
  };
  using Found = Result<Speaks, Unknown>;
  // Of the request's server. One question per server at a time: who else wants to know waits for it.
  Task<Found> find(const Request& request);
  // Something contradicts what was found, or failed: the next request asks again.
  void forget(const std::string& server_id);

 private:
  struct Waiter {
    Executor* executor;
    std::function<void(std::optional<Found>)> resume;   // empty: ask yourself
  };
  struct Entry {
    std::string address;              // of the server object when it was asked
    std::optional<Speaks> speaks;
    Instant found{};
    bool is_asked = false;
    std::vector<Waiter> waiting;
  };
  struct Turn;
  Task<Found> ask(const Request& request);
  Task<Found> ask_within(const Request& request, http::Cancellation& cancellation);
  Task<std::optional<Found>> wait_for(std::string server_id);
  void keep(const std::string& server_id, const std::string& address, const Found& found);

  const EraParts& parts_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace writ::upstreams
