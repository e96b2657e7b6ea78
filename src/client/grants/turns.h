#pragma once

// One after the other, in the order of asking: requests of a bridge arrive side by side, and of all that need a token one asks for it.
// Coroutines of one executor.
//
//   co_await turns.take();
//   const Turns::Taken taken(turns);   // hands on when it goes away

#include <deque>
#include <functional>

#include "base/task.h"

namespace writ::client {

class Turns {
 public:
  Task<void> take();

  class Taken {
   public:
    explicit Taken(Turns& turns) : turns_(turns) {}
    ~Taken() { turns_.hand_on(); }
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;

   private:
    Turns& turns_;
  };

 private:
  void hand_on();
  bool is_taken_ = false;
  std::deque<std::function<void(bool)>> waiting_;
};

}  // namespace writ::client
