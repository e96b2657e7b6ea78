#pragma once

// What the nodes keep together (nodes/shared_log.h), in the tables `records`, `claims` and `node_logs`. The claims of a delivery are one statement
// (rules §7.1); the unique key on claims is what makes a grant usable once, on whichever node it is presented.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "adapters/postgresql/session.h"
#include "base/clock.h"
#include "nodes/shared_log.h"

namespace writ::postgresql {

// Opened on one thread, then used by another.
class SharedLog final : public nodes::SharedLog {
 public:
  // Takes the node's name for as long as its connection lives: another process of that name is refused, and one that lost its connection to a successor
  // delivers nothing any more. `clock` outlives it.
  static Result<std::unique_ptr<SharedLog>, Failure> open(Address address, std::string node, const Clock& clock);

  // The node's for ever; from 1.
  std::uint32_t number() const { return number_; }
  // The id of the spool that this node's records came from last; empty: none did.
  const std::string& spool() const { return spool_; }
  // From now on they come from this one.
  Result<void, Failure> use_spool(const std::string& id);

  Result<std::uint64_t, std::string> delivered() override;
  Result<std::vector<bool>, std::string> deliver(const nodes::Delivery& delivery) override;

 private:
  SharedLog(Address address, const std::string& node, const Clock& clock);
  Result<void, Failure> be_known(const std::string& node);
  Result<void, Failure> write(Connection& connection, const nodes::Delivery& delivery, std::vector<bool>& is_first);
  Result<bool, Failure> is_there(Connection& connection, const nodes::Delivery& delivery, const std::vector<bool>& is_first);
  void purge();

  const Clock& clock_;
  Session session_;
  std::uint32_t number_ = 0;
  std::string spool_;
  std::string batch_;   // random, of the last delivery: marks the claims that are its own
  std::chrono::steady_clock::time_point last_purge_ = std::chrono::steady_clock::now();
};

}  // namespace writ::postgresql
