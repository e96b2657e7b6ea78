#include "adapters/postgresql/durability.h"

namespace writ::postgresql {

Result<DurabilityFacts, Failure> read_durability(Connection& connection) {
  const Rows settings = TRY(connection.run(Query(
      "SELECT pg_is_in_recovery(), current_setting('synchronous_commit'), current_setting('synchronous_standby_names'), current_setting('fsync'), current_setting('full_page_writes')")));
  // Whoever may not see how others follow gets nulls.
  const Rows standbys = TRY(connection.run(Query(
      "SELECT count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')), count(*) FILTER (WHERE sync_state IN ('async', 'potential')), count(*) FILTER (WHERE sync_state IS NULL) "
      "FROM pg_stat_replication")));
  return DurabilityFacts{settings.truth(0, 0), settings.bytes(0, 1), settings.bytes(0, 2), settings.bytes(0, 3), settings.bytes(0, 4),
                         standbys.number(0, 0), standbys.number(0, 1), standbys.number(0, 2)};
}

bool waits_for_standbys(const DurabilityFacts& facts) {
  // `local` and `remote_write` acknowledge what no standby has on its disk.
  return !facts.synchronous_standby_names.empty() && (facts.synchronous_commit == "on" || facts.synchronous_commit == "remote_apply");
}

std::string refusal_of(const DurabilityFacts& facts) {
  const auto off = [](const char* name) { return std::string("`") + name + "` is off: what was acknowledged could be lost, and a grant be used a second time. Set it to on"; };
  if (facts.in_recovery) return "it is a standby, which takes no writes. Name the primary, or several hosts with target_session_attrs=read-write";
  if (facts.synchronous_commit == "off") return off("synchronous_commit");
  if (facts.fsync == "off") return off("fsync");
  if (facts.full_page_writes == "off") return off("full_page_writes");
  return {};
}

std::string warning_of(const DurabilityFacts& facts) {
  if (facts.other_standbys + facts.synchronous_standbys + facts.unknown_standbys > 0 && !waits_for_standbys(facts)) {
    return "the database has standbys that it does not wait for: when one of them takes over, what was acknowledged just before may be lost, and a grant be used a second time. "
           "Set `synchronous_standby_names`, and `synchronous_commit` to `remote_apply`";
  }
  if (!facts.synchronous_standby_names.empty() && !waits_for_standbys(facts)) {
    return "`synchronous_standby_names` is set, but with `synchronous_commit` at `" + facts.synchronous_commit + "` no standby's disk is waited for. Set it to `remote_apply`";
  }
  if (waits_for_standbys(facts) && facts.synchronous_standbys == 0 && facts.unknown_standbys == 0) {
    return "`synchronous_standby_names` is set and no synchronous standby is connected: every commit waits until one is";
  }
  return {};
}

Result<std::string, Failure> check_durability(Connection& connection) {
  const auto facts = TRY(read_durability(connection));
  if (const auto refusal = refusal_of(facts); !refusal.empty()) return unexpected(Failure{refusal});
  return warning_of(facts);
}

}  // namespace writ::postgresql
