#pragma once

// Strict validation of policies against a schema (reference, "Strict validation"): whatever passes cannot fail with a type error, read
// what is absent, or name what does not exist.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/ast.h"
#include "cedar/message.h"
#include "cedar/policy_set.h"
#include "cedar/schema.h"

namespace writ::cedar {

enum class ValidationProblem : std::uint8_t {
  unknown_entity_type,       // in an entity, or after `is`
  unknown_enumerated_id,     // an id that an enumerated type does not list
  unknown_action,
  no_applicable_action,      // no action of the scope takes such a principal and resource
  unexpected_type,           // an operand of another type than its operator takes
  incompatible_types,        // operands, elements or branches whose types have nothing in common
  unknown_attribute,
  unguarded_attribute,       // an optional attribute is read without `has` before it
  unguarded_tag,             // a tag is read without `hasTag` before it
  no_tags,                   // a tag is read of a type that has none
  empty_set,                 // `[]`: of what?
  not_a_literal,             // an extension constructor takes a text that stands in the policy
  malformed_text,            // such a text that the constructor refuses
  wrong_argument_count,
  impossible_policy,         // a warning: the condition is never true
};
std::string_view to_string(ValidationProblem problem);
// Whether it makes the policy invalid; the others are warnings.
constexpr bool is_error(ValidationProblem problem) { return problem != ValidationProblem::impossible_policy; }

struct Finding {
  ValidationProblem problem;
  std::string policy_id;
  Message message;
};

struct Validation {
  std::vector<Finding> findings;   // by policy, errors and warnings; a policy's are limited in number
  bool is_valid() const;
};

// Keeps what it learns about the schema between policies, so one validator for many policies is much faster than one for each.
// Borrows the schema. Not shared between threads.
class Validator {
 public:
  explicit Validator(const Schema& schema);
  ~Validator();
  Validator(Validator&&) noexcept;

  // One policy or template. `text` is what its spans point into; empty when it came from JSON.
  void check(const ast::Policy& policy, std::string_view policy_id, std::string_view text, Validation& validation);
  // What the values that fill a template's slots can break; the template itself is checked by `check`.
  void check_link(const ast::Policy& filled, std::string_view policy_id, Validation& validation);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The policies of one text, called policy0, policy1, …
Validation validate(const Schema& schema, const ast::Policies& policies);
// Static policies, templates and links.
Validation validate(const Schema& schema, const PolicySet& policies);

}  // namespace writ::cedar
