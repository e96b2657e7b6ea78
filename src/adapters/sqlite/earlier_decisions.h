#pragma once

// `decisions.db`: where versions before the append-only log kept records and spent claims. Read once, when a log takes over from it.

#include <cstdint>
#include <string>
#include <vector>

#include "adapters/sqlite/database.h"
#include "audit/decisions_log.h"

namespace writ::sqlite {

struct EarlierDecisions {
  std::vector<audit::Claim> spent;
  std::uint64_t newest_position = 0;
};
Result<EarlierDecisions, Failure> read_earlier_decisions(const std::string& path);

}  // namespace writ::sqlite
