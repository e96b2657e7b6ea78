#pragma once

// Asks members in the gateway's own walk, as if each had been asked at its own address: decided, recorded, forwarded, filtered. Many at once, with a deadline
// for each (setting `member_deadline`): who is late is left out and its request ended; nobody else waits for it.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "gateway/combined/member_answer.h"
#include "gateway/combined/member_sessions.h"
#include "gateway/gateway.h"

namespace writ::gateway::combined {

// What is the same for all members that are asked because of one client's request.
struct Asking {
  http::Request from;              // head and peer of the client's request
  Admission admission;             // at the combined server
  mcp::Era era = mcp::Era::legacy;
  std::shared_ptr<MemberSessions> sessions;   // legacy; null in the modern era
};

// One message on its way to one member.
struct MemberCall {
  http::Request request;
  Admission admission;
  std::shared_ptr<Exchange> exchange;
  audit::Record record;
};

// What waits for a time, called on its own executor. Safe to share between threads.
class Alarms {
 public:
  // On an executor; without one it is never called.
  void set(Instant when, std::function<void()> ring);
  void visit_due(Instant now);

 private:
  std::mutex mutex_;
  std::multimap<Instant, std::pair<Executor*, std::function<void()>>> waiting_;
};

class Members {
 public:
  explicit Members(Gateway& gateway) : gateway_(gateway) {}

  // A message to a member, ready to be walked with. `message` is a JSON-RPC message as the member is to get it; null: a GET stream. Null when the
  // member is not among the objects any more, or the message is none.
  std::shared_ptr<MemberCall> call(const Asking& asking, const std::string& member, const json::Value* message) const;

  struct Question {
    std::string member;
    std::optional<json::Value> message;   // absent: only that its session is open (legacy)
  };
  // The answers in the order of the questions. `own` is the exchange of the client's request: when it is stopped, so is all this.
  Task<std::vector<MemberAnswer>> ask(std::shared_ptr<const Asking> asking, std::vector<Question> questions, std::shared_ptr<Exchange> own);

  void visit_due(Instant now) { alarms_.visit_due(now); }
  Alarms& alarms() { return alarms_; }

 private:
  class Round;
  struct Turn;
  Task<void> take_turn(std::shared_ptr<Round> round, std::size_t index);
  Task<std::optional<MemberAnswer>> open(std::shared_ptr<Round> round, std::size_t index);
  // Walks with one message. Of the question itself the answer arrives in the round, and none is returned; none either when the round is over.
  Task<std::optional<MemberAnswer>> send(std::shared_ptr<Round> round, std::size_t index, json::Value message, bool is_question);
  Gateway& gateway_;
  Alarms alarms_;
};

}  // namespace writ::gateway::combined
