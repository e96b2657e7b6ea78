#pragma once

// Values of cells as small numbers: equal numbers are equal values. *Depends* is as many values as there are sets of conditions.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cedar/partial.h"
#include "policy/preview/access.h"

namespace writ::policy::preview {

using ValueId = std::uint32_t;
inline constexpr ValueId kNever = 0, kAlways = 1;   // all others: depends

inline Access access_of_value(ValueId value) { return value == kNever ? Access::never : value == kAlways ? Access::always : Access::depends; }

// What a policy whose scope matches contributes to a decision.
struct Contribution {
  cedar::ast::Effect effect = cedar::ast::Effect::permit;
  cedar::Outcomes outcomes;
  ValueId condition = kAlways;   // AccessValues::condition(); kAlways: no condition remains
  bool is_held = false;          // a forbid that an approval lifts (rules §4.6)
};
// Of a policy's residual, its principal's part apart.
Contribution contribution_of(const cedar::ResidualPolicy& residual, Action action, class AccessValues& values);

class AccessValues {
 public:
  ValueId condition(std::string text) { return number(texts_, std::move(text)); }

  // The decision, as policy/ makes it of Cedar's answer. `reads_arguments`: some policy whose scope matches reads them, so that a call with arguments
  // that the language cannot express is denied (rules §4.3).
  ValueId decide(const std::vector<Contribution>& contributions, bool reads_arguments);
  ValueId all_of(std::vector<ValueId> values);
  ValueId any_of(std::vector<ValueId> values);

  // A spelling that does not depend on the order in which values were met.
  std::string spell(ValueId value) const;

 private:
  struct Composite {
    std::string_view head;
    std::vector<ValueId> parts;
  };
  using Numbers = std::unordered_map<std::string, ValueId>;
  ValueId number(Numbers& numbers, std::string key);
  ValueId composite(std::string_view head, std::vector<ValueId> parts);

  ValueId next_ = 2;
  Numbers texts_, composites_;
  std::unordered_map<ValueId, Composite> parts_;
  std::vector<ValueId> permits_, forbids_;   // of decide(), kept for their memory
};

class PartialQuestion;
// The answer of policy to a question about a known person.
ValueId decide_partially(const CedarPolicy& policy, PartialQuestion& question, AccessValues& values);

}  // namespace writ::policy::preview
