#pragma once

// The key that signs checkpoints: made at the first start, local to the node, sealed in a file of its own. Its public half stands beside it in
// `keys.json`, with those of its predecessors.

#include <string>

#include "crypto/seal.h"
#include "jose/jwt.h"

namespace writ::log {

// `directory` exists. The error is a sentence for the operator (S10: a key file that is open to others is refused).
Result<jose::SigningKey, std::string> open_audit_key(const std::string& directory, const crypto::SealingKey& sealing_key);
// Whether the key that is there opens with this one. Changes nothing.
Result<void, std::string> check_audit_key(const std::string& directory, const crypto::SealingKey& sealing_key);

}  // namespace writ::log
