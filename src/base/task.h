#pragma once

// Coroutines without a network library. A Task<T> is lazy: it runs when awaited, on the executor of the one who awaits it, and is
// awaited exactly once. An exception travels to the awaiting coroutine; expected failures are Result values instead.
//
// House rules (g++ 12 miscompiles the alternatives):
//   - parameters of coroutines are taken by value, or by reference to something that outlives the coroutine (the caller awaits it);
//     a lambda that is a coroutine captures nothing: pass what it needs as parameters;
//   - `auto x = co_await f(a, b);` with named values; no co_await inside a larger expression, a condition, TRY or a braced list;
//   - no temporary with captures in an expression with co_await (it would be destroyed twice): name the lambda, then move it in;
//   - bridges to callbacks use suspend_until<T>().

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <utility>
#include <variant>

#include "base/executor.h"

namespace writ {

template <class T>
class Task;

namespace detail {

// INVARIANT: a task completes on the thread that started it (see Executor), so these flags need no atomics.
struct PromiseBase {
  std::coroutine_handle<> continuation;
  bool starting = false;   // the awaiter is inside start(): do not resume it from here, it will notice `finished`
  bool finished = false;
  std::exception_ptr exception;

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
      PromiseBase& promise = handle.promise();
      promise.finished = true;
      if (promise.starting) return;
      // Nothing may be touched after this line: the continuation may destroy this frame.
      if (const auto waiting = promise.continuation) waiting.resume();
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  struct Awaiter {
    Handle handle;
    bool await_ready() noexcept { return false; }
    // Runs the task in place. If it finishes at once the awaiter goes on without suspending, so a loop over tasks that are already
    // done uses no stack.
    bool await_suspend(std::coroutine_handle<> continuation) {
      auto& promise = handle.promise();
      promise.continuation = continuation;
      promise.starting = true;
      handle.resume();
      promise.starting = false;
      return !promise.finished;
    }
    T await_resume() { return handle.promise().take(); }
  };
  Awaiter operator co_await() && noexcept { return Awaiter{handle_}; }
  Awaiter operator co_await() & noexcept { return Awaiter{handle_}; }

 private:
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};
template <class T, class Done>
Detached run_detached(Task<T> task, Done done) {
  std::exception_ptr exception;
  if constexpr (std::is_void_v<T>) {
    try {
      co_await task;
    } catch (...) {
      exception = std::current_exception();
    }
    done(exception);
  } else {
    std::optional<T> value;
    try {
      value.emplace(co_await task);
    } catch (...) {
      exception = std::current_exception();
    }
    done(exception, std::move(value));
  }
}

template <class T, class Start>
struct CallbackAwaiter {
  Start start;
  std::optional<T> value;
  std::coroutine_handle<> waiting;
  bool starting = false;
  bool await_ready() noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    waiting = handle;
    starting = true;
    start(std::function<void(T)>([this](T result) {
      value.emplace(std::move(result));
      if (!starting) waiting.resume();
    }));
    starting = false;
    return !value.has_value();
  }
  T await_resume() { return std::move(*value); }
};
}  // namespace detail

// Starts a task now, on the current executor, without waiting for it. Task<void>: done(std::exception_ptr), else
// done(std::exception_ptr, std::optional<T>); exactly one of the two is set.
template <class T, class Done>
void spawn(Task<T> task, Done done) {
  detail::run_detached(std::move(task), std::move(done));
}

// Waits for a callback: `co_await suspend_until<int>([&](auto resume) { socket.read(..., resume); })`. `resume` (a
// std::function<void(T)>) must be called exactly once, on this executor; it may be called before `start` returns.
template <class T, class Start>
detail::CallbackAwaiter<T, Start> suspend_until(Start start) {
  return {std::move(start), std::nullopt, {}, false};
}

// Runs a task to its end on a QueueExecutor: for tests and command-line programs.
template <class T>
T run(QueueExecutor& executor, Task<T> task) {
  bool done = false;
  std::exception_ptr failure;
  if constexpr (std::is_void_v<T>) {
    executor.post([&] {
      spawn(std::move(task), [&](std::exception_ptr exception) { failure = exception, done = true; });
    });
    executor.run_until([&] { return done; });
    if (failure) std::rethrow_exception(failure);
  } else {
    std::optional<T> result;
    executor.post([&] {
      spawn(std::move(task), [&](std::exception_ptr exception, std::optional<T> value) {
        failure = exception, result = std::move(value), done = true;
      });
    });
    executor.run_until([&] { return done; });
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
  }
}
template <class T>
T run(Task<T> task) {
  QueueExecutor executor;
  return run(executor, std::move(task));
}

}  // namespace writ
