#pragma once

// Argon2id for people's passwords. Slow by design (some 100 ms of one core, 64 MiB): call it off the event loop.

#include <string>
#include <string_view>

#include "base/secret.h"

namespace writ::crypto {

// Passwords of more than 1024 bytes never verify: check the length before hashing one.
std::string hash_password(const Secret& password);                              // PHC string: $argon2id$v=19$...
bool verify_password(const Secret& password, std::string_view phc);             // false also for a malformed hash
// A hash that no password matches, to spend equal time on unknown users (threat T6).
const std::string& unmatchable_password_hash();

}  // namespace writ::crypto
