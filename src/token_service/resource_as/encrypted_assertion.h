#pragma once

// ID-JAGs that were encrypted to this server: opening them, and saying in metadata and key set that they may be.

#include <string>
#include <vector>

#include "encoding/json.h"
#include "jose/jwe.h"
#include "token_service/resource_as/refusal.h"
#include "token_service/resource_as/settings.h"

namespace writ::token_service::resource_as {

// The keys that decrypt now: the published one, and earlier ones for as long as somebody may still encrypt to them. Safe to share between threads.
class AssertionKeys {
 public:
  virtual ~AssertionKeys() = default;
  virtual std::vector<jose::DecryptionKey> current() const = 0;
};

// The signed assertion inside; an assertion that is signed only is what it is, unless settings want encryption.
Result<std::string, Failure> open_assertion(const std::string& assertion, const Settings& settings);

void add_encryption(json::Value& metadata, const Settings& settings);
void add_encryption_key(json::Value& key_set, const Settings& settings);

}  // namespace writ::token_service::resource_as
