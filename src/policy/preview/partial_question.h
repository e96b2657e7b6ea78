#pragma once

// A question of which only the names are known: how the person signed in, who vouched, address, time and arguments are open. With the person known,
// or for any person.

#include <memory>
#include <optional>
#include <string>

#include "cedar/partial.h"
#include "policy/inquiry.h"
#include "policy/preview/access.h"
#include "policy/question_entities.h"

namespace writ::policy::preview {

// A name that stands for all resources (of prompts: prompts) that no policy names.
std::string any_uri();
std::string any_prompt();
std::string any_tool();

// Absent: there is nothing to ask, so nothing is allowed.
std::optional<Question> question_of(const AccessState& state, const std::string& user, const std::string& agent, const std::string& server, const Thing& thing);

// Not movable: the request refers to the rest.
class PartialQuestion {
 public:
  // `for_anyone`: the principal's id, groups and attributes are not known.
  PartialQuestion(const CedarPolicy& policy, Question question, const Thing& thing, bool for_anyone);
  PartialQuestion(const PartialQuestion&) = delete;
  PartialQuestion& operator=(const PartialQuestion&) = delete;

  bool can_be_asked() const { return asked_.has_value(); }
  const Question& question() const { return question_; }
  const cedar::Entities& entities() const { return asked_->entities; }
  const cedar::PartialRequest& request() const { return request_; }
  cedar::Arena& arena() { return arena_; }
  // Whether the action and the resource are those of the policy's scope.
  bool matches_but_for_principal(const cedar::CompiledPolicy& policy) const;

 private:
  cedar::PartialValue context();
  cedar::PartialAttributes principal_attributes();

  Question question_;
  cedar::Arena arena_;
  std::optional<Asked> asked_;
  cedar::PartialRequest request_;
};

}  // namespace writ::policy::preview
