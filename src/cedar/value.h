#pragma once

// What a Cedar expression evaluates to. A value is sixteen bytes, cheap to copy, and borrows its texts and members: from the arena it
// was made in, which must outlive it. Values never change.

#include <cassert>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/arena.h"
#include "cedar/name.h"

namespace writ::cedar {

struct IpAddress;
class Value;
struct Member;

class Value {
 public:
  enum class Kind : std::uint8_t { boolean, integer, string, entity, set, record, decimal, ip, datetime, duration };

  Value() : Value(Kind::boolean, std::int64_t{0}) {}   // false

  // Made from exactly these types: no pointer becomes `true`.
  static Value boolean(bool value) { return Value(Kind::boolean, std::int64_t{value}); }
  static Value integer(std::int64_t value) { return Value(Kind::integer, value); }
  // Ten-thousandths; `parse_decimal` reads text.
  static Value decimal(std::int64_t ten_thousandths) { return Value(Kind::decimal, ten_thousandths); }
  // Milliseconds since 1970-01-01T00:00:00Z.
  static Value datetime(std::int64_t milliseconds) { return Value(Kind::datetime, milliseconds); }
  static Value duration(std::int64_t milliseconds) { return Value(Kind::duration, milliseconds); }
  // Borrowed: the text must outlive the value.
  static Value string(std::string_view text);
  static Value entity(const EntityUid* uid) { return Value(Kind::entity, uid); }
  static Value ip(const IpAddress* address) { return Value(Kind::ip, address); }
  // Copied into the arena.
  static Value string(Arena& arena, std::string_view text) { return string(arena.copy(text)); }
  static Value entity(Arena& arena, const EntityUid& uid) { return entity(arena.make<EntityUid>(uid.copy_to(arena))); }
  static Value ip(Arena& arena, const IpAddress& address);
  // Duplicates collapse, order does not matter. The elements are copied, what they borrow is not.
  static Value set(Arena& arena, std::vector<Value> elements);
  // Keys are copied. Precondition: they are unique (`make_record` checks).
  static Value record(Arena& arena, std::vector<Member> members);
  // Borrowed: sorted by key (elements: by the order below), unique, and outliving the value.
  static Value of_sorted_members(std::span<const Member> members);
  static Value of_sorted_elements(std::span<const Value> elements);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }

  // Each has the precondition that the value is of that kind.
  bool as_bool() const { return assert(is(Kind::boolean)), integer_ != 0; }
  std::int64_t as_integer() const { return assert(is(Kind::integer)), integer_; }
  std::string_view as_string() const { return assert(is(Kind::string)), std::string_view(characters_, size_); }
  const EntityUid& as_entity() const { return assert(is(Kind::entity)), *entity_; }
  std::span<const Value> elements() const { return assert(is(Kind::set)), std::span(elements_, size_); }   // sorted, unique
  std::span<const Member> members() const;                                                                 // sorted by key
  const IpAddress& as_ip() const { return assert(is(Kind::ip)), *ip_; }
  // Of decimal (ten-thousandths), datetime and duration (milliseconds).
  std::int64_t count() const { return integer_; }

  // Of a set: whether it has the element.
  bool has_element(const Value& element) const;
  // Of a record: the member's value, or null.
  const Value* find(std::string_view key) const;

  // The same value, everything it borrows copied into `arena`.
  Value copy_to(Arena& arena) const;
  // As it is written in a policy: `[1, 2]`, `decimal("1.5")`.
  std::string to_string() const;

  // Cedar's `==`: total, never across kinds. The order is total too, and otherwise without meaning.
  friend bool operator==(const Value& a, const Value& b);
  friend std::strong_ordering operator<=>(const Value& a, const Value& b);

 private:
  Value(Kind kind, std::int64_t integer) : kind_(kind), integer_(integer) {}
  Value(Kind kind, const EntityUid* uid) : kind_(kind), entity_(uid) {}
  Value(Kind kind, const IpAddress* address) : kind_(kind), ip_(address) {}

  Kind kind_;
  std::uint32_t size_ = 0;   // of strings, sets and records
  union {
    std::int64_t integer_;
    const char* characters_;
    const EntityUid* entity_;
    const Value* elements_;
    const Member* members_;
    const IpAddress* ip_;
  };
};

struct Member {
  std::string_view key;
  Value value;
};

inline std::span<const Member> Value::members() const { return assert(is(Kind::record)), std::span(members_, size_); }

// Nothing when two members have one key.
std::optional<Value> make_record(Arena& arena, std::vector<Member> members);

// "a string", "a set", …
std::string_view describe(Value::Kind kind);

}  // namespace writ::cedar
