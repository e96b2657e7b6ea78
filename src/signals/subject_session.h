#pragma once

// The subject of a foreign issuer as a session: its tokens name it (`sid`), so that one event ends them all, wherever sessions are asked about.

#include <cstdint>
#include <string>
#include <string_view>

namespace writ::signals {

// All that an issuer says of one subject. Says nothing about who it is to whoever does not know already.
std::string subject_session(std::string_view issuer, std::string_view tenant, std::string_view subject);
// The same, as seen from one moment: registry::StoredRevocations ends what began until a moment, and leaves what begins later.
std::string since(const std::string& session, std::int64_t seconds);
// For signing in anew (global token revocation): its moment is that of the person's authentication, not of the ID-JAG.
std::string sign_in_session(std::string_view issuer, std::string_view tenant, std::string_view subject);

}  // namespace writ::signals
