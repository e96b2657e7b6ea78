#include "policy/preview/partial_question.h"

#include "cedar/authorize.h"
#include "policy/vocabulary.h"

namespace writ::policy::preview {

using cedar::PartialEntity;
using cedar::PartialMember;
using cedar::PartialValue;
using cedar::Value;

// A byte that no name has (U+0001 is refused in identifiers of objects, and a policy that spells it names nothing that exists).
std::string any_uri() { return "any:\x01"; }
std::string any_prompt() { return "\x01"; }
// Long, so that no pattern of question marks matches it.
std::string any_tool() { return std::string(64, '\x01'); }

std::optional<Question> question_of(const AccessState& state, const std::string& user, const std::string& agent, const std::string& server, const Thing& thing) {
  Inquiry inquiry;
  inquiry.action = action_of(thing);
  inquiry.user = user;
  inquiry.agent = agent;
  inquiry.server = server;
  switch (thing.kind) {
    case Thing::Kind::connect: break;
    case Thing::Kind::scope: inquiry.scope = thing.name; break;
    case Thing::Kind::tool: inquiry.tool = thing.name.empty() ? any_tool() : thing.name; break;
    case Thing::Kind::read_resource:
    case Thing::Kind::subscribe:
    case Thing::Kind::complete_resource: inquiry.uri_or_prompt = thing.name.empty() ? any_uri() : thing.name; break;
    case Thing::Kind::get_prompt:
    case Thing::Kind::complete_prompt: inquiry.uri_or_prompt = thing.name.empty() ? any_prompt() : thing.name; break;
  }
  auto question = policy::question_of(inquiry, World{state.objects, state.tools, ""});
  if (!question) return std::nullopt;
  question->arguments = nullptr;
  return std::move(*question);
}

PartialQuestion::PartialQuestion(const CedarPolicy& policy, Question question, const Thing& thing, Open open)
    : question_(std::move(question)), for_anyone_(open == Open::circumstances_and_person) {
  if (for_anyone_) question_.principal = Principal{"\x01", {}, "", "", "", "", {}};
  asked_ = ask(question_, policy.tool_patterns(), arena_);
  if (!asked_) return;
  request_.principal = for_anyone_ ? PartialEntity::of_type(kUserType) : PartialEntity::known(asked_->principal);
  request_.action = asked_->action;
  request_.resource = PartialEntity::known(asked_->resource);
  if (open == Open::other_arguments) {
    const auto context = known_context();
    if (context) request_.context = *context;
    else asked_.reset();
    return;
  }
  request_.context = open_context();
  if (!for_anyone_) request_.attributes.push_back(principal_attributes());
  const bool is_some_resource = thing.name.empty() && asked_->resource.type() == kResourceType;
  if (is_some_resource) request_.attributes.push_back({asked_->resource, PartialValue::record(arena_, {{"uri", PartialValue::unknown(), false}}), true});
}

// As the decision has it, but that the arguments may have more members.
std::optional<PartialValue> PartialQuestion::known_context() {
  const auto known = context_of(question_, *asked_, arena_);
  if (!known) return std::nullopt;
  std::vector<PartialMember> members;
  for (const cedar::Member& member : known->value.members()) {
    if (member.key == "unseen") {
      members.push_back({member.key, PartialValue::unknown(), false});
    } else if (member.key == "args") {
      std::vector<PartialMember> arguments;
      for (const cedar::Member& argument : member.value.members()) arguments.push_back({argument.key, PartialValue::known(argument.value), false});
      members.push_back({member.key, PartialValue::record(arena_, std::move(arguments), PartialValue::Others::possible), false});
    } else {
      members.push_back({member.key, PartialValue::known(member.value), false});
    }
  }
  return PartialValue::record(arena_, std::move(members), PartialValue::Others::none);
}

PartialValue PartialQuestion::open_context() {
  const PartialValue authentication =
      PartialValue::record(arena_, {{"acr", PartialValue::unknown(), false}, {"age", PartialValue::unknown(), false}, {"amr", PartialValue::unknown(), false}});
  std::vector<PartialMember> members{{"agent", PartialValue::known(Value::entity(arena_, asked_->agent)), false},
                                     {"auth", authentication, false},
                                     {"issuer", PartialValue::unknown(), false},
                                     {"now", PartialValue::unknown(), false},
                                     {"ip", PartialValue::unknown(), true}};
  if (question_.action == Action::call) {
    members.push_back({"args", PartialValue::record(arena_, {}, PartialValue::Others::possible), false});
    members.push_back({"unseen", PartialValue::unknown(), false});
  }
  return PartialValue::record(arena_, std::move(members), PartialValue::Others::none);
}

// As the entity has them, but for the issuer: who vouches shows at sign-in.
cedar::PartialAttributes PartialQuestion::principal_attributes() {
  const Principal& principal = question_.principal;
  std::vector<PartialMember> members{{"issuer", PartialValue::unknown(), false}};
  const auto add = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) members.push_back({name, PartialValue::known(Value::string(arena_, text)), false});
  };
  add("email", principal.email);
  add("department", principal.department);
  add("title", principal.title);
  return {asked_->principal, PartialValue::record(arena_, std::move(members)), true};
}

bool PartialQuestion::matches_scope(const cedar::CompiledPolicy& policy) const {
  cedar::ast::Policy tree = policy.tree();
  if (for_anyone_) tree.principal = {};
  const cedar::Request request{asked_->principal, asked_->action, asked_->resource, Value()};
  return cedar::matches_scope(tree, cedar::find_request_entities(asked_->entities, request), request);
}

}  // namespace writ::policy::preview
