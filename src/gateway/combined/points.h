#pragma once

// How far a client has the standing streams of all members, in one event id: after a loss it comes back with it, and each member is asked for what came after
// its own point (TR-31). Sealed to the principal and the session, because the ids of members stand in it.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/combined/handles.h"
#include "mcp/sse.h"

namespace writ::gateway::combined {

// Lives on the event loop of its stream.
class Points {
 public:
  Points(const Handles& handles, std::string principal, std::string_view endpoint, std::string_view session);

  // What the client brought as `Last-Event-ID`. Whatever does not open says nothing: all streams begin anew.
  void resume_from(std::string_view event_id, Instant now);
  // An event of a member arrived. An empty id takes the point back, as it does for a browser.
  void note(const std::string& member, const mcp::Event& event);
  // The member does not know its point any more.
  void forget(const std::string& member) { of_.erase(member); }
  // Null: from the beginning.
  const std::string* of(const std::string& member) const;
  // Of the event that was noted last. Absent while no member gives points, and when there is too much for a header field.
  std::optional<std::string> event_id(Instant now) const;

 private:
  const Handles& handles_;
  const std::string principal_, purpose_;
  std::map<std::string, std::string> of_;   // member → its event id
};

}  // namespace writ::gateway::combined
