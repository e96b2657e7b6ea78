#pragma once

// What the bridge keeps for a legacy client before a server without sessions: who it said it is, what it wants to hear of, what runs for it, and the
// questions that were put to it. An id is no credential (TR-37): it is bound to the server and the principal (G12, G13).

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "mcp/mirrored_headers.h"
#include "upstreams/eras/handover.h"
#include "upstreams/eras/modern_form.h"
#include "upstreams/eras/replay_stream.h"
#include "upstreams/upstream.h"

namespace writ::upstreams {

class LegacyCall;
class Listening;

// What a client answered to a question, or why there is no answer.
struct ClientAnswer {
  enum class Kind { result, error, timed_out, cancelled } kind = Kind::cancelled;
  json::Value value;                            // the result, or the error object
};

// Safe to share between threads.
class ClientSession {
 public:
  struct Opened {
    std::string id, server, principal, user, agent;
    ClientFacts client;
    json::Value server_capabilities;            // as the client was told
  };
  ClientSession(Opened opened, std::shared_ptr<ReplayBudget> budget, Instant now);

  const std::string id, server, principal, user, agent;
  const json::Value server_capabilities;

  // Of a request of its client: who that is by now, with the newest token.
  void use(Instant now, std::shared_ptr<const Principal> who);
  std::shared_ptr<const Principal> who() const;
  // Without a request and without an open stream since.
  Instant last_used(Instant now) const;

  ClientFacts client() const;
  void set_log_level(std::string level);
  std::int64_t next_id();                       // for requests to the server

  // `tools/list` teaches which arguments are mirrored; tools whose annotations break the rules are taken out of it (TR-63).
  void learn_tools(json::Value& result);
  http::UpstreamRequest modern_http(const mcp::Message& message) const;

  // What runs, by the client's id. False when that id is running already.
  bool add_call(const mcp::RequestId& client_id, const std::shared_ptr<LegacyCall>& call);
  void remove_call(const mcp::RequestId& client_id);
  std::shared_ptr<LegacyCall> find_call(const mcp::RequestId& client_id) const;

  // A question to the client: it is answered once, at the latest when its time is over.
  struct Question {
    std::string id;
    std::shared_ptr<Handover<ClientAnswer>> answer;
  };
  Question ask(Instant until);
  // False: nobody asked that, or it was answered.
  bool answer(const std::string& question, ClientAnswer said);

  std::shared_ptr<ReplayStream> open_stream();
  std::shared_ptr<ReplayStream> find_stream(std::uint64_t number) const;

  // What the push stream brings. The one before it, if any, ends.
  std::shared_ptr<ReplayStream> open_push_stream();
  std::shared_ptr<ReplayStream> push_stream() const;
  void set_listening(std::shared_ptr<Listening> listening);   // null: none
  std::shared_ptr<Listening> listening() const;
  // Of resources that are subscribed to. False: too many.
  bool subscribe(const std::string& uri);
  void unsubscribe(const std::string& uri);
  std::vector<std::string> subscribed() const;

  // About every second: ends questions whose time is over, forgets streams that ended, and listening that nobody reads.
  void tidy(Instant now);
  // Ends everything. It is not used any more then.
  void close();

 private:
  struct Asked {
    std::shared_ptr<Handover<ClientAnswer>> answer;
    Instant until;
  };
  struct Stream {
    std::shared_ptr<ReplayStream> stream;
    std::optional<Instant> ended;               // seen to be
  };
  mutable std::mutex mutex_;
  const std::shared_ptr<ReplayBudget> budget_;
  ClientFacts client_;
  Instant last_used_;
  std::shared_ptr<const Principal> who_;
  std::int64_t ids_ = 0;
  std::uint64_t questions_ = 0, stream_numbers_ = 0;
  mcp::MirroredHeaders tools_;
  std::unordered_map<std::string, std::shared_ptr<LegacyCall>> calls_;
  std::unordered_map<std::string, Asked> asked_;
  std::map<std::uint64_t, Stream> streams_;
  std::shared_ptr<ReplayStream> push_;
  std::optional<Instant> push_unread_since_;
  std::shared_ptr<Listening> listening_;
  std::set<std::string> resources_;
  bool closed_ = false;
};

struct ClientSessionLimits {
  std::size_t sessions_max = 50'000, of_principal_max = 200;   // of one principal at one server
  Seconds idle{24 * 3600};
};

// Safe to share between threads.
class ClientSessions {
 public:
  explicit ClientSessions(ClientSessionLimits limits = {}) : limits_(limits) {}

  // Null when there is no room. Who opens too many loses the oldest of their own.
  std::shared_ptr<ClientSession> open(ClientSession::Opened opened, Instant now);
  // Null when unknown, and when it is somebody else's or another server's.
  std::shared_ptr<ClientSession> find(const std::string& id, const std::string& server, std::shared_ptr<const Principal> who, Instant now);
  void close(const std::string& id);
  // Ends what is idle and what `is_gone` says.
  void tidy(Instant now, const std::function<bool(const ClientSession&)>& is_gone);
  std::size_t size() const;

 private:
  void erase(const std::string& id, std::vector<std::shared_ptr<ClientSession>>& closed);
  const ClientSessionLimits limits_;
  const std::shared_ptr<ReplayBudget> budget_ = std::make_shared<ReplayBudget>();
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<ClientSession>> sessions_;
  std::unordered_map<std::string, std::vector<std::string>> of_owner_;   // oldest first
};

}  // namespace writ::upstreams
