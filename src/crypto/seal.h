#pragma once

// AES-256-GCM for what rests in the store (private keys, secrets that Writ presents) and for sealed handles. `purpose` is bound as
// additional data, so that a value sealed for one purpose does not open for another.

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace writ::crypto {

class SealingKey {
 public:
  explicit SealingKey(const Secret& thirty_two_bytes);
  std::string seal(std::string_view plain, std::string_view purpose) const;
  std::optional<Secret> open(std::string_view sealed, std::string_view purpose) const;

 private:
  Secret key_;
};

}  // namespace writ::crypto
