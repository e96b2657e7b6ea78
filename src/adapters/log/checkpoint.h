#pragma once

// Signed statements about the chain: checkpoints (how far it goes and what its link is) and hand-overs (where it begins since old segments were
// removed). Compact JWS, ES256, so that any JOSE library can check them.

#include <cstdint>
#include <optional>
#include <string>

#include "adapters/log/format.h"
#include "jose/jwt.h"

namespace writ::log {

inline constexpr const char* kCheckpointType = "writ-audit-checkpoint+jwt";
inline constexpr const char* kHandOverType = "writ-audit-handover+jwt";
inline constexpr const char* kNewestCheckpoint = "checkpoint.jws";   // beside the segments: the newest one again
inline constexpr const char* kHandOver = "handover.jws";
inline constexpr const char* kPublicKeys = "keys.json";              // JWK set: every key that ever signed here

struct Statement {
  std::string log;                  // hexadecimal
  std::string node;
  std::uint64_t position = 0;       // checkpoint: of the last record before it; hand-over: of the first record that is there
  Link link{};                      // the chain's link at that point
  std::uint64_t segment = 0;        // that the statement stands in; hand-over: the first that is there
  std::int64_t time_ms = 0;
};
std::string sign_statement(const jose::SigningKey& key, const char* type, const Statement& statement);
enum class StatementProblem { not_a_statement, unknown_key, bad_signature };
std::string_view to_string(StatementProblem problem);
Result<Statement, StatementProblem> verify_statement(std::string_view compact, const char* type, const jose::KeySet& keys);

}  // namespace writ::log
