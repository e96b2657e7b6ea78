#pragma once

// The board of the nodes in the database (nodes/board.h).

#include <memory>

#include "adapters/postgresql/session.h"
#include "nodes/board.h"

namespace writ::postgresql {

class NodeBoard final : public nodes::Board {
 public:
  struct Self {
    std::string incarnation, name;
    Milliseconds lease{};
    std::string sealing;   // tells keys apart and gives nothing away about them: nodes with another key than the first one's are refused
    std::string url{};     // origin of the internal listener; empty: none
  };
  // Refuses a database whose commits may be lost, and a sealing key that is not the one of the other nodes. While one node starts the others
  // wait: what an empty store begins with is made once.
  static Result<std::unique_ptr<NodeBoard>, Failure> open(Address address, Self self);
  ~NodeBoard() override;
  // The next one may start.
  void has_started();
  // What the operator should know of this database; empty: nothing.
  const std::string& warning() const { return warning_; }

  const std::string& incarnation() const override { return self_.incarnation; }
  Result<void, std::string> renew(std::int64_t confirmed) override;
  Result<nodes::News, std::string> read(std::int64_t after_epoch) override;
  Result<void, std::string> leave() override;
  Result<void, std::string> forget(const nodes::Peer& peer) override;
  void wait(Milliseconds at_most) override;
  void interrupt() override;

 private:
  NodeBoard(Address address, Self self, int wakes);
  Result<void, std::string> perform(const Session::Work& work);

  const Self self_;
  std::string warning_;
  Session starting_;   // holds the lock of who starts
  Session session_;
  int wakes_;          // an eventfd
};

}  // namespace writ::postgresql
