#pragma once

// Errors as values. The member names are std::expected's, so that moving to the standard type later touches this file only.
//
//   Result<Token, Rejection> parse(std::string_view text);
//   const auto token = TRY(parse(text));      // returns the error to the caller, or hands on the value
//
// TRY is for plain functions. Never write `TRY(co_await f())`: g++ 12 miscompiles it. Await first, then check.

#include <cassert>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace writ {

template <class E>
class [[nodiscard]] Unexpected {
 public:
  constexpr explicit Unexpected(E error) : error_(std::move(error)) {}
  constexpr const E& error() const& noexcept { return error_; }
  constexpr E&& error() && noexcept { return std::move(error_); }

 private:
  E error_;
};

template <class T, class E>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = E;

  constexpr Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  template <class G>
    requires std::is_constructible_v<E, G&&>
  constexpr Result(Unexpected<G> unexpected)  // NOLINT: implicit by design
      : state_(std::in_place_index<1>, std::move(unexpected).error()) {}

  constexpr bool has_value() const noexcept { return state_.index() == 0; }
  constexpr explicit operator bool() const noexcept { return has_value(); }

  constexpr const T& value() const& { return assert(has_value()), *std::get_if<0>(&state_); }
  constexpr T& value() & { return assert(has_value()), *std::get_if<0>(&state_); }
  constexpr T&& value() && { return assert(has_value()), std::move(*std::get_if<0>(&state_)); }
  constexpr const T& operator*() const& { return value(); }
  constexpr T& operator*() & { return value(); }
  constexpr T&& operator*() && { return std::move(*this).value(); }
  constexpr const T* operator->() const { return &value(); }
  constexpr T* operator->() { return &value(); }

  constexpr const E& error() const& { return assert(!has_value()), *std::get_if<1>(&state_); }
  constexpr E& error() & { return assert(!has_value()), *std::get_if<1>(&state_); }
  constexpr E&& error() && { return assert(!has_value()), std::move(*std::get_if<1>(&state_)); }

  template <class U>
  constexpr T value_or(U&& other) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(other));
  }

 private:
  std::variant<T, E> state_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  constexpr Result() = default;
  template <class G>
    requires std::is_constructible_v<E, G&&>
  constexpr Result(Unexpected<G> unexpected) : error_(std::move(unexpected).error()) {}  // NOLINT: implicit by design

  constexpr bool has_value() const noexcept { return !error_.has_value(); }
  constexpr explicit operator bool() const noexcept { return has_value(); }
  constexpr void value() const { assert(has_value()); }

  constexpr const E& error() const& { return assert(!has_value()), *error_; }
  constexpr E&& error() && { return assert(!has_value()), std::move(*error_); }

 private:
  std::optional<E> error_;
};

template <class E>
constexpr Unexpected<std::decay_t<E>> unexpected(E&& error) {
  return Unexpected<std::decay_t<E>>(std::forward<E>(error));
}

// What a store, a key set or another outside thing answers when it cannot answer. It becomes 503, never a yes.
// `detail` is for the operator's log; it holds no secret and never reaches the caller.
struct Unavailable {
  const char* what = "";
};

namespace detail {
template <class T, class E>
constexpr T take_value(Result<T, E>& result) {
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}
}  // namespace detail

}  // namespace writ

// The name is made unique, so that a TRY inside a lambda inside a TRY shadows nothing.
#define WRIT_TRY_NAMED(result, expression)                                  \
  (__extension__({                                                          \
    auto result = (expression);                                             \
    if (!result) return ::writ::unexpected(std::move(result).error());      \
    ::writ::detail::take_value(result);                                     \
  }))
#define WRIT_TRY_JOIN(counter, expression) WRIT_TRY_NAMED(writ_try_result_##counter, expression)
#define WRIT_TRY_COUNTED(counter, expression) WRIT_TRY_JOIN(counter, expression)
// NOLINTNEXTLINE: a statement expression is the only way to return from the middle of an expression.
#define TRY(...) WRIT_TRY_COUNTED(__COUNTER__, (__VA_ARGS__))
