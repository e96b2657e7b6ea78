#pragma once

// What a session of the combined endpoint holds (legacy era): a session at each member that was needed so far, and which member a request went to.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "encoding/json.h"
#include "gateway/sessions.h"
#include "mcp/json_rpc.h"

namespace writ::gateway::combined {

struct OpenMember {
  std::shared_ptr<Session> session;   // never null; its upstream_id is empty where the member knows no sessions
  std::string version;                // of the protocol, as that member negotiated it
  json::Value result;                 // of its `initialize`, as far as it may be seen
  bool can(std::string_view capability) const {
    const json::Value* all = result.find("capabilities");
    return all && all->find(capability);
  }
};

// Safe to share between threads.
class MemberSessions final : public SessionPart {
 public:
  // `hello`: the params of the client's initialize, which every member gets.
  explicit MemberSessions(json::Value hello) : hello_(std::move(hello)) {}
  const json::Value& hello() const { return hello_; }

  std::shared_ptr<const OpenMember> find(const std::string& member) const;
  // Of two that were opened at once the first stays. Answers the one that counts.
  std::shared_ptr<const OpenMember> keep(const std::string& member, std::shared_ptr<const OpenMember> opened);
  // The member does not know the session any more: the next message opens one anew.
  void forget(const std::string& member, const Session& session);
  std::vector<std::pair<std::string, std::shared_ptr<const OpenMember>>> all() const;
  void use(std::int64_t now_seconds, std::int64_t token_expires);

  // As the client set it last; empty: never. Who is opened later hears of it too.
  void set_log_level(std::string level);
  std::string log_level() const;

  void remember(const mcp::RequestId& id, const std::string& member);
  std::optional<std::string> member_of(const mcp::RequestId& id) const;

  // Called, on any thread, with each member that is opened. The latest stream of the session replaces the one before.
  void on_open(std::function<void(const std::string& member)> hook);

 private:
  static constexpr std::size_t kIdsMax = 1'024;
  const json::Value hello_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const OpenMember>> open_;
  std::string log_level_;
  std::unordered_map<std::string, std::string> routed_;
  std::deque<std::string> order_;
  std::function<void(const std::string&)> hook_;
};

}  // namespace writ::gateway::combined
