#pragma once

// The place where the nodes of a deployment meet: a counter that every change of what they keep in memory raises (the epoch), what was changed since,
// and who is there. adapters/postgresql keeps it in the database that all of them use.

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "registry/documents.h"

namespace writ::nodes {

// A process that serves, as the others see it.
struct Peer {
  std::string incarnation;         // of this process alone; another start of the node is another
  std::string name;
  std::int64_t renewal = 0;        // counts its signs of life
  std::int64_t confirmed = 0;      // it decides on everything up to this epoch
  Milliseconds lease{};            // how long it may serve after a sign of life
  std::uint32_t number = 0;        // of the node, for ever
  std::string url;                 // origin of its internal listener, where others hand on what belongs to it; empty: it has none
};

struct News {
  std::int64_t epoch = 0;
  std::uint64_t object_sequence = 0;           // of the last change of objects or policy
  std::vector<registry::Document> documents;   // written by others after the epoch that was asked for, in their order
  std::vector<Peer> peers;                     // this process among them
};

// Used by one thread, but for interrupt(). What goes wrong is a sentence for the operator.
class Board {
 public:
  virtual ~Board() = default;
  virtual const std::string& incarnation() const = 0;
  // A sign of life. Others see it, and that this process decides on everything up to `confirmed`, before it returns.
  virtual Result<void, std::string> renew(std::int64_t confirmed) = 0;
  // What is true at some moment after the call.
  virtual Result<News, std::string> read(std::int64_t after_epoch) = 0;
  // This process serves no more.
  virtual Result<void, std::string> leave() = 0;
  // That process has not been seen for long; nothing happens when it has given a sign of life since.
  virtual Result<void, std::string> forget(const Peer& peer) = 0;
  // Until something was changed, interrupt() was called, or the time is over.
  virtual void wait(Milliseconds at_most) = 0;
  virtual void interrupt() = 0;
};

}  // namespace writ::nodes
