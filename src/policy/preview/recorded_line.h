#pragma once

// The members of a record's line that a replay looks at. Views into the reader, until the next line.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "encoding/json_members.h"

namespace writ::policy::preview {

class RecordedLine {
 public:
  // In the order in which records are written.
  enum Member : std::size_t {
    time, event, effect, code, reason, user, user_name, agent, server, scope, tool, issuer, peer, policy_version, object_sequence,
    action, acr, amr, authentication_age_s, arguments, agent_authentication, dropped_scopes, above_ceiling, approval
  };
  RecordedLine()
      : reader_({"time", "event", "effect", "code", "reason", "user", "user_name", "agent", "server", "scope", "tool", "issuer", "peer", "policy_version", "object_sequence",
                 "action", "acr", "amr", "authentication_age_s", "arguments", "agent_authentication", "dropped_scopes", "above_ceiling", "approval"}) {}

  bool read(std::string_view line) { return reader_.read(line); }
  std::string_view operator[](Member member) const { return reader_.text(member); }
  std::int64_t number(Member member, std::int64_t absent) const { return reader_.integer(member).value_or(absent); }
  std::string arguments_json() const { return reader_.json(arguments); }

 private:
  json::MemberReader reader_;
};

}  // namespace writ::policy::preview
