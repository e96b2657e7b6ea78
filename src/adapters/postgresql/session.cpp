#include "adapters/postgresql/session.h"

#include <chrono>
#include <thread>

namespace writ::postgresql {
namespace {

constexpr auto kFindOutWithin = std::chrono::seconds(5);
constexpr auto kAskAgainAfter = std::chrono::milliseconds(100);

}  // namespace

Result<Connection*, Failure> Session::connection() {
  if (!connection_) {
    auto opened = TRY(Connection::open(address_.where, address_.password_file));
    opened.answer_within(address_.answer_within);
    if (on_connect_) TRY(on_connect_(opened));
    connection_.emplace(std::move(opened));
  }
  return &*connection_;
}

Result<void, Failure> Session::read(const Work& work) {
  Result<void, Failure> done;
  for (int attempts = 0; attempts < 2; ++attempts) {
    Connection* connection = TRY(this->connection());
    done = work(*connection);
    if (done || !done.error().connection_lost) return done;
    drop();
  }
  return done;
}

Result<void, Failure> Session::attempt(const Work& work, const std::string& settings, Stage& stage, std::string& id) {
  stage = Stage::before_commit;
  id.clear();
  Connection* connection = TRY(this->connection());
  std::vector<Query> begin;
  begin.emplace_back("BEGIN");
  if (!settings.empty()) begin.emplace_back(settings);
  begin.emplace_back("SELECT pg_current_xact_id()::text");
  const auto begun = TRY(connection->run(begin));
  id = begun.back().bytes(0, 0);
  if (const auto worked = work(*connection); !worked) {
    // When this fails too the connection is gone, and with it the transaction.
    if (!worked.error().connection_lost && !connection->execute("ROLLBACK")) drop();
    return unexpected(worked.error());
  }
  stage = Stage::committing;
  TRY(connection->run(Query("COMMIT")));
  return {};
}

Result<void, Failure> Session::transaction(const Work& work, const std::string& settings, const IsThere& is_there) {
  Stage stage = Stage::before_commit;
  std::string id;
  for (int attempts = 0; attempts < 2; ++attempts) {
    const auto done = attempt(work, settings, stage, id);
    if (done || !done.error().connection_lost) return done;
    drop();
    if (stage == Stage::committing) {
      const auto committed = was_committed(id, is_there);
      if (!committed) return unexpected(Failure{"what became of a transaction is not known: " + committed.error().detail, true});
      if (*committed) return {};
    }
    if (attempts == 1) return done;
  }
  return unexpected(Failure{"the database cannot be reached", true});
}

Result<bool, Failure> Session::was_committed(const std::string& id, const IsThere& is_there) {
  Failure last{"the server did not answer", true};
  for (const auto end = std::chrono::steady_clock::now() + kFindOutWithin; std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(kAskAgainAfter)) {
    auto opened = connection();
    if (!opened) {
      last = opened.error();
      continue;
    }
    Query query("SELECT pg_xact_status($1::text::xid8)");
    query.text(id);
    const auto rows = (*opened)->run(query);
    if (!rows) {
      drop();
      last = rows.error();
      continue;
    }
    if (rows->is_null(0, 0)) return unexpected(Failure{"the server no longer knows it", true});
    const std::string status = rows->bytes(0, 0);
    if (status == "in progress") {
      last.detail = "it is still in progress";
      continue;
    }
    if (status != "committed" || !is_there) return status == "committed";
    const auto found = is_there(**opened);
    if (found || !found.error().connection_lost) return found;
    drop();
    last = found.error();
  }
  return unexpected(last);
}

}  // namespace writ::postgresql
