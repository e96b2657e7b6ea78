#pragma once

// One running program and everybody who talks to it: one session of the legacy era, or one principal in the modern era, or, where the server object
// says that the program is shared, all. Messages are read on the thread that reads the program; requests come from any event loop.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mcp/json_rpc.h"
#include "mcp/methods.h"
#include "upstreams/stdio/outbox.h"
#include "upstreams/stdio/program.h"
#include "upstreams/stdio/settings.h"

namespace writ::upstreams::stdio {

class Conversation final : public Listener, public std::enable_shared_from_this<Conversation> {
 public:
  struct Purpose {
    std::string server, fingerprint;   // of the server object
    std::string principal;             // its key; empty: the program is shared
    std::string user, agent;           // ids; empty when shared
    std::optional<mcp::Era> era;       // where it is known
    Seconds idle{600};
    bool is_shared() const { return principal.empty(); }
  };
  Conversation(Purpose purpose, const Settings& settings);
  // Once, right after it was made.
  void begin(Programs& programs, Launch launch);

  const Purpose& purpose() const { return purpose_; }
  // Waits until it can be used; which era it speaks.
  Task<Result<mcp::Era, Failure>> ready();
  std::optional<mcp::Era> era() const;

  // ---- requests, from any thread

  struct Timeouts {
    Milliseconds head{0}, idle{0};     // until the first message, and between two; 0: none
  };
  struct Asked {
    std::int64_t number = 0;
    std::shared_ptr<Outbox> outbox;
  };
  // `session` is empty in the modern era.
  Result<Asked, Failure> ask(const mcp::Message& request, const std::string& session, Timeouts timeouts, bool stands);
  // A notification or a response of a client. What belongs to nobody, or to somebody else, is dropped.
  void tell(const mcp::Message& message, const std::string& session);
  // Nobody waits any more: the program is told to stop (TR-111).
  void let_go(std::int64_t number, Failure why);

  // ---- sessions of the legacy era

  // Empty when there can be no further one.
  std::string open_session(const std::string& principal);
  bool has_session(const std::string& session) const;
  void close_session(const std::string& session);
  // What the server sends by itself. An earlier stream of the session ends.
  std::shared_ptr<Outbox> open_stream(const std::string& session);
  // What a shared program said to the gateway's own `initialize`, less what cannot be shared.
  json::Value initialize_result() const;
  // Whether unsubscribing must be told to the program: not while another session wants the same.
  bool is_wanted_by_others(const std::string& session, const std::string& uri);
  void note_unsubscribed(const std::string& session, const std::string& uri);

  // ---- its life

  // What is under way fails. Not `on_purpose`: it counts as a failure of the program.
  void end(const std::string& why, bool on_purpose = true);
  bool is_over() const;
  bool is_ended_on_purpose() const;
  // For the back-off.
  struct Life {
    SteadyTime began{}, ended{};
    bool had_served = false;
    bool ended_while_asked_for_era = false;
  };
  Life life() const;
  void on_time(SteadyTime now);        // deadlines
  bool is_idle(SteadyTime now) const;  // longer than it may be
  bool is_busy() const;                // a request is under way, or just about to be
  bool is_spare() const;               // ready, of the legacy era, and nobody's session yet
  SteadyTime last_used() const;

  void on_started() override;
  void on_line(std::string line) override;
  void on_lost_line(std::string beginning, std::string end) override;
  void on_ended(Ended ended) override;

 private:
  struct Pending {
    mcp::RequestId id;
    std::string method, uri, session;
    std::optional<json::Value> progress_token;
    std::shared_ptr<Outbox> outbox;
    Timeouts timeouts;
    SteadyTime deadline = SteadyTime::max();
    bool stands = false, wants_log = false, has_begun = false;
  };
  struct Session {
    std::shared_ptr<Outbox> stream;
    std::vector<std::string> unsent;
    std::set<std::string> subscribed;
    SteadyTime last_used{};
  };
  enum class Stage { starting, asking_era, initializing, ready, over };

  // All of these under the lock.
  void ask_era();
  void initialize();
  void become_ready(mcp::Era era);
  void fail_all(const Failure& failure);
  bool give_way();
  void handle(mcp::Message message);
  void handle_response(mcp::Message message);
  void handle_request(mcp::Message message);
  void handle_notification(mcp::Message message);
  bool is_answer_to_handshake(const mcp::Message& message);
  void spread(const mcp::Message& notification);
  void deliver(std::map<std::int64_t, Pending>::iterator to, std::string text);
  void deliver_to_stream(Session& session, std::string text);
  void deliver_to_session(std::string text, bool prefers_call);
  void give_up(std::map<std::int64_t, Pending>::iterator which, Failure failure);
  bool write(const json::Value& message);
  void answer_with_error(const mcp::RequestId& id, int code, std::string_view message);
  void complain(std::string sentence);

  const Purpose purpose_;
  const Settings& settings_;
  mutable std::mutex mutex_;
  std::shared_ptr<Program> program_;
  Stage stage_ = Stage::starting;
  mcp::Era era_ = mcp::Era::legacy;
  SteadyTime stage_deadline_ = SteadyTime::max(), start_deadline_ = SteadyTime::max(), last_used_{};
  Life life_;
  bool on_purpose_ = false;
  std::optional<Failure> why_not_;               // why it cannot be used
  Wakeup waiting_for_ready_;
  std::int64_t next_number_ = 1, handshake_number_ = 0;
  std::map<std::int64_t, Pending> pending_;
  std::map<std::string, Session> sessions_;
  std::set<std::string> asked_of_client_;        // ids of the program's own requests that a client may answer
  json::Value initialize_result_;
  SteadyTime complained_{};
  int complaints_ = 0;
};

}  // namespace writ::upstreams::stdio
