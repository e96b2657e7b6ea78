#include "gateway/call_authorization.h"

#include <algorithm>

#include "gateway/held_call.h"
#include "gateway/tool_scopes.h"
#include "json_schema/schema.h"
#include "policy/inquiry.h"

namespace writ::gateway {
namespace {

using policy::Action;
using Outcome = Verdict::Outcome;

Action action_of(mcp::Need need) {
  switch (need) {
    case mcp::Need::task:
    case mcp::Need::connect: return Action::connect;
    case mcp::Need::call: return Action::call;
    case mcp::Need::read_resource: return Action::read_resource;
    case mcp::Need::subscribe: return Action::subscribe;
    case mcp::Need::get_prompt: return Action::get_prompt;
    case mcp::Need::complete: return Action::complete;
  }
  return Action::connect;
}

Verdict denied(std::string reason) {
  Verdict verdict;
  verdict.reason = std::move(reason);
  return verdict;
}

Verdict invalid(std::string reason) {
  Verdict verdict;
  verdict.outcome = Outcome::invalid;
  verdict.reason = std::move(reason);
  return verdict;
}

Verdict ask(const Circumstances& circumstances, policy::Question question) {
  Verdict verdict;
  verdict.decision = circumstances.policy.decide(question);
  verdict.question = std::move(question);
  verdict.outcome = verdict.decision.allowed ? Outcome::allowed : verdict.decision.kind == policy::Kind::approval_pending ? Outcome::held : Outcome::denied;
  verdict.reason = std::string(policy::to_string(verdict.decision.kind));
  return verdict;
}

// Disabled objects are refused before policy, with their own reason (rules §1.8).
bool is_disabled(const Circumstances& circumstances) { return !circumstances.server.active || (circumstances.endpoint && !circumstances.endpoint->active); }

void set_tool(policy::Question& question, policy::ToolFacts tool, const std::vector<const registry::Scope*>& scopes) {
  for (const registry::Scope* scope : scopes) tool.scopes.push_back(scope->name);
  question.action = Action::call;
  question.tool = std::move(tool);
}

// A call asks what holds now; a list asks whether it ever could (rules §4.5).
enum class Asking { now, ever };

bool could_be_granted(const Circumstances& circumstances, const registry::Scope& scope, Asking asking) {
  if (scope_to_ask_for(circumstances, scope).empty()) return false;
  const auto questions = scope_questions(circumstances, scope);
  return std::all_of(questions.begin(), questions.end(), [&](const policy::Question& question) {
    return asking == Asking::now ? circumstances.policy.decide(question).allowed : circumstances.policy.could_allow(question);
  });
}

bool has_one(const std::vector<const registry::Scope*>& scopes, const oauth::ScopeSet& held) {
  return scopes.empty() || std::any_of(scopes.begin(), scopes.end(), [&](const registry::Scope* scope) { return held.contains(scope->name); });
}

// The least of the scopes that would help: one that is not high-impact comes first, and one is enough.
const registry::Scope* grantable(const Circumstances& circumstances, const std::vector<const registry::Scope*>& scopes, Asking asking) {
  for (const bool high_impact : {false, true}) {
    for (const registry::Scope* scope : scopes) {
      if (scope->high_impact == high_impact && could_be_granted(circumstances, *scope, asking)) return scope;
    }
  }
  return nullptr;
}

// Held, or never seen. To the client it looks like what no policy allows: who may not use it learns nothing of it (rules §4.5).
Verdict not_reviewed(std::string subject) {
  Verdict verdict = denied(std::string(kNotReviewed));
  verdict.subject = std::move(subject);
  return verdict;
}

// Why the arguments do not fit the approved schema (rules §4.3). Absent: they do.
std::optional<json_schema::Failure> misfit(const Circumstances& circumstances, const std::string& tool, const json::Value& arguments) {
  const auto schema = circumstances.tools.input_schema(circumstances.server.id, tool);
  if (!schema) return std::nullopt;
  if (!schema->compiled) return json_schema::Failure{"", "cannot be checked, for the tool's schema cannot be used: " + schema->problem};
  return schema->compiled->check(arguments);
}

Verdict authorize_call(const Circumstances& circumstances, const mcp::Message& message) {
  const auto* name = message.param_string("name");
  if (!name || name->empty()) return invalid("tool_name_missing");
  const json::Value* arguments = message.param("arguments");
  if (arguments && !arguments->is_object()) return invalid("arguments_not_an_object");
  static const json::Value kNoArguments = json::Object{};

  if (!circumstances.definitions.is_usable(circumstances.snapshot, circumstances.server, registry::ObjectKind::tool, *name)) return not_reviewed(*name);
  policy::Question question = question_for(circumstances);
  const auto scopes = policy::scopes_of(circumstances.server, *name);
  set_tool(question, circumstances.tools.facts(circumstances.server.id, *name), scopes);
  auto failure = misfit(circumstances, *name, arguments ? *arguments : kNoArguments);
  // What somebody may never use does not tell them its schema: then the denial is the answer.
  if (failure && circumstances.policy.could_allow(question)) {
    Verdict verdict = invalid("arguments_do_not_fit");
    verdict.subject = *name;
    verdict.invalid_at = std::move(failure->pointer);
    verdict.invalid_why = std::move(failure->message);
    return verdict;
  }
  question.arguments = arguments ? arguments : &kNoArguments;   // the parsed value itself (G20, G21)
  Verdict verdict = ask(circumstances, std::move(question));
  verdict.subject = *name;
  verdict.definition_digest = verdict.question->tool->definition_digest;
  // A call that lacks its scope is not held: nobody is asked to approve what could not be made anyway.
  const bool could_go = verdict.outcome == Outcome::allowed || verdict.outcome == Outcome::held;
  if (!could_go || has_one(scopes, held_scopes(circumstances))) return verdict;
  const registry::Scope* missing = grantable(circumstances, scopes, Asking::now);
  verdict.decision.allowed = false;
  verdict.reason = "insufficient_scope";
  verdict.outcome = missing ? Outcome::insufficient_scope : Outcome::denied;
  if (missing) verdict.missing_scope = scope_to_ask_for(circumstances, *missing);
  return verdict;
}

// A reference of completion/complete names a prompt or a resource template.
const std::string* completed_subject(const mcp::Message& message) {
  const json::Value* reference = message.param("ref");
  const auto* type = reference ? reference->find_string("type") : nullptr;
  if (!type) return nullptr;
  if (*type == "ref/prompt") return reference->find_string("name");
  if (*type == "ref/resource") return reference->find_string("uri");
  return nullptr;
}

// subscriptions/listen: each resource that it names is a subscription of its own; all must be allowed, or one would ride on another.
Verdict authorize_listen(const Circumstances& circumstances, const mcp::Message& message) {
  const json::Value* notifications = message.param("notifications");
  if (!notifications || !notifications->is_object()) return invalid("notifications_missing");
  Verdict verdict = ask(circumstances, question_for(circumstances));
  const json::Value* uris = notifications->find("resourceSubscriptions");
  if (verdict.outcome != Outcome::allowed || !uris) return verdict;
  const auto names = json::to_strings(*uris);
  if (!names) return invalid("resource_subscriptions_malformed");
  policy::Question question = question_for(circumstances);
  question.action = Action::subscribe;
  for (const std::string& uri : *names) {
    question.uri_or_prompt = uri;
    verdict = ask(circumstances, question);
    verdict.subject = uri;
    if (verdict.outcome != Outcome::allowed) return verdict;
  }
  return verdict;
}

}  // namespace

policy::Question question_for(const Circumstances& circumstances) {
  const auto& [snapshot, server, token, caller, policy, tools, definitions, ip, now, endpoint] = circumstances;
  policy::Question question;
  question.principal = policy::principal_facts(*caller.user, snapshot, token.issuer);
  question.agent = policy::agent_facts(*caller.agent, caller.registration->authentication);
  question.server = policy::server_facts(server);
  question.authentication.acr = token.acr;
  question.authentication.amr = token.amr;
  if (token.auth_time) question.authentication.age = Seconds(std::max<std::int64_t>(0, to_unix_seconds(now) - *token.auth_time));
  question.ip = std::string(ip);
  question.issuer = token.issuer;
  question.now = now;
  return question;
}

std::vector<policy::Question> connection_questions(const Circumstances& circumstances) {
  std::vector<policy::Question> questions{question_for(circumstances)};
  if (!circumstances.endpoint) return questions;
  questions.insert(questions.begin(), questions.front());
  questions.front().server = policy::server_facts(*circumstances.endpoint);
  return questions;
}

Verdict authorize_connection(const Circumstances& circumstances) {
  if (is_disabled(circumstances)) return denied("server_disabled");
  Verdict verdict;
  for (policy::Question& question : connection_questions(circumstances)) {
    verdict = ask(circumstances, std::move(question));
    if (verdict.outcome != Outcome::allowed) break;
  }
  return verdict;
}

Verdict authorize(const Circumstances& circumstances, const mcp::Message& message, const mcp::Method* method, mcp::Era era) {
  if (is_disabled(circumstances)) return denied("server_disabled");
  if (message.is_response()) return authorize_connection(circumstances);
  if (circumstances.endpoint) {
    // The token says nothing of a connection to the member: it is asked for here.
    Verdict connection = authorize_connection(circumstances);
    if (connection.outcome != Outcome::allowed) return connection;
  }
  if (!method || !is_in(*method, era)) {
    Verdict verdict = denied("unmapped_method");
    verdict.outcome = Outcome::unknown_method;
    return verdict;
  }
  if (method->need == mcp::Need::call) return authorize_call(circumstances, message);
  if (method->stands) return authorize_listen(circumstances, message);
  if (method->need == mcp::Need::task) return authorize_task(circumstances, message, nullptr, era);
  policy::Question question = question_for(circumstances);
  question.action = action_of(method->need);
  if (!method->subject.empty()) {
    const std::string* subject = method->need == mcp::Need::complete ? completed_subject(message) : message.param_string(method->subject);
    if (!subject || subject->empty()) return invalid(std::string(method->subject) + "_missing");
    question.uri_or_prompt = *subject;
    const bool is_prompt = method->need == mcp::Need::get_prompt || (method->need == mcp::Need::complete && *message.param("ref")->find_string("type") == "ref/prompt");
    if (is_prompt && !circumstances.definitions.is_usable(circumstances.snapshot, circumstances.server, registry::ObjectKind::prompt, *subject)) return not_reviewed(*subject);
  }
  Verdict verdict = ask(circumstances, std::move(question));
  verdict.subject = verdict.question->uri_or_prompt;
  return verdict;
}

Verdict authorize_task(const Circumstances& circumstances, const mcp::Message& message, const TaskOrigin* origin, mcp::Era era) {
  if (is_disabled(circumstances)) return denied("server_disabled");
  const auto* id = message.param_string("taskId");
  if (!id || id->empty()) return invalid("taskId_missing");
  if (!origin) {
    // Who may not even connect is told that, and nothing about tasks.
    Verdict verdict = authorize_connection(circumstances);
    if (verdict.outcome != Outcome::allowed) return verdict;
    verdict.decision.allowed = false;
    verdict.outcome = Outcome::unknown_task;
    verdict.reason = "unknown_task";
    return verdict;
  }
  Verdict verdict = authorize(circumstances, *origin->call, mcp::find_method(mcp::kToolsCall, false), era);
  if (verdict.outcome == Outcome::held) verdict.outcome = is_lifted(verdict.decision, origin->lifted) ? Outcome::allowed : Outcome::denied;
  return verdict;
}

std::vector<policy::Question> questions_of(const Circumstances& circumstances, const mcp::Message* message, const mcp::Method* method, mcp::Era era) {
  policy::Question question = question_for(circumstances);
  if (is_disabled(circumstances)) return {};
  if (!message || message->is_response()) return connection_questions(circumstances);
  if (!method || !is_in(*method, era)) return {};
  std::vector<policy::Question> questions;
  if (circumstances.endpoint) questions = connection_questions(circumstances);
  if (method->stands) {
    questions.push_back(question);
    const json::Value* notifications = message->param("notifications");
    const json::Value* uris = notifications ? notifications->find("resourceSubscriptions") : nullptr;
    question.action = Action::subscribe;
    for (std::string& uri : uris ? json::to_strings(*uris).value_or(std::vector<std::string>{}) : std::vector<std::string>{}) {
      question.uri_or_prompt = std::move(uri);
      questions.push_back(question);
    }
    return questions;
  }
  question.action = action_of(method->need);
  if (method->need == mcp::Need::call) {
    const auto* name = message->param_string("name");
    if (!name) return {};
    set_tool(question, circumstances.tools.facts(circumstances.server.id, *name), policy::scopes_of(circumstances.server, *name));
    question.arguments = message->param("arguments");
    static const json::Value kNoArguments = json::Object{};
    if (!question.arguments) question.arguments = &kNoArguments;
  } else if (!method->subject.empty()) {
    const std::string* subject = method->need == mcp::Need::complete ? completed_subject(*message) : message->param_string(method->subject);
    if (!subject) return {};
    question.uri_or_prompt = *subject;
  }
  questions.push_back(std::move(question));
  return questions;
}

bool filter_list(const Circumstances& circumstances, mcp::List list, json::Value& result) {
  const mcp::ListShape* shape = mcp::shape_of(list);
  json::Value* found = nullptr;
  if (json::Object* members = result.as_object()) {
    const auto member = std::find_if(members->begin(), members->end(), [&](const json::Member& one) { return one.name == shape->member; });
    if (member != members->end()) found = &member->value;
  }
  if (!found) return true;   // nothing that could show too much
  json::Array* elements = found->as_array();
  if (!elements) return false;

  policy::Question question = question_for(circumstances);
  const oauth::ScopeSet held = held_scopes(circumstances);
  const auto may_be_seen = [&](const json::Value& element) {
    const auto* name = element.find_string(shape->element_name);
    if (!name || name->empty() || is_disabled(circumstances)) return false;
    if (list != mcp::List::tools) {
      question.action = list == mcp::List::prompts ? Action::get_prompt : Action::read_resource;
      question.uri_or_prompt = *name;
      return circumstances.policy.could_allow(question);
    }
    const auto scopes = policy::scopes_of(circumstances.server, *name);
    set_tool(question, circumstances.tools.facts(circumstances.server.id, *name), scopes);
    if (!circumstances.policy.could_allow(question)) return false;
    // Without its scope the call would be denied unless the scope can still be had.
    return has_one(scopes, held) || grantable(circumstances, scopes, Asking::ever) != nullptr;
  };
  std::erase_if(*elements, [&](const json::Value& element) { return !may_be_seen(element); });
  return true;
}

}  // namespace writ::gateway
