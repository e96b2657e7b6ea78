#pragma once

// Many servers, one address (rules §5.6). The combined endpoint has no upstream: what is meant for one member goes through the gateway's own walk at that
// member, what is meant for all goes to all that the caller may use, and the answers become one. It decides nothing by itself but the connection.
// Safe to share between threads.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/combined/asking.h"
#include "gateway/combined/handles.h"
#include "gateway/combined/member_stream.h"
#include "gateway/combined/merging.h"
#include "gateway/combined/points.h"
#include "gateway/gateway.h"

namespace writ::gateway::combined {

class Endpoint {
 public:
  explicit Endpoint(Gateway& gateway) : gateway_(gateway), members_(gateway), handles_(gateway.dependencies().handles) {}

  Task<http::Response> post(const http::Request& request, Admission admission);
  Task<http::Response> get(const http::Request& request, Admission admission);
  Task<http::Response> remove(const http::Request& request, Admission admission);

  void visit_due(Instant now) { members_.visit_due(now); }

 private:
  // What one POST is answered with, and about whom.
  struct Turn {
    const http::Request& request;
    const Admission& admission;
    std::shared_ptr<Exchange> exchange;
    std::shared_ptr<const Asking> asking;
    const mcp::Message& message() const { return *exchange->message; }
  };
  // Of all members those that the caller may connect to now, and those that a better sign-in would open.
  struct Reachable {
    std::vector<const registry::Server*> open, after_sign_in;
  };
  struct Missing {
    std::string server, state, url;
  };
  // What all members of `asked` said.
  struct Gathered {
    std::vector<const registry::Server*> servers;
    std::vector<MemberAnswer> answers;
    std::vector<Missing> missing;   // who could be used, but is not part of it
  };
  // What the members that answered say of themselves, and what all of them together can do.
  struct Introductions {
    std::vector<Answered> answered;
    std::vector<json::Value> capabilities;
  };
  static Introductions introductions(const Gathered& gathered, const registry::Server& combined);

  std::shared_ptr<const Asking> asking_of(const http::Request& request, const Admission& admission, const Exchange& exchange) const;
  Reachable reachable(const Turn& turn) const;
  bool may_connect(const Asking& asking, const std::string& member) const;

  static Task<void> end_at_member(Gateway& gateway, std::shared_ptr<MemberCall> call);

  // one_member.cpp
  Task<http::Response> to_one(Turn turn, std::string member, json::Value message, audit::Record record);
  http::Response told(http::Response response, const MemberCall& call, Telling telling) const;
  Telling telling_of(const MemberCall& call) const;

  // all_members.cpp
  Task<Gathered> gather(Turn turn, std::vector<const registry::Server*> servers, std::vector<std::optional<json::Value>> messages);
  // Says in a result who is left out of it, and why.
  static void note_missing(json::Value& result, const Gathered& gathered, const Reachable& reachable);
  Task<http::Response> initialize(Turn turn);
  Task<http::Response> discover(Turn turn);
  Task<http::Response> list(Turn turn);
  Task<http::Response> listen(Turn turn);
  Task<http::Response> tell_all(Turn turn, const char* capability);
  Task<http::Response> call_built_in(Turn turn);
  Task<http::Response> cancel_at_member(Turn turn);

  // Of a turn that was not stopped meanwhile.
  http::Response answer(const Turn& turn, json::Value result) const;
  http::Response refuse_params(const Turn& turn, std::string_view reason, std::string_view message) const;
  http::Response accepted(const Turn& turn) const;
  Task<http::Response> stopped(Turn turn);
  http::Response stream(const Turn& turn, std::vector<std::string> members, std::optional<Points> points);

  Gateway& gateway_;
  Members members_;
  Handles handles_;
};

inline std::shared_ptr<MemberSessions> member_sessions(const Exchange& exchange) {
  return exchange.session ? std::dynamic_pointer_cast<MemberSessions>(exchange.session->part) : nullptr;
}

}  // namespace writ::gateway::combined
