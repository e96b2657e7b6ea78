#pragma once

// WWW-Authenticate as resource servers send it (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1): several challenges, several lines, quoted
// strings with escapes, parameters in any order (MCPA-32).

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace writ::client {

struct Challenge {
  std::string scheme;                             // lower case
  std::map<std::string, std::string> parameters;  // names in lower case; a repeated name keeps its first value
  std::string parameter(std::string_view name) const;
};

// What can be understood, in order; a broken rest of a line is dropped.
std::vector<Challenge> parse_challenges(const http::Headers& headers);
// The first Bearer challenge, else the first DPoP challenge, else an empty one: what the authorization of a call goes by.
Challenge bearer_challenge(const http::Headers& headers);

}  // namespace writ::client
