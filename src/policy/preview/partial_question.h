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

// What is open of a question.
enum class Open {
  circumstances,             // arguments, sign-in, issuer, address and time
  circumstances_and_person,  // and the principal's id, groups and attributes
  other_arguments,           // members of the arguments beside those that the question has
};

// Not movable: the request refers to the rest.
class PartialQuestion {
 public:
  PartialQuestion(const CedarPolicy& policy, Question question, const Thing& thing, Open open);
  PartialQuestion(const PartialQuestion&) = delete;
  PartialQuestion& operator=(const PartialQuestion&) = delete;

  bool can_be_asked() const { return asked_.has_value(); }
  const Question& question() const { return question_; }
  const cedar::Entities& entities() const { return asked_->entities; }
  const cedar::PartialRequest& request() const { return request_; }
  cedar::Arena& arena() { return arena_; }
  // Whether the question is within the policy's scope; of one that is open in its person, but for the principal.
  bool matches_scope(const cedar::CompiledPolicy& policy) const;

 private:
  cedar::PartialValue open_context();
  std::optional<cedar::PartialValue> known_context();
  cedar::PartialAttributes principal_attributes();

  Question question_;
  bool for_anyone_;
  cedar::Arena arena_;
  std::optional<Asked> asked_;
  cedar::PartialRequest request_;
};

}  // namespace writ::policy::preview
