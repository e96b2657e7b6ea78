#include "adapters/postgresql/node_board.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "adapters/postgresql/durability.h"
#include "adapters/postgresql/node_documents.h"
#include "adapters/postgresql/schema.h"

namespace writ::postgresql {
namespace {

constexpr auto kOthersStartWithin = std::chrono::seconds(60);
constexpr auto kAskAgainAfter = std::chrono::milliseconds(50);

Result<void, Failure> check_sealing(Connection& connection, const std::string& sealing) {
  Query set("UPDATE cluster SET sealing = $1 WHERE sealing = ''");
  set.bytes(sealing);
  TRY(connection.run(set));
  const Rows rows = TRY(connection.run(Query("SELECT sealing FROM cluster")));
  if (rows.bytes(0, 0) != sealing) return unexpected(Failure{"the sealing key of this node is not that of the other nodes: give each the same `keys.sealing_key_file`"});
  return {};
}

Result<void, Failure> wait_for_turn(Connection& connection) {
  for (const auto end = std::chrono::steady_clock::now() + kOthersStartWithin; std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(kAskAgainAfter)) {
    if (TRY(connection.run(Query("SELECT pg_try_advisory_lock(7209405)"))).truth(0, 0)) return {};
  }
  return unexpected(Failure{"another node has been starting for a minute"});
}

// Signs of life need not be on the disk: after a crash of the database each node gives the next one, and is waited for until then.
Result<void, Failure> listen(Connection& connection) { return connection.execute("LISTEN writ_epoch; SET synchronous_commit = off"); }

}  // namespace

NodeBoard::NodeBoard(Address address, Self self, int wakes) : self_(std::move(self)), starting_(address), session_(std::move(address), listen), wakes_(wakes) {}
NodeBoard::~NodeBoard() { ::close(wakes_); }

Result<std::unique_ptr<NodeBoard>, Failure> NodeBoard::open(Address address, Self self) {
  const int wakes = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wakes < 0) return unexpected(Failure{"cannot make an event descriptor"});
  std::unique_ptr<NodeBoard> board(new NodeBoard(std::move(address), std::move(self), wakes));
  TRY(migrate(board->starting_));
  Connection* connection = TRY(board->starting_.connection());
  board->warning_ = TRY(check_durability(*connection));
  TRY(wait_for_turn(*connection));
  TRY(check_sealing(*connection, board->self_.sealing));
  return board;
}

void NodeBoard::has_started() { starting_.drop(); }

Result<void, std::string> NodeBoard::perform(const Session::Work& work) {
  const auto done = session_.read(work);
  if (done) return {};
  session_.drop();
  return unexpected(done.error().detail);
}

Result<void, std::string> NodeBoard::renew(std::int64_t confirmed) {
  return perform([&](Connection& connection) -> Result<void, Failure> {
    Query update("UPDATE nodes SET renewal = renewal + 1, confirmed = $2 WHERE incarnation = $1 RETURNING renewal");
    update.bytes(self_.incarnation).number(confirmed);
    if (TRY(connection.run(update)).size() == 1) return {};
    // The first sign of life, or the others have given this process up. That it is there must not be lost, or it would be waited for no more.
    std::vector<Query> queries;
    queries.emplace_back("SET LOCAL synchronous_commit TO DEFAULT");
    queries.emplace_back("INSERT INTO nodes VALUES ($1, $2, 1, $3, $4, $5) ON CONFLICT (incarnation) DO NOTHING").bytes(self_.incarnation).bytes(self_.name).number(confirmed).number(self_.lease.count()).bytes(self_.url);
    TRY(connection.execute("BEGIN"));
    TRY(connection.run(queries));
    return connection.execute("COMMIT");
  });
}

Result<nodes::News, std::string> NodeBoard::read(std::int64_t after_epoch) {
  nodes::News news;
  TRY(perform([&](Connection& connection) -> Result<void, Failure> {
    news = {};
    std::vector<Query> queries;
    queries.emplace_back("SELECT epoch, object_sequence FROM cluster");   // first: what is read after it is at least as new
    queries.emplace_back("SELECT collection, key, epoch, expires, json FROM documents WHERE epoch > $1 AND writer <> $2 ORDER BY epoch").number(after_epoch).bytes(self_.incarnation);
    queries.emplace_back("SELECT n.incarnation, n.name, n.renewal, n.confirmed, n.lease, coalesce(l.number, 0), n.url FROM nodes n LEFT JOIN node_logs l ON l.name = n.name");
    const auto answers = TRY(connection.run(queries));
    news.epoch = answers[0].number(0, 0);
    news.object_sequence = static_cast<std::uint64_t>(answers[0].number(0, 1));
    const Rows& documents = answers[1];
    for (std::size_t row = 0; row < documents.size(); ++row) {
      news.documents.push_back({documents.bytes(row, 0), documents.bytes(row, 1), version_of_epoch(documents.number(row, 2)), Instant{Milliseconds{documents.number(row, 3)}}, documents.bytes(row, 4)});
    }
    const Rows& peers = answers[2];
    for (std::size_t row = 0; row < peers.size(); ++row) {
      news.peers.push_back({peers.bytes(row, 0), peers.bytes(row, 1), peers.number(row, 2), peers.number(row, 3), Milliseconds{peers.number(row, 4)},
                            static_cast<std::uint32_t>(peers.number(row, 5)), peers.bytes(row, 6)});
    }
    return {};
  }));
  return news;
}

Result<void, std::string> NodeBoard::leave() {
  return perform([&](Connection& connection) -> Result<void, Failure> {
    Query query("DELETE FROM nodes WHERE incarnation = $1");
    query.bytes(self_.incarnation);
    TRY(connection.run(query));
    return {};
  });
}

Result<void, std::string> NodeBoard::forget(const nodes::Peer& peer) {
  return perform([&](Connection& connection) -> Result<void, Failure> {
    Query query("DELETE FROM nodes WHERE incarnation = $1 AND renewal = $2");
    query.bytes(peer.incarnation).number(peer.renewal);
    TRY(connection.run(query));
    return {};
  });
}

void NodeBoard::wait(Milliseconds at_most) {
  const auto connection = session_.has_connection() ? session_.connection() : Result<Connection*, Failure>(unexpected(Failure{}));
  if (connection) {
    if (!(*connection)->wait_for_notice(wakes_, std::chrono::milliseconds(at_most.count()))) session_.drop();
  } else {
    pollfd source{wakes_, POLLIN, 0};
    ::poll(&source, 1, static_cast<int>(at_most.count()));
  }
  std::uint64_t count = 0;
  while (::read(wakes_, &count, sizeof count) > 0) {
  }
}

void NodeBoard::interrupt() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wakes_, &one, sizeof one) == 0);
}

}  // namespace writ::postgresql
