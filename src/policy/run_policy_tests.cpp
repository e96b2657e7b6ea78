#include <algorithm>
#include <map>
#include <set>

#include "policy/policy_tests.h"

namespace writ::policy {
namespace {

using Outcome = TestResult::Outcome;

std::string subject_of(const Inquiry& inquiry) {
  switch (inquiry.action) {
    case Action::connect: return "connecting to " + inquiry.server;
    case Action::grant_scope: return "scope " + inquiry.server + "/" + inquiry.scope;
    case Action::call: return inquiry.server + "/" + inquiry.tool;
    default: return std::string(to_string(inquiry.action)) + " " + inquiry.server + "/" + inquiry.uri_or_prompt;
  }
}

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(separator)) + word;
  return text;
}

std::string question_text(const Inquiry& inquiry) {
  std::string who = inquiry.user;
  if (inquiry.person) who = inquiry.person->groups.empty() ? "somebody without groups" : "somebody of " + joined(inquiry.person->groups, " and ");
  return who + " through " + inquiry.agent + ": " + subject_of(inquiry);
}

class Runner {
 public:
  Runner(const CedarPolicy& policy, const World& world) : policy_(policy), world_(world) {
    for (const auto& each : policy.policies().policies()) places_.emplace(shown_id(each.id()), &policy.place(each));
  }

  TestResult run(const PolicyTest& test) {
    TestResult result;
    result.test = &test;
    result.question = question_text(test.inquiry);
    Inquiry inquiry = test.inquiry;
    if (inquiry.person && !complete(*inquiry.person, inquiry, result.message)) {
      result.reason = "unknown_group";
      return result;
    }
    const auto question = question_of(inquiry, world_);
    if (!question) {
      result.reason = question.error().reason;
      result.message = question.error().sentence;
      if (result.reason == "unknown_user") result.outcome = Outcome::nobody;
      return result;
    }
    const Decision decision = policy_.decide(*question);
    result.allowed = decision.allowed;
    result.reason = std::string(to_string(decision.kind));
    result.policies = decision.policies;
    determining_.insert(decision.policies.begin(), decision.policies.end());
    if (!decision.allowed && decision.kind != Kind::no_permit) {
      for (std::string& id : policy_.satisfied(*question)) satisfied_.insert(std::move(id));
    }
    result.message = judge(test, result);
    if (result.message.empty()) result.outcome = Outcome::passed;
    return result;
  }

  // In the order of the bundle.
  std::vector<Unexercised> unexercised(std::size_t& total) const {
    std::vector<Unexercised> found;
    std::set<std::string> seen;
    for (const auto& each : policy_.policies().policies()) {
      std::string id = shown_id(each.id());
      if (!seen.insert(id).second || determining_.contains(id)) continue;
      const bool satisfied = satisfied_.contains(id);
      found.push_back({std::move(id), policy_.place(each), satisfied});
    }
    total = seen.size();
    return found;
  }

 private:
  // The groups above those that are named, and who vouches, as for somebody who exists. False: a group does not exist.
  bool complete(Principal& person, const Inquiry& inquiry, std::string& message) const {
    if (person.issuer.empty()) person.issuer = inquiry.issuer.empty() ? world_.issuer : inquiry.issuer;
    for (std::size_t i = 0; i < person.groups.size(); ++i) {
      const std::string name = person.groups[i];
      const registry::Group* group = world_.objects.group(name);
      if (!group) {
        std::vector<std::string> known;
        for (const auto& one : world_.objects.objects().groups) known.push_back(one.id);
        message = "there is no group `" + name.substr(0, 80) + "`";
        if (const std::string meant = registry::nearest(name, known); !meant.empty()) message += "; did you mean `" + meant + "`?";
        return false;
      }
      for (const std::string& parent : group->parents) {
        if (std::find(person.groups.begin(), person.groups.end(), parent) == person.groups.end()) person.groups.push_back(parent);
      }
    }
    return true;
  }

  // `no-delete` (policies/prod.cedar:4:1)
  std::string policy_text(const std::string& id) const {
    const auto place = places_.find(id);
    std::string text = "`" + id + "`";
    if (place != places_.end() && !id.starts_with(place->second->file + ":")) {
      text += " (" + place->second->file + ":" + std::to_string(place->second->line) + ":" + std::to_string(place->second->column) + ")";
    }
    return text;
  }

  std::string answer_text(const TestResult& result) const {
    std::vector<std::string> policies;
    for (const std::string& id : result.policies) policies.push_back(policy_text(id));
    const std::string by = policies.empty() ? "" : " by " + joined(policies, ", ");
    if (result.allowed) return "allowed" + by;
    if (result.reason == to_string(Kind::no_permit)) return "denied: no policy permits it";
    if (result.reason == to_string(Kind::forbidden)) return "denied" + by;
    return "denied" + by + " (" + result.reason + ")";
  }

  bool decided(const TestResult& result, const std::string& expected) const {
    return std::any_of(result.policies.begin(), result.policies.end(), [&](const std::string& id) {
      const auto place = places_.find(id);
      return id == expected || (place != places_.end() && place->second->file == expected);
    });
  }

  // Empty: what came is what was expected.
  std::string judge(const PolicyTest& test, const TestResult& result) const {
    if (test.allow != result.allowed) return std::string("expected ") + (test.allow ? "allow" : "deny") + ", but it is " + answer_text(result);
    for (const std::string& expected : test.by) {
      if (!decided(result, expected)) return "expected that `" + expected + "` decides, but it is " + answer_text(result);
    }
    if (!test.reason.empty() && test.reason != result.reason) return "expected the reason `" + test.reason + "`, but it is " + answer_text(result);
    return {};
  }

  const CedarPolicy& policy_;
  const World& world_;
  std::map<std::string, const PolicyPlace*> places_;
  std::set<std::string> determining_, satisfied_;
};

}  // namespace

std::size_t TestRun::count(Outcome outcome) const {
  return static_cast<std::size_t>(std::count_if(results.begin(), results.end(), [outcome](const TestResult& result) { return result.outcome == outcome; }));
}

TestRun run_policy_tests(const std::vector<PolicyTest>& tests, const CedarPolicy& policy, const World& world) {
  TestRun run;
  Runner runner(policy, world);
  for (const PolicyTest& test : tests) run.results.push_back(runner.run(test));
  run.unexercised = runner.unexercised(run.policies);
  return run;
}

registry::Problems problems_of(const TestRun& run, bool policy_changes) {
  registry::Problems problems;
  for (const TestResult& result : run.results) {
    if (result.outcome == Outcome::passed) continue;
    const bool is_warning = result.outcome == Outcome::nobody && !policy_changes;
    std::string message = "test `" + result.test->name + "`: " + result.question + ": " + result.message;
    if (result.outcome == Outcome::nobody) message += "; a test can also say what is known of somebody, user: {groups: [eng]}, and then outlives the person";
    problems.push_back({result.test->at, std::move(message), is_warning, is_warning ? "test-of-nobody" : "failed-test"});
  }
  return problems;
}

}  // namespace writ::policy
