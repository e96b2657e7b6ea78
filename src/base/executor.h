#pragma once

#include <functional>

namespace writ {

// Where a coroutine runs: one event loop. `post` may be called from any thread; the work runs on the loop's own thread.
//
// INVARIANT: a coroutine is resumed only on the executor on which it was suspended. What completes elsewhere (a store's writer, the
// outgoing client) remembers Executor::current() when the coroutine suspends and posts the resumption there.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(std::function<void()> work) = 0;

  // The executor of the calling thread, or null on a thread that runs none.
  static Executor* current() noexcept;

  // Makes an executor the current one of this thread for as long as it lives. Loops do this around run().
  class Scope {
   public:
    explicit Scope(Executor& executor) noexcept;
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Executor* previous_;
  };
};

// A loop without sockets, for tests and for command-line programs: work is queued and run by the thread that calls run_until.
class QueueExecutor final : public Executor {
 public:
  QueueExecutor();
  ~QueueExecutor() override;
  void post(std::function<void()> work) override;
  // Runs queued work, waiting for more, until `done` returns true (asked after each piece of work).
  void run_until(const std::function<bool()>& done);

 private:
  struct State;
  State* state_;
};

}  // namespace writ
