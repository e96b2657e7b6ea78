#include "adapters/postgresql/node_documents.h"

#include "adapters/postgresql/schema.h"

namespace writ::postgresql {
namespace {

using registry::Document;

constexpr int kChangesBits = 20;   // an owner changes one document less than a million times without reading it

std::int64_t to_number(Instant time) { return static_cast<std::int64_t>(time.time_since_epoch().count()); }

struct Written {
  Document document;
  bool is_overtaken = false;   // by another node
  std::int64_t epoch = 0;      // 0: it was not written
};

// The row of the epoch first: writes of all nodes come one after the other, and appear in the order of their epochs.
constexpr const char* kWrite =
    "WITH raised AS (UPDATE cluster SET epoch = epoch + 1 RETURNING epoch) "
    "INSERT INTO documents(collection, key, version, expires, json, epoch, writer) SELECT $1, $2, $3, $4, $5, raised.epoch, $6 FROM raised "
    "ON CONFLICT (collection, key) DO UPDATE SET version = excluded.version, expires = excluded.expires, json = excluded.json, epoch = excluded.epoch, writer = excluded.writer "
    // Own writes may overtake each other on their way, the latest contains the others; that of another node must be the one that this one stands on.
    "WHERE CASE WHEN documents.writer = excluded.writer THEN excluded.version > documents.version ELSE excluded.version >> 20 = documents.epoch END RETURNING epoch";

Result<void, Failure> write(Connection& connection, Written& written, const std::string& incarnation) {
  const Document& document = written.document;
  std::vector<Query> queries;
  queries.emplace_back(kWrite).bytes(document.table).bytes(document.key).number(document.version).number(to_number(document.expires)).bytes(document.json).bytes(incarnation);
  queries.emplace_back("SELECT writer FROM documents WHERE collection = $1 AND key = $2").bytes(document.table).bytes(document.key);
  queries.emplace_back("SELECT pg_notify('writ_epoch', epoch::text) FROM cluster");
  const auto answers = TRY(connection.run(queries));
  written.epoch = answers[0].size() == 1 ? answers[0].number(0, 0) : 0;
  written.is_overtaken = written.epoch == 0 && (answers[1].size() != 1 || answers[1].bytes(0, 0) != incarnation);
  return {};
}

// What another node wrote on top of it is not told from what it wrote instead: the owner then looks once more.
Result<bool, Failure> is_there(Connection& connection, const Written& written, const std::string& incarnation) {
  if (written.epoch == 0) return true;
  Query query("SELECT 1 FROM documents WHERE collection = $1 AND key = $2 AND epoch = $3 AND writer = $4");
  query.bytes(written.document.table).bytes(written.document.key).number(written.epoch).bytes(incarnation);
  return TRY(connection.run(query)).size() == 1;
}

}  // namespace

std::int64_t version_of_epoch(std::int64_t epoch) { return epoch << kChangesBits; }

Result<std::unique_ptr<NodeDocuments>, Failure> NodeDocuments::open(Address address, std::string incarnation, nodes::Membership& membership) {
  auto worker = Worker::start(std::move(address));
  TRY(worker->run_now(migrate));
  return std::unique_ptr<NodeDocuments>(new NodeDocuments(std::move(worker), std::move(incarnation), membership));
}

Result<std::vector<Document>, Unavailable> NodeDocuments::load(std::string_view table) {
  std::vector<Document> documents;
  const auto loaded = worker_->run_now([&](Session& session) {
    return session.read([&](Connection& connection) -> Result<void, Failure> {
      Query query("SELECT key, epoch, expires, json FROM documents WHERE collection = $1 ORDER BY key");
      query.bytes(table);
      const Rows rows = TRY(connection.run(query));
      documents.clear();
      for (std::size_t row = 0; row < rows.size(); ++row) {
        documents.push_back({std::string(table), rows.bytes(row, 0), version_of_epoch(rows.number(row, 1)), Instant{Milliseconds{rows.number(row, 2)}}, rows.bytes(row, 3)});
      }
      return {};
    });
  });
  if (!loaded) return unexpected(Unavailable{"documents"});
  return documents;
}

Task<Result<bool, Unavailable>> NodeDocuments::put_on_top(Document document) {
  const auto written = std::make_shared<Written>(Written{std::move(document)});
  Worker::Work work = [written, incarnation = incarnation_](Session& session) {
    return session.transaction([&](Connection& connection) { return write(connection, *written, incarnation); }, "",
                               [&](Connection& connection) { return is_there(connection, *written, incarnation); });
  };
  const auto done = co_await worker_->run(std::move(work));
  if (!done) co_return unexpected(done.error());
  if (written->is_overtaken) {
    // The owner shall have what was written there before it tries again.
    const auto caught_up = co_await membership_.catch_up();
    if (!caught_up) co_return unexpected(caught_up.error());
    co_return false;
  }
  membership_.raised(written->epoch);
  const auto known = co_await membership_.everywhere();
  if (!known) co_return unexpected(known.error());
  co_return true;
}

Task<Result<void, Unavailable>> NodeDocuments::put(Document document) {
  const auto written = co_await put_on_top(std::move(document));
  if (!written) co_return unexpected(written.error());
  if (!*written) co_return unexpected(Unavailable{"documents: another node has changed it meanwhile"});
  co_return Result<void, Unavailable>{};
}

Task<Result<void, Unavailable>> NodeDocuments::forget_expired(Instant now) {
  return worker_->run([now](Session& session) {
    return session.transaction([now](Connection& connection) -> Result<void, Failure> {
      Query query("DELETE FROM documents WHERE expires <= $1");
      query.number(to_number(now));
      TRY(connection.run(query));
      return {};
    });
  });
}

}  // namespace writ::postgresql
