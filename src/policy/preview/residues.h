#pragma once

// What remains of the policies at one server, agent and thing when nothing is known of the person: short lists of tests on groups, with conditions
// that were worked out once.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/preview/access_values.h"
#include "policy/preview/partial_question.h"
#include "policy/preview/user_classes.h"

namespace writ::policy::preview {

// Whether a person is in the scope of a policy.
struct PersonTest {
  enum class Form : std::uint8_t { anyone, in_group, one_user, nobody } form = Form::anyone;
  std::uint32_t number = 0;     // of the group or user: GroupNumbers
  friend auto operator<=>(const PersonTest&, const PersonTest&) = default;

  bool matches(const Person& person) const {
    switch (form) {
      case Form::anyone: return true;
      case Form::in_group: return (person.groups[number / 64] >> (number % 64) & 1) != 0;
      case Form::one_user: return person.mentioned == number;
      case Form::nobody: break;
    }
    return false;
  }
};

// Which circumstances of a moment something looks at.
struct Circumstances {
  bool authentication = false, issuer = false, address = false, time = false, arguments = false;
  Circumstances& operator|=(const Circumstances& other);
};

struct Residue {
  PersonTest who;
  Contribution contribution;            // when no personal condition remains
  std::int32_t personal = -1;           // else: of Residues::personal conditions
  Circumstances reads;                  // what the remaining condition may read
  // One text may come to something else where the context has no arguments.
  static bool is_same(const cedar::Outcomes& a, const cedar::Outcomes& b) {
    return a.may_be_satisfied == b.may_be_satisfied && a.may_not_be_satisfied == b.may_not_be_satisfied && a.may_fail == b.may_fail;
  }
  friend bool operator==(const Residue& a, const Residue& b) {
    return a.who == b.who && a.personal == b.personal && a.contribution.effect == b.contribution.effect &&
           (a.personal >= 0 || (a.contribution.condition == b.contribution.condition && is_same(a.contribution.outcomes, b.contribution.outcomes)));
  }
};

struct ThingResidues {
  bool can_be_asked = false;            // false: never
  std::vector<Residue> residues;
  std::vector<PersonTest> readers;      // of policies that read arguments
  friend bool operator==(const ThingResidues&, const ThingResidues&) = default;
};

class Residues {
 public:
  Residues(const GroupNumbers& groups, AccessValues& values) : groups_(groups), values_(values) {}

  // For any person, whoever the question names. The policy outlives this.
  ThingResidues of(const CedarPolicy& policy, Question question, const Thing& thing);
  // The value for one person.
  ValueId decide(const ThingResidues& thing, const Person& person);
  // What a personal condition comes to for one person.
  const Contribution& personal(std::int32_t number, const Person& person);
  PersonTest test_of(const cedar::ast::ScopeConstraint& principal) const;

 private:
  // A condition that reads the principal, in its first occurrence: equal residuals under equal scopes, with contexts of one shape, are equal functions of
  // the principal.
  struct Personal {
    const CedarPolicy* bundle;
    const cedar::CompiledPolicy* policy;
    Question question;
    Thing thing;
    std::vector<std::optional<Contribution>> known;   // by Person::key
  };
  const GroupNumbers& groups_;
  AccessValues& values_;
  std::deque<Personal> personal_;
  std::unordered_map<std::string, std::int32_t> numbers_;   // of personal conditions, by shape of the context, scope, effect and text
  std::vector<Contribution> contributions_;   // of decide(), kept for its memory
};

}  // namespace writ::policy::preview
