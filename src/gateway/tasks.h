#pragma once

// Tasks of servers (2025-11-25, and the tasks extension of 2026-07-28) belong to the principal whose call made them (rules §4.5): the gateway remembers
// which those are, and to everybody else a task is unknown. What is asked about a task is decided as the call that made it would be now.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "encoding/json.h"
#include "mcp/json_rpc.h"
#include "policy/decision.h"

namespace writ::gateway {

// The call that a task came from, and what an approval had lifted for it.
struct TaskOrigin {
  std::shared_ptr<const mcp::Message> call;
  std::vector<policy::ApprovalNeeded> lifted;
};

struct TaskLimits {
  std::size_t of_principal_max = 1'000;      // at one server
  std::size_t bytes_max = 64 << 20;          // of all calls and names together
  std::size_t id_bytes_max = 1'024;
};

// The id of the task that the result of a tools/call announces; null when it announces none.
const std::string* announced_task(const json::Value& result);

// In memory and bounded: of a principal with too many, and of all when there is no more room, the oldest are forgotten. A forgotten task is unknown.
// Safe to share between threads.
class Tasks {
 public:
  explicit Tasks(TaskLimits limits = {}) : limits_(limits) {}

  // An id that is known already keeps what it stood for.
  void remember(const std::string& server, const std::string& principal, const std::string& id, TaskOrigin origin);
  // Null: unknown, or somebody else's.
  std::shared_ptr<const TaskOrigin> find(const std::string& server, const std::string& principal, const std::string& id) const;

 private:
  struct Key {
    std::string owner, id;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Entry {
    std::shared_ptr<const TaskOrigin> origin;
    std::size_t bytes = 0;
    std::uint64_t number = 0;                // in the order in which they were made
  };
  void forget(const Key& key);
  TaskLimits limits_;
  mutable std::mutex mutex_;
  std::map<Key, Entry> tasks_;
  std::map<std::uint64_t, Key> by_age_;      // of all
  std::unordered_map<std::string, std::map<std::uint64_t, std::string>> of_owner_;
  std::size_t bytes_ = 0;
  std::uint64_t numbers_ = 0;
};

}  // namespace writ::gateway
