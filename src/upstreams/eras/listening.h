#pragma once

// `subscriptions/listen` at a modern server, for the GET stream of a legacy client: list changes and updates of the resources that it subscribed to. Listened
// to anew when the set changes, and when the server ends it.

#include <memory>
#include <optional>

#include "upstreams/eras/client_session.h"
#include "upstreams/eras/parts.h"

namespace writ::upstreams {

class Listening : public std::enable_shared_from_this<Listening> {
 public:
  // On the event loop where it is to run.
  Listening(const EraParts& parts, const std::shared_ptr<ClientSession>& session, std::shared_ptr<ReplayStream> stream);
  // Begins, or begins again because something else is wanted now. From any thread.
  void refresh();
  void stop();

 private:
  // One request, until the next takes over.
  struct Turn;
  std::optional<json::Value> wanted() const;
  // Absent: whom it would be for, or where, is no more.
  std::optional<Request> request_for(std::shared_ptr<const mcp::Message> message, const ClientSession& session, Turn& turn) const;
  void begin();
  void tell_all() const;
  static Task<void> listen(std::shared_ptr<Listening> self, std::shared_ptr<Turn> turn, std::shared_ptr<Turn> former);

  const EraParts& parts_;
  const std::weak_ptr<ClientSession> session_;
  const std::shared_ptr<ReplayStream> stream_;
  Executor* const executor_;
  std::shared_ptr<Turn> turn_;
  bool stopped_ = false;
};

}  // namespace writ::upstreams
