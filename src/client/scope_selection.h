#pragma once

// What a challenge asks for beyond "a token": which scopes, and which sign-in.

#include <optional>
#include <string>
#include <vector>

#include "client/challenge.h"
#include "client/failure.h"

namespace writ::client {

// MCPA-120: the scopes of the challenge, else those of before, else those configured, else all that the metadata lists, else none.
// MCPA-121: never fewer than were asked for before. A malformed list asks for nothing.
std::string scope_to_request(const Challenge& challenge, const std::vector<std::string>& supported, const std::string& configured, const std::string& before);

// RFC 9470 §3: what the resource wants of the next sign-in; absent when the challenge is about something else. Malformed wishes are not passed on.
std::optional<Failure> step_up_of(const Challenge& challenge, const std::string& url);

}  // namespace writ::client
