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
  std::uint32_t group = 0;      // UserClasses::number_of_group()
  std::string user;             // id
  friend bool operator==(const PersonTest&, const PersonTest&) = default;

  bool matches(const UserClass& person, int side) const {
    switch (form) {
      case Form::anyone: return true;
      case Form::in_group: return (person.groups[side][group / 64] >> (group % 64) & 1) != 0;
      case Form::one_user: return person.is_mentioned && person.representative == user;
      case Form::nobody: break;
    }
    return false;
  }
};

struct Residue {
  PersonTest who;
  Contribution contribution;            // when no personal condition remains
  std::int32_t personal = -1;           // else: of Residues::personal conditions
  friend bool operator==(const Residue& a, const Residue& b) {
    return a.who == b.who && a.personal == b.personal && a.contribution.effect == b.contribution.effect &&
           (a.personal >= 0 || a.contribution.condition == b.contribution.condition);
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
  Residues(const AccessState& before, const AccessState& after, const UserClasses& classes, AccessValues& values);

  // For any person. `user`: the id of any active user of that side, to ask with.
  ThingResidues of(int side, const std::string& user, const std::string& agent, const std::string& server, const Thing& thing);

  // The value for one class.
  ValueId decide(const ThingResidues& thing, int side, const UserClass& person, std::size_t class_number);

  // What a personal condition comes to for one class.
  const Contribution& personal(std::int32_t number, int side, const UserClass& person, std::size_t class_number);

 private:
  // A condition that reads the principal, in its first occurrence: equal residuals under equal scopes, with contexts of one shape, are
  // equal functions of the principal.
  struct Personal {
    int side;
    const cedar::CompiledPolicy* policy;
    Question question;
    Thing thing;
    std::unordered_map<std::uint64_t, Contribution> known;   // by class and side
  };
  PersonTest test_of(const cedar::ast::ScopeConstraint& constraint) const;

  const AccessState* states_[2];
  const UserClasses& classes_;
  AccessValues& values_;
  std::vector<const cedar::CompiledPolicy*> readers_[2];
  std::deque<Personal> personal_;
  std::unordered_map<std::string, std::int32_t> numbers_;   // of personal conditions, by shape of the context, scope, effect and text
  std::vector<Contribution> contributions_;   // of decide(), kept for its memory
};

}  // namespace writ::policy::preview
