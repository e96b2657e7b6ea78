#include "node_log.h"

#include "adapters/log/audit_key.h"
#include "adapters/log/log_spool.h"
#include "adapters/postgresql/record_reader.h"
#include "log.h"

namespace writ::writd {
namespace {

// Codes that an earlier spool may have given while the database was away are not given to other records: it held fewer than this.
constexpr std::uint64_t kPositionsLeftOut = 1'000'000;

}  // namespace

Result<std::unique_ptr<nodes::NodeLog>, std::string> open_node_log(NodeLogPlace place, std::unique_ptr<postgresql::SharedLog> shared, postgresql::Address database, const Secret& sealing_key,
                                                                   const Clock& clock, std::function<void(const std::string&)> on_failure) {
  const std::string directory = place.data_directory + "/spool";
  const auto files = log::system_files();
  if (const auto made = files->make_directory(directory); !made) return unexpected(made.error().detail);
  log::Options options{.directory = directory, .node = place.node, .number = shared->number(), .key = TRY(log::open_audit_key(directory, crypto::SealingKey(sealing_key))), .keep = place.keep, .notice = log_notice};
  options.on_batch = std::move(place.meters.on_batch);
  options.on_sync = std::move(place.meters.on_sync);
  // This node had another one, which is lost: what stood there alone is named as missing.
  if (!log::LogSpool::is_there(directory) && !shared->spool().empty()) options.first_position = TRY(shared->delivered()) + 1 + kPositionsLeftOut;
  auto spool = log::LogSpool::open(std::move(options), clock);
  if (!spool) return unexpected("cannot open the spool: " + spool.error());
  if (shared->spool() != (*spool)->id()) {
    if ((*spool)->newest_on_disk() >= (*spool)->first_position()) {
      return unexpected("`" + directory + "` holds records that are not those of the node `" + place.node + "` in this database: move it away. What the database lacks then is named in the audit trail");
    }
    if (const auto used = shared->use_spool((*spool)->id()); !used) return unexpected("cannot use PostgreSQL: " + used.error().detail);
  }
  auto reader = std::make_unique<postgresql::RecordReader>(std::move(database));
  reader->on_failure([on_failure](const postgresql::Failure& failure) { on_failure("decisions log: " + failure.detail); });
  const std::uint32_t number = shared->number();
  auto notice = [](bool is_error, const std::string& sentence) { is_error ? log_error(sentence) : log_info(sentence); };
  auto log = nodes::NodeLog::open({number, std::move(*spool), std::move(shared), std::move(reader)}, {}, clock, std::move(notice));
  if (!log) return unexpected("cannot open the decisions log of this node: " + log.error());
  return log;
}

}  // namespace writ::writd
