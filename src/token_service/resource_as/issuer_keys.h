#pragma once

// The published keys of a trusted issuer (jose/remote_key_set behind it).

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "jose/jwk.h"
#include "registry/objects.h"

namespace writ::token_service::resource_as {

// Safe to share between threads.
class IssuerKeys {
 public:
  virtual ~IssuerKeys() = default;
  // Asked for configured issuers only, so that no stranger's token makes us call anywhere (C2). `kid` tells which key is wanted: one that is
  // not known yet is looked for once, within the issuer's budget. Unavailable when there are no keys that may still be used.
  virtual Task<Result<std::shared_ptr<const jose::KeySet>, Unavailable>> of(registry::TrustedIssuer issuer,
                                                                            std::optional<std::string> kid) = 0;
};

}  // namespace writ::token_service::resource_as
