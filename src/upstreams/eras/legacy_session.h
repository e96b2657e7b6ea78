#pragma once

// A session at a server of the legacy era, held for one modern client of one principal (G13): opened when it is first needed, opened again when
// the server forgot it (TR-25), ended with DELETE. It lives on one event loop, its home; only what says so may be used elsewhere.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/executor.h"
#include "upstreams/eras/parts.h"
#include "upstreams/eras/push_stream.h"

namespace writ::upstreams {

using Sent = Result<http::UpstreamResponse, Failure>;

// In whose name a message is sent: everything in one snapshot.
struct Context {
  std::shared_ptr<const registry::Snapshot> snapshot;
  const registry::Server* server = nullptr;
  const registry::User* user = nullptr;
  const registry::Agent* agent = nullptr;
  std::shared_ptr<const Principal> principal;
};
Context context_of(const Request& request);

// Why there is no session: what went wrong on the way, or the status that the server answered with.
struct Refused {
  std::optional<Failure> failure;
  int status = 0;
};
Sent to_answer(Refused refused);

// Whoever hears what the server says apart from the stream it waits at.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void hear(const mcp::Message& message) = 0;
  virtual void end() = 0;   // nothing more will come: the session ended, or what it listened to cannot be had any more
};

class LegacySession : public std::enable_shared_from_this<LegacySession> {
 public:
  LegacySession(const EraParts& parts, Executor& home, const Context& context, json::Value capabilities, json::Value client_info);

  // ---- anywhere
  Executor& home() const { return home_; }
  const std::string& address() const { return address_; }
  void use(Instant now) { last_used_.store(to_unix_seconds(now), std::memory_order_relaxed); }
  std::int64_t last_used() const { return last_used_.load(std::memory_order_relaxed); }
  bool is_busy() const { return users_.load(std::memory_order_relaxed) > 0; }
  void hold() { users_.fetch_add(1, std::memory_order_relaxed); }      // by each call and listen, from before it is posted to the home
  void release() { users_.fetch_sub(1, std::memory_order_relaxed); }
  // May it still be used: the person, the agent and the server exist, are active, and the server is where it was.
  bool is_current(const registry::Snapshot& snapshot) const;

  // ---- at home
  // `initialize` and `notifications/initialized`; who comes meanwhile waits for the one that is under way.
  Task<Result<void, Refused>> open(Context context);
  // A message of the client; the session must be open.
  Task<Sent> post(Context context, json::Value message, http::Cancellation* cancellation, int head_timeout_ms, int idle_timeout_ms);
  // A GET stream, or with an event id the rest of any stream (TR-33).
  Task<Sent> get(Context context, std::string last_event_id, http::Cancellation* cancellation);
  // An answer to a request of the server; its fate is nobody's business.
  void answer(const Context& context, const mcp::RequestId& id, json::Value result);
  void answer_error(const Context& context, const mcp::RequestId& id, json::Value error);
  void notify(const Context& context, std::string_view method, json::Value params);
  // The server does not know the session any more. Of an earlier opening: nothing happens.
  void lose(int opening);
  int opening() const { return opening_; }
  bool has_id() const { return !session_id_.empty(); }
  // Everything that uses it ends, then the session does.
  void end();
  bool is_ended() const { return is_ended_; }
  // For what nobody in particular asks for. Absent when the session may not be used any more.
  std::optional<Context> own_context() const;

  std::int64_t next_id() { return ++last_id_; }
  const json::Value& capabilities() const { return capabilities_; }
  const json::Value& initialized() const { return initialized_; }       // the result of `initialize`
  bool server_can(std::string_view capability, std::string_view feature = "") const;
  json::Value server_info() const;
  std::optional<int> level;                                             // that the server was last told, see log_severity

  // ---- who hears what; at home
  // `may_ask`: requests of the server that come on the GET stream may belong to it.
  void add_call(std::int64_t id, Sink& call, bool may_ask);
  void remove_call(std::int64_t id);
  void add_listen(const std::shared_ptr<Sink>& listen);
  void remove_listen(const Sink& listen);
  // What came on the GET stream.
  void hear_pushed(const mcp::Message& message);
  // To those who listen.
  void spread(const mcp::Message& message);
  // No GET stream can be had any more.
  void end_listens();
  PushStream push;

 private:
  Task<Result<void, Refused>> initialize(Context context);
  Request make_request(const Context& context, std::string method, const json::Value* message) const;
  void finish_opening(const Result<void, Refused>& opened);
  void send_aside(const Context& context, json::Value message);

  const EraParts& parts_;
  Executor& home_;
  const std::string server_id_, user_id_, agent_id_, address_;
  std::shared_ptr<const Principal> principal_;
  const json::Value capabilities_, client_info_;
  std::atomic<std::int64_t> last_used_{0};
  std::atomic<int> users_{0};

  enum class State { closed, opening, open } state_ = State::closed;
  bool is_ended_ = false;
  int opening_ = 0;
  std::vector<std::function<void(Result<void, Refused>)>> waiting_;
  std::string session_id_, version_;
  json::Value initialized_;
  std::int64_t last_id_ = 0;
  int aside_ = 0;                    // messages under way whose fate nobody waits for
  struct Call {
    Sink* sink;
    bool may_ask;
  };
  std::map<std::int64_t, Call> calls_;
  std::vector<std::shared_ptr<Sink>> listens_;
};

// Two that differ are two servers, for which nothing that was learned about one holds.
std::string address_key(const registry::UpstreamAddress& address);

}  // namespace writ::upstreams
