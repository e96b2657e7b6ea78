#pragma once

// The one strict JSON reader (RFC 8259, UTF-8 only). It serves tokens, JSON-RPC and policy input, so that no two readers of the same
// bytes can disagree: duplicate members are an error at every depth, also when one is spelled with escapes; so are invalid UTF-8, a
// BOM, lone surrogates, trailing bytes, and numbers that do not fit. (Threats J12, J13, J14, G7.)

#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace writ::json {

class Value;
struct Member;
using Array = std::vector<Value>;
// Members in the order of the text. Names are unique.
using Object = std::vector<Member>;

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
                  !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

// An immutable-by-convention JSON value. Integers that fit 64 bits with sign are `int64`; every other number is `double`.
class Value {
 public:
  Value();
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();
  // Implicit by design, so that objects can be written as literals; but only from exactly these types: no pointer becomes `true`.
  Value(std::nullptr_t);                  // NOLINT
  template <std::same_as<bool> T>
  Value(T value);                         // NOLINT
  template <Integer T>
  Value(T value);                         // NOLINT: any integer that is no character. Precondition: it fits 64 bits with sign
  template <std::floating_point T>
  Value(T value);                         // NOLINT: precondition: finite
  template <class T>
  Value(T* pointer) = delete;
  Value(const char* value);               // NOLINT
  Value(std::string_view value);          // NOLINT
  Value(std::string value);               // NOLINT
  Value(Array value);                     // NOLINT
  Value(Object value);                    // NOLINT
  // json::Value{{"iss", issuer}, {"exp", 17}} writes an object. Names must be unique. `Value{}` is null, `Object{}` an empty object;
  // arrays are written json::Array{1, "two"}.
  Value(std::initializer_list<Member> members);

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(data_); }
  bool is_double() const { return std::holds_alternative<double>(data_); }
  bool is_number() const { return is_int() || is_double(); }
  bool is_string() const { return std::holds_alternative<std::string>(data_); }
  bool is_array() const { return std::holds_alternative<Array>(data_); }
  bool is_object() const { return std::holds_alternative<Object>(data_); }

  // Each returns null when the value is of another type.
  const bool* as_bool() const { return std::get_if<bool>(&data_); }
  const std::int64_t* as_int() const { return std::get_if<std::int64_t>(&data_); }
  const double* as_double() const { return std::get_if<double>(&data_); }
  const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  const Array* as_array() const { return std::get_if<Array>(&data_); }
  const Object* as_object() const { return std::get_if<Object>(&data_); }
  Array* as_array() { return std::get_if<Array>(&data_); }
  Object* as_object() { return std::get_if<Object>(&data_); }

  // The member of an object, or null when there is none or this is no object.
  const Value* find(std::string_view name) const;
  // The member of that type; null when absent or of another type.
  const std::string* find_string(std::string_view name) const;
  const std::int64_t* find_int(std::string_view name) const;
  const bool* find_bool(std::string_view name) const;
  const Array* find_array(std::string_view name) const;
  const Object* find_object(std::string_view name) const;

  // Sets or adds a member; turns null into an object. Precondition: this is an object or null.
  Value& set(std::string_view name, Value value);
  // Removes a member if there is one.
  void erase(std::string_view name);

  friend bool operator==(const Value& a, const Value& b);   // members compare in order

 private:
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> data_;
};

struct Member {
  std::string name;
  Value value;
  friend bool operator==(const Member&, const Member&) = default;
};

// Here, because only now a Member is complete.
inline Value::Value() : data_(nullptr) {}
inline Value::Value(const Value&) = default;
inline Value::Value(Value&&) noexcept = default;
inline Value& Value::operator=(const Value&) = default;
inline Value& Value::operator=(Value&&) noexcept = default;
inline Value::~Value() = default;
inline Value::Value(std::nullptr_t) : data_(nullptr) {}
template <std::same_as<bool> T>
inline Value::Value(T value) : data_(value) {}
template <Integer T>
inline Value::Value(T value) : data_(static_cast<std::int64_t>(value)) { assert(std::in_range<std::int64_t>(value)); }
template <std::floating_point T>
inline Value::Value(T value) : data_(static_cast<double>(value)) { assert(value - value == 0); }
inline Value::Value(const char* value) : data_(std::string(value)) {}
inline Value::Value(std::string_view value) : data_(std::string(value)) {}
inline Value::Value(std::string value) : data_(std::move(value)) {}
inline Value::Value(Array value) : data_(std::move(value)) {}
inline Value::Value(Object value) : data_(std::move(value)) {}
inline bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }

// An array of strings, and back: absent when this is no array or has an element that is no string.
Value from_strings(const std::vector<std::string>& strings);
std::optional<std::vector<std::string>> to_strings(const Value& value);

struct Limits {
  std::size_t bytes_max = 1 << 20;
  std::size_t depth_max = 32;
  std::size_t members_max = 2'000;  // members and array elements of the whole text
};

enum class Problem {
  too_large,
  too_deep,
  too_many_members,
  duplicate_member,
  invalid_utf8,
  number_out_of_range,
  syntax,
  trailing_bytes,
};
std::string_view to_string(Problem problem);

// Parses one JSON text; nothing but whitespace may follow it.
Result<Value, Problem> parse(std::string_view text, const Limits& limits = {});

// Compact text: UTF-8, members in order, shortest numbers that read back the same and of the same type (1.0 stays 1.0), control
// characters escaped. Bytes that are no UTF-8 become U+FFFD: what is written is always valid.
std::string write(const Value& value);
void append(std::string& out, const Value& value);
// The quoted and escaped form of a string, as `write` would write it.
void append_quoted(std::string& out, std::string_view text);

// Members sorted by name at every depth (by UTF-8 bytes), then written: for digests of arguments and definitions.
std::string write_canonical(const Value& value);

}  // namespace writ::json
