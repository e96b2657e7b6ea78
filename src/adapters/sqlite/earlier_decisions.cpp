#include "adapters/sqlite/earlier_decisions.h"

#include <algorithm>

namespace writ::sqlite {

Result<EarlierDecisions, Failure> read_earlier_decisions(const std::string& path) {
  auto connection = TRY(Connection::open(path));
  EarlierDecisions earlier;
  {
    auto newest = TRY(connection.prepare("SELECT coalesce(max(position), 0) FROM records"));
    TRY(newest.step());
    earlier.newest_position = static_cast<std::uint64_t>(newest.number(0));
  }
  auto claims = TRY(connection.prepare("SELECT key, forget_after FROM claims"));
  while (TRY(claims.step())) {
    const std::string key = claims.blob(0);
    audit::Claim claim;
    if (key.size() != claim.key.size()) return unexpected(Failure{"`" + path + "` holds a claim that is none: its key has " + std::to_string(key.size()) + " bytes"});
    std::copy_n(reinterpret_cast<const std::uint8_t*>(key.data()), key.size(), claim.key.begin());
    claim.forget_after = Instant{Milliseconds{claims.number(1)}};
    earlier.spent.push_back(claim);
  }
  return earlier;
}

}  // namespace writ::sqlite
