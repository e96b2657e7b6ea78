#pragma once

// Deciding when parts of the request are not known yet: what a tool is called with, which resource it will be, what is known of a
// person. The answer is allow or deny when every way to fill in the unknown gives it, else undecided with what remains of the policies.
//
// Sound, never guessing: a decided answer holds for every completion. It does not look for a completion that allows, so undecided does
// not promise that there is one.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cedar/arena.h"
#include "cedar/ast.h"
#include "cedar/entities.h"
#include "cedar/policy_set.h"
#include "cedar/value.h"

namespace writ::cedar {

struct PartialMember;

// What is known of a value. Borrows like `Value`.
class PartialValue {
 public:
  enum class Kind : std::uint8_t {
    known,
    unknown,   // any value at all
    entity,    // some entity; its type may be known
    record,    // some members known, or partly known
  };

  PartialValue() = default;   // unknown
  static PartialValue known(const Value& value);
  static PartialValue unknown() { return {}; }
  static PartialValue entity_of_type(std::string_view type);   // of any type when empty
  // Closed: it has no other members. Open: it may have any. Keys are copied; precondition: they are unique.
  enum class Others : std::uint8_t { none, possible };
  static PartialValue record(Arena& arena, std::vector<PartialMember> members, Others others = Others::none);

  Kind kind() const { return kind_; }
  bool is_known() const { return kind_ == Kind::known; }
  const Value& value() const { return assert(is_known()), value_; }
  std::string_view entity_type() const { return type_; }
  // Of a record. Null when it is not mentioned.
  const PartialMember* find(std::string_view key) const;
  std::span<const PartialMember> members() const { return members_; }
  bool may_have_others() const { return others_ == Others::possible; }

 private:
  Kind kind_ = Kind::unknown;
  Others others_ = Others::possible;
  Value value_;
  std::string_view type_;
  std::span<const PartialMember> members_;
};

struct PartialMember {
  std::string_view key;
  PartialValue value;
  bool may_be_absent = false;
};

// A principal or resource: an entity, some entity of a type, or some entity.
struct PartialEntity {
  std::optional<EntityUid> uid;
  std::string_view type;   // when `uid` is absent; may be empty

  static PartialEntity known(const EntityUid& entity) { return {entity, {}}; }
  static PartialEntity of_type(std::string_view type) { return {std::nullopt, type}; }
  static PartialEntity unknown() { return {}; }
};

// An entity that is known by its uid and ancestors, and whose attributes are not, or not all.
struct PartialAttributes {
  EntityUid entity;
  PartialValue attributes;       // a record, or unknown
  bool are_tags_known = false;   // its tags are those that are stored
};

struct PartialRequest {
  PartialEntity principal;
  EntityUid action;
  PartialEntity resource;
  PartialValue context;   // a record, or unknown
  std::vector<PartialAttributes> attributes;
};

enum class PartialDecision : std::uint8_t { deny, allow, undecided };

// What can come of a policy, over all completions.
struct Outcomes {
  bool may_be_satisfied = false;
  bool may_not_be_satisfied = false;
  bool may_fail = false;

  bool is_certainly_satisfied() const { return may_be_satisfied && !may_not_be_satisfied && !may_fail; }
  bool is_certainly_not_satisfied() const { return !may_be_satisfied && may_not_be_satisfied && !may_fail; }
  bool fails_certainly() const { return !may_be_satisfied && !may_not_be_satisfied && may_fail; }
};

struct ResidualPolicy {
  const CompiledPolicy* policy;
  Outcomes outcomes;
  // Gives for every completion what the policy itself gives; what is known stands in it as a constant.
  ast::Policy residual;
  // What can come of the remaining clauses where the scope matches.
  Outcomes where_scope_matches;
};

struct PartialAnswer {
  PartialDecision decision = PartialDecision::deny;
  // Every policy but those that are certainly not satisfied, in the order of the policies.
  std::span<const ResidualPolicy> policies;
};

// Of one policy. Safe to call from many threads; borrows as the answer below.
ResidualPolicy evaluate_partially(const CompiledPolicy& policy, const Entities& entities, const PartialRequest& request, Arena& arena);

// Safe to call from many threads. The answer borrows from the policies, the entities, the request and the arena.
PartialAnswer authorize_partially(const PolicySet& policies, const Entities& entities, const PartialRequest& request, Arena& arena);

}  // namespace writ::cedar
