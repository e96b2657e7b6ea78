#pragma once

// The running programs of one server object: which one a principal gets, how many there may be, and when one that failed may be started again.
// Guarded by whoever has it.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "upstreams/stdio/backoff.h"
#include "upstreams/stdio/conversation.h"

namespace writ::upstreams::stdio {

class Pool {
 public:
  Pool(std::string fingerprint, std::optional<mcp::Era> era) : fingerprint_(std::move(fingerprint)), era_(era) {}

  const std::string& fingerprint() const { return fingerprint_; }
  std::optional<mcp::Era> era() const { return era_; }
  const std::vector<std::shared_ptr<Conversation>>& running() const { return running_; }

  // Buries what ended: counts failures, learns the era.
  void settle(SteadyTime now);

  // One that the principal (empty: everybody) can go on with; null when one must be started. `for_session`: one that has no session yet.
  std::shared_ptr<Conversation> find(const std::string& principal, bool for_session);
  // Whether another may be started for the principal; ends one that nobody works with where that is fair.
  std::optional<Failure> make_room(const std::string& principal, std::int64_t most, SteadyTime now);
  void add(std::shared_ptr<Conversation> conversation) { running_.push_back(std::move(conversation)); }
  void end_all(const std::string& why);

 private:
  std::string fingerprint_;
  std::optional<mcp::Era> era_;
  std::vector<std::shared_ptr<Conversation>> running_;
  std::map<std::string, Backoff> backoffs_;   // by principal: one whose arguments make it crash harms nobody else
};

}  // namespace writ::upstreams::stdio
