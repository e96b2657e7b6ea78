#include "admin/why.h"

#include <algorithm>

#include "admin/explanation_json.h"
#include "policy/recorded_questions.h"

namespace writ::admin {
namespace {

using policy::RecordedQuestion;
using policy::RecordedQuestions;

std::string text_of(const json::Value& record, std::string_view member) {
  const std::string* text = record.find_string(member);
  return text ? *text : std::string();
}

json::Value unexplained(std::string sentence) { return json::Value{{"explained", false}, {"sentence", std::move(sentence)}}; }

// Which arguments the policies of then read, and the record does not tell.
std::vector<std::string> missing_arguments(const RecordedQuestion& recorded, const policy::Question& question, const policy::CedarPolicy& policy) {
  std::vector<std::string> missing(recorded.arguments_not_kept.begin(), recorded.arguments_not_kept.end());
  const auto read = policy.arguments_read(question);
  if (question.action != policy::Action::call || !read) return missing;
  for (const auto& [name, kept] : read->members) {
    if (!recorded.arguments_recorded.contains(name)) missing.push_back(name);
  }
  return missing;
}

class RecordExplainer {
 public:
  RecordExplainer(const json::Value& record, const RecordedQuestions& recorded, const policy::World& then, const PolicyThen& policy)
      : record_(record), recorded_(recorded), then_(then), policy_(policy) {}

  json::Value take() {
    for (const RecordedQuestion& question : recorded_.questions) add(question);
    if (is_refused_otherwise()) {
      sentence_ = "policy allowed what it was asked; the refusal has a reason of its own: `" + text_of(record_, "reason") + "`";
      if (const std::string above = text_of(record_, policy::kScopesAboveCeiling); !above.empty()) sentence_ += " (the issuer's `scope_ceiling` does not include " + above + ")";
    }
    if (!recorded_.is_whole) not_recorded_.push_back("a name or list that was too long for the record");
    json::Value explanation{{"explained", true}, {"sentence", sentence_}, {"legs", std::move(legs_)}, {"policy_number", static_cast<std::int64_t>(policy_.number)}};
    if (!not_recorded_.empty()) explanation.set("not_recorded", json::from_strings(not_recorded_));
    suggest(explanation);
    return explanation;
  }

 private:
  bool is_refused_otherwise() const {
    const auto& questions = recorded_.questions;
    return text_of(record_, "effect") == "deny" && !lacks_scope() && std::all_of(questions.begin(), questions.end(), [](const RecordedQuestion& one) { return one.allowed; });
  }
  bool lacks_scope() const { return text_of(record_, "reason") == "insufficient_scope"; }

  void add(const RecordedQuestion& recorded) {
    policy::Leg leg;
    leg.inquiry = recorded.inquiry;
    leg.allowed = recorded.allowed;
    const auto question = policy::question_of(recorded.inquiry, then_);
    json::Value told;
    if (!question) {
      leg.refused = question.error();
      leg.sentence = "cannot be asked again: " + question.error().sentence;
      told = to_json(leg);
    } else {
      policy::ExplanationOptions options{text_of(record_, "user_name"), std::nullopt};
      const auto missing = missing_arguments(recorded, *question, *policy_.bundle.policy);
      if (question->action == policy::Action::call) {
        options.known_arguments = recorded.arguments_recorded;
        for (const std::string& name : missing) {
          options.known_arguments->erase(name);
          not_recorded_.push_back("the argument `" + name + "`" + (recorded.arguments_not_kept.contains(name) ? ": its digest only" : ""));
        }
        if (!missing.empty()) is_complete_ = false;
      }
      leg.explanation = policy::explain(*question, policy_.bundle, options);
      leg.sentence = leg.explanation->sentence;
      const bool is_same = leg.explanation->decision.allowed == recorded.allowed;
      // What was said then counts; asking again can only be as good as what was recorded.
      if (!is_same) {
        leg.sentence = std::string(recorded.allowed ? "allowed" : "denied") + " then, by " + (text_of(record_, "policy").empty() ? "no policy" : text_of(record_, "policy")) + "; asked again with what was recorded, the answer is another: " + leg.sentence;
        is_complete_ = false;
      }
      told = to_json(leg);
      told.set("asked_again", is_same ? "same" : "differs");
    }
    if (!recorded.allowed || sentence_.empty() || &recorded == &recorded_.questions.back()) sentence_ = leg.sentence;
    legs_.push_back(std::move(told));
  }

  void suggest(json::Value& explanation) {
    if (text_of(record_, "effect") != "deny") return;
    const RecordedQuestion& last = recorded_.questions.back();
    if (lacks_scope()) {
      const std::string scope = text_of(record_, "scope");
      sentence_ = "policy allows the call, but the agent's token has none of the scopes that `" + last.inquiry.tool + "` needs";
      explanation.set("sentence", sentence_);
      if (scope.empty()) return add_change(explanation, last.inquiry);
      explanation.set("change", json::Value{{"kind", "acquire_scope"}, {"sentence", "let the agent ask for a token with the scope `" + scope + "`, which policy grants"},
                                            {"consequence", "nobody's access has to change"}, {"value", scope}});
      return;
    }
    if (!is_refused_otherwise()) add_change(explanation, last.inquiry);
  }

  void add_change(json::Value& explanation, const policy::Inquiry& wanted) {
    if (!is_complete_) {
      explanation.set("no_change", "no change is suggested, because what was recorded is not enough to verify one");
      return;
    }
    const policy::AccessChain chain = policy::explain_access(wanted, then_, policy_.bundle, policy_.files);
    if (chain.change) explanation.set("change", to_json(*chain.change));
    else if (!chain.no_change.empty()) explanation.set("no_change", chain.no_change);
  }

  const json::Value& record_;
  const RecordedQuestions& recorded_;
  const policy::World& then_;
  const PolicyThen& policy_;
  json::Array legs_;
  std::vector<std::string> not_recorded_;
  std::string sentence_;
  bool is_complete_ = true;
};

// What the same question gets now; nothing when it cannot be asked.
std::optional<json::Value> today(const RecordedQuestion& recorded, const Administration& administration, const PolicyThen& active) {
  const auto snapshot = administration.snapshot();
  const auto tools = administration.tools_of(*snapshot);
  const policy::World world{*snapshot, *tools, administration.issuer()};
  policy::Inquiry inquiry = recorded.inquiry;
  const auto question = policy::question_of(inquiry, world);
  if (!question) return json::Value{{"allowed", false}, {"sentence", question.error().sentence}};
  if (!missing_arguments(recorded, *question, *active.bundle.policy).empty()) return std::nullopt;
  const policy::Decision decision = active.bundle.policy->decide(*question);
  return json::Value{{"allowed", decision.allowed}, {"sentence", std::string(decision.allowed ? "asked today it would be allowed" : "asked today it would still be denied")}};
}

}  // namespace

Task<Result<json::Value, Unavailable>> explain_record(Administration& administration, json::Value record) {
  const auto recorded = policy::read_recorded_questions(record);
  if (!recorded) co_return unexplained("no policy was asked: this was refused before, for the reason `" + text_of(record, "reason") + "`");
  const auto objects = co_await administration.past().objects_at(recorded->object_sequence);
  if (!objects) co_return unexpected(objects.error());
  if (!*objects) co_return unexplained("the objects as they were then (change " + std::to_string(recorded->object_sequence) + ") cannot be read any more");
  std::string version = recorded->policy_version;
  std::string wanted = version;
  const auto policy = co_await administration.past().policy(std::move(wanted));
  if (!policy) co_return unexpected(policy.error());
  if (!*policy) co_return unexplained("the policy of then (version " + version.substr(0, 12) + ") is not in the history");
  std::shared_ptr<const PolicyThen> active;
  if (const auto catalogue = administration.catalogue(); catalogue->policy) {
    std::string now = catalogue->policy->hash;
    const auto found = co_await administration.past().policy(std::move(now));
    if (found) active = *found;
  }
  json::Value explanation;
  std::function<void()> explaining = [&] {
    const auto tools = administration.tools_of(**objects);
    const policy::World then{**objects, *tools, administration.issuer()};
    explanation = RecordExplainer(record, *recorded, then, **policy).take();
    auto now = active ? today(recorded->questions.back(), administration, *active) : std::nullopt;
    if (now) explanation.set("today", std::move(*now));
  };
  co_await administration.worker().run(std::move(explaining));
  co_return explanation;
}

}  // namespace writ::admin
