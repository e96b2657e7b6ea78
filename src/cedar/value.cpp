#include "cedar/value.h"

#include <algorithm>
#include <array>

#include "cedar/extension.h"
#include "cedar/lexer.h"

namespace writ::cedar {

namespace {

// Below this many members looking at each is quicker than halving.
constexpr std::size_t kSearchLinearlyBelow = 12;

template <class T>
std::strong_ordering order_of_lists(std::span<const T> a, std::span<const T> b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(), [](const T& x, const T& y) {
    if constexpr (std::is_same_v<T, Member>) {
      if (const auto by_key = x.key <=> y.key; by_key != 0) return by_key;
      return x.value <=> y.value;
    } else {
      return x <=> y;
    }
  });
}

std::string list_to_string(const Value& value) {
  std::string out;
  const auto separate = [&out] { out += out.empty() ? "" : ", "; };
  if (value.is(Value::Kind::set)) {
    for (const Value& element : value.elements()) separate(), out += element.to_string();
    return "[" + out + "]";
  }
  for (const Member& member : value.members()) {
    separate();
    out += is_plain_name(member.key) ? std::string(member.key) : quote(member.key);
    out += ": " + member.value.to_string();
  }
  return out.empty() ? "{}" : "{" + out + "}";
}

std::string datetime_expression(std::int64_t milliseconds) {
  if (const std::string text = datetime_to_string(milliseconds); !text.empty()) return "datetime(" + quote(text) + ")";
  // No text names an instant beyond the year 9999; arithmetic reaches it.
  return "datetime(\"1970-01-01\").offset(duration(" + quote(duration_to_string(milliseconds)) + "))";
}

}  // namespace

Value Value::string(std::string_view text) {
  Value value(Kind::string, std::int64_t{0});
  value.characters_ = text.data();
  value.size_ = static_cast<std::uint32_t>(text.size());
  return value;
}

Value Value::ip(Arena& arena, const IpAddress& address) { return ip(arena.make<IpAddress>(address)); }

Value Value::set(Arena& arena, std::vector<Value> elements) {
  std::sort(elements.begin(), elements.end());
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  Value value(Kind::set, std::int64_t{0});
  value.elements_ = arena.copy(elements).data();
  value.size_ = static_cast<std::uint32_t>(elements.size());
  return value;
}

Value Value::record(Arena& arena, std::vector<Member> members) {
  auto record = make_record(arena, std::move(members));
  assert(record.has_value());
  return *record;
}

std::optional<Value> make_record(Arena& arena, std::vector<Member> members) {
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.key < b.key; });
  const auto same_key = [](const Member& a, const Member& b) { return a.key == b.key; };
  if (std::adjacent_find(members.begin(), members.end(), same_key) != members.end()) return std::nullopt;
  for (Member& member : members) member.key = arena.copy(member.key);
  return Value::of_sorted_members(arena.copy(members));
}

Value Value::of_sorted_members(std::span<const Member> members) {
  Value value(Kind::record, std::int64_t{0});
  value.members_ = members.data();
  value.size_ = static_cast<std::uint32_t>(members.size());
  return value;
}

Value Value::of_sorted_elements(std::span<const Value> elements) {
  Value value(Kind::set, std::int64_t{0});
  value.elements_ = elements.data();
  value.size_ = static_cast<std::uint32_t>(elements.size());
  return value;
}

bool Value::has_element(const Value& element) const {
  const auto all = elements();
  if (all.size() < kSearchLinearlyBelow) return std::find(all.begin(), all.end(), element) != all.end();
  return std::binary_search(all.begin(), all.end(), element);
}

const Value* Value::find(std::string_view key) const {
  const auto all = members();
  if (all.size() < kSearchLinearlyBelow) {
    for (const Member& member : all)
      if (member.key == key) return &member.value;
    return nullptr;
  }
  const auto found = std::lower_bound(all.begin(), all.end(), key, [](const Member& member, std::string_view k) { return member.key < k; });
  return found != all.end() && found->key == key ? &found->value : nullptr;
}

Value Value::copy_to(Arena& arena) const {
  switch (kind_) {
    case Kind::string: return string(arena, as_string());
    case Kind::entity: return entity(arena, as_entity());
    case Kind::ip: return ip(arena, as_ip());
    case Kind::set: {
      const auto copies = arena.make_array<Value>(size_);
      for (std::size_t i = 0; i < size_; ++i) copies[i] = elements_[i].copy_to(arena);
      return of_sorted_elements(copies);
    }
    case Kind::record: {
      const auto copies = arena.make_array<Member>(size_);
      for (std::size_t i = 0; i < size_; ++i) copies[i] = {arena.copy(members_[i].key), members_[i].value.copy_to(arena)};
      return of_sorted_members(copies);
    }
    default: return *this;
  }
}

std::strong_ordering operator<=>(const Value& a, const Value& b) {
  if (a.kind_ != b.kind_) return a.kind_ <=> b.kind_;
  switch (a.kind_) {
    case Value::Kind::string: return a.as_string() <=> b.as_string();
    case Value::Kind::entity: return a.entity_ == b.entity_ ? std::strong_ordering::equal : *a.entity_ <=> *b.entity_;
    case Value::Kind::set: return order_of_lists(a.elements(), b.elements());
    case Value::Kind::record: return order_of_lists(a.members(), b.members());
    case Value::Kind::ip: return *a.ip_ <=> *b.ip_;
    default: return a.integer_ <=> b.integer_;
  }
}

bool operator==(const Value& a, const Value& b) {
  if (a.kind_ != b.kind_ || a.size_ != b.size_) return false;
  switch (a.kind_) {
    case Value::Kind::string: return a.as_string() == b.as_string();
    case Value::Kind::entity: return a.entity_ == b.entity_ || *a.entity_ == *b.entity_;
    case Value::Kind::set: return std::ranges::equal(a.elements(), b.elements());
    case Value::Kind::record:
      return std::ranges::equal(a.members(), b.members(), [](const Member& x, const Member& y) { return x.key == y.key && x.value == y.value; });
    case Value::Kind::ip: return *a.ip_ == *b.ip_;
    default: return a.integer_ == b.integer_;
  }
}

std::string Value::to_string() const {
  switch (kind_) {
    case Kind::boolean: return as_bool() ? "true" : "false";
    case Kind::integer: return std::to_string(integer_);
    case Kind::string: return quote(as_string());
    case Kind::entity: return as_entity().to_string();
    case Kind::set:
    case Kind::record: return list_to_string(*this);
    case Kind::decimal: return "decimal(" + quote(decimal_to_string(integer_)) + ")";
    case Kind::ip: return "ip(" + quote(as_ip().to_string()) + ")";
    case Kind::datetime: return datetime_expression(integer_);
    case Kind::duration: return "duration(" + quote(duration_to_string(integer_)) + ")";
  }
  return {};
}

std::string_view describe(Value::Kind kind) {
  constexpr std::array<std::string_view, 10> kNames{"a boolean", "a long", "a string", "an entity", "a set", "a record",
                                                    "a decimal", "an ipaddr", "a datetime", "a duration"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace writ::cedar
