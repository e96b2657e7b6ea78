#pragma once

// Names: identifiers, type names such as `Writ::User`, and references to entities.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "cedar/arena.h"

namespace writ::cedar {

// [_A-Za-z][_A-Za-z0-9]*
bool is_identifier(std::string_view text);
// true false if then else in is like has: never a name of anything.
bool is_reserved(std::string_view identifier);
// An identifier that may be written bare: after a dot, as a record key, as a component of a type name.
bool is_plain_name(std::string_view text);
// A type name in canonical spelling: plain names joined by `::`, no spaces.
bool is_type_name(std::string_view text);
// `User` of `Writ::User`.
std::string_view last_component(std::string_view type_name);
// `Writ` of `Writ::User`, empty when there is none.
std::string_view name_space_of(std::string_view type_name);
// Whether it is a type of actions: its last component is exactly `Action`.
bool is_action_type(std::string_view type_name);

std::uint64_t hash_text(std::string_view text);

// A reference to an entity, `type::"id"`. It borrows both texts. The hash makes comparing and finding cheap; it protects nothing.
class EntityUid {
 public:
  EntityUid() = default;
  EntityUid(std::string_view type, std::string_view id);

  std::string_view type() const { return type_; }
  std::string_view id() const { return id_; }
  std::uint64_t hash() const { return hash_; }
  bool is_action() const { return is_action_type(type_); }

  // The same reference with texts that live in `arena`.
  EntityUid copy_to(Arena& arena) const;
  // As it is written in a policy: `Writ::User::"alice"`.
  std::string to_string() const;

  friend bool operator==(const EntityUid& a, const EntityUid& b) {
    return a.hash_ == b.hash_ && a.id_ == b.id_ && a.type_ == b.type_;
  }
  friend std::strong_ordering operator<=>(const EntityUid& a, const EntityUid& b) {
    if (const auto by_type = a.type_ <=> b.type_; by_type != 0) return by_type;
    return a.id_ <=> b.id_;
  }

 private:
  std::string_view type_;
  std::string_view id_;
  std::uint64_t hash_ = 0;
};

}  // namespace writ::cedar
