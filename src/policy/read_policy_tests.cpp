#include <algorithm>
#include <set>

#include "policy/policy_tests.h"
#include "registry/fields.h"

namespace writ::policy {
namespace {

using registry::Fields;
using registry::Node;
using registry::Problems;

constexpr std::size_t kTestsMax = 10'000;

// What all questions of a row share.
struct Circumstances {
  std::string agent, server, issuer, ip;
  Authentication authentication;
  Instant now = kTestTime;
};

void read_circumstances(Fields& fields, Circumstances& circumstances) {
  circumstances.issuer = fields.text("issuer", circumstances.issuer);
  circumstances.ip = fields.text("ip", circumstances.ip);
  circumstances.authentication.acr = fields.text("acr", circumstances.authentication.acr);
  if (fields.has("amr")) circumstances.authentication.amr = fields.texts("amr");
  circumstances.authentication.age = fields.duration("age", circumstances.authentication.age, Seconds{0}, std::chrono::days{36500});
  if (const auto now = fields.instant("now")) circumstances.now = *now;
}

std::vector<std::string> reasons() {
  std::vector<std::string> words;
  for (int kind = 0; to_string(static_cast<Kind>(kind)) != "unknown"; ++kind) words.emplace_back(to_string(static_cast<Kind>(kind)));
  return words;
}

// `tool: x` or `tools: [x, y]`.
std::vector<std::string> one_or_many(Fields& fields, const char* one, const char* many) {
  std::vector<std::string> values = fields.texts(many);
  if (const std::string value = fields.text(one); !value.empty()) {
    if (fields.has(many)) fields.error(fields.at(one), "write either `" + std::string(one) + "` or `" + many + "`, not both");
    values = {value};
  }
  return values;
}

struct Person {
  std::string name;
  std::optional<Principal> made_up;
};

Principal read_person(const Node& node, Problems& problems) {
  Fields fields(node, "a person", problems);
  Principal person;
  person.id = fields.text("id", "usr_somebody");
  person.groups = fields.texts("groups");
  person.issuer = fields.text("issuer");
  person.email = fields.text("email");
  person.department = fields.text("department");
  person.title = fields.text("title");
  if (const Node* tags = fields.find("tags")) {
    Fields by_name(*tags, "`tags`", problems);
    for (const auto& tag : tags->entries) {
      const auto values = by_name.texts(tag.name);
      person.tags[tag.name] = {values.begin(), values.end()};
    }
  }
  fields.finish();
  return person;
}

class RowReader {
 public:
  RowReader(const Node& node, Circumstances circumstances, const std::map<std::string, std::shared_ptr<const ToolFacts>, std::less<>>& definitions,
            Problems& problems)
      : node_(node), fields_(node, "a test", problems), circumstances_(std::move(circumstances)), definitions_(definitions), problems_(problems) {}

  // The shared part of the row's tests; `by` and its place are judged by the caller.
  void read(std::vector<PolicyTest>& tests) {
    PolicyTest test;
    test.at = node_.at;
    test.name = fields_.required_text("name");
    fields_.find("description");   // for the reader of the file
    read_circumstances(fields_, circumstances_);
    const std::vector<Person> people = read_people();
    std::vector<std::string> agents = one_or_many(fields_, "agent", "agents");
    if (agents.empty() && !circumstances_.agent.empty()) agents = {circumstances_.agent};
    if (agents.empty() && !fields_.has("agent") && !fields_.has("agents")) missing("agent");
    const std::vector<Inquiry> subjects = read_subjects();
    read_expectation(test);
    fields_.finish();
    if (node_.kind != Node::Kind::mapping) return;
    if (people.size() * agents.size() * subjects.size() > kTestsMax) {
      problems_.push_back({node_.at, "this test asks more than " + std::to_string(kTestsMax) + " questions"});
      return;
    }
    for (const Person& person : people) {
      for (const std::string& agent : agents) {
        for (const Inquiry& subject : subjects) tests.push_back(test_of(test, person, agent, subject));
      }
    }
  }

 private:
  void missing(const std::string& what) {
    if (node_.kind == Node::Kind::mapping) problems_.push_back({node_.at, "a test needs `" + what + "` or `" + what + "s`"});
  }

  std::vector<Person> read_people() {
    std::vector<Person> people;
    const auto add = [&](const Node& node) {
      if (node.kind == Node::Kind::mapping) people.push_back({"", read_person(node, problems_)});
      else if (node.kind == Node::Kind::text && !node.text.empty()) people.push_back({node.text, std::nullopt});
      else fields_.wrong_type("user", node, "a name, or what is known of somebody: {groups: [eng]}");
    };
    const Node* one = fields_.find("user");
    const std::vector<Node>& many = fields_.list("users");
    if (one && fields_.has("users")) fields_.error(one->at, "write either `user` or `users`, not both");
    if (one) add(*one);
    else for (const Node& node : many) add(node);
    if (!one && !fields_.has("users")) missing("user");
    return people;
  }

  // What is asked about: tools, scopes, resources or prompts of servers, or connecting to them.
  std::vector<Inquiry> read_subjects() {
    std::vector<std::string> servers = one_or_many(fields_, "server", "servers");
    if (servers.empty() && !circumstances_.server.empty() && !fields_.has("servers")) servers = {circumstances_.server};
    struct Sort {
      const char *one, *many;
      Action action;
      std::string Inquiry::*member;
    };
    static constexpr Sort kSorts[] = {{"tool", "tools", Action::call, &Inquiry::tool},
                                      {"scope", "scopes", Action::grant_scope, &Inquiry::scope},
                                      {"resource", "resources", Action::read_resource, &Inquiry::uri_or_prompt},
                                      {"prompt", "prompts", Action::get_prompt, &Inquiry::uri_or_prompt}};
    const Sort* sort = nullptr;
    std::vector<std::string> names;
    for (const Sort& candidate : kSorts) {
      const auto found = one_or_many(fields_, candidate.one, candidate.many);
      if (!fields_.has(candidate.one) && !fields_.has(candidate.many)) continue;
      if (sort) fields_.error(fields_.at(fields_.has(candidate.one) ? candidate.one : candidate.many), "a test is about one of `tool`, `scope`, `resource` and `prompt`");
      sort = &candidate;
      names = found;
    }
    Inquiry subject;
    subject.action = read_action(sort ? sort->action : Action::connect);
    read_arguments(subject);
    std::vector<Inquiry> subjects;
    if (!sort && servers.empty() && !fields_.has("server") && !fields_.has("servers")) missing("server");
    for (const std::string& server : servers) {
      subject.server = server;
      if (!sort) subjects.push_back(subject);
      for (const std::string& name : names) subject.*(sort->member) = name, subjects.push_back(subject);
    }
    if (sort && servers.empty()) {
      for (const std::string& name : names) {
        const auto slash = name.find('/');
        if (slash == std::string::npos || slash == 0 || sort->action == Action::read_resource) {
          fields_.error(fields_.at(fields_.has(sort->one) ? sort->one : sort->many),
                        "a test of a " + std::string(sort->one) + " needs `server`" + (sort->action == Action::read_resource ? "" : ", or the name as server/" + std::string(sort->one)));
          break;
        }
        subject.server = name.substr(0, slash);
        subject.*(sort->member) = name.substr(slash + 1);
        subjects.push_back(subject);
      }
    }
    for (Inquiry& each : subjects) {
      if (each.action != Action::call) continue;
      const auto known = definitions_.find(each.server + "/" + each.tool);
      if (known != definitions_.end()) each.definition = known->second;
      if (own_definition_) each.definition = own_definition_;
    }
    return subjects;
  }

  Action read_action(Action of_sort) {
    std::vector<std::pair<std::string, Action>> choices;
    if (of_sort == Action::read_resource) choices = {{"read", Action::read_resource}, {"subscribe", Action::subscribe}, {"complete", Action::complete}};
    if (of_sort == Action::get_prompt) choices = {{"get", Action::get_prompt}, {"complete", Action::complete}};
    if (choices.empty()) return of_sort;   // an `action` is then an unknown key
    return fields_.choice("action", of_sort, choices);
  }

  void read_arguments(Inquiry& subject) {
    const Node *arguments = node_.find("arguments"), *definition = node_.find("definition");
    if (subject.action != Action::call) {
      for (const char* member : {"arguments", "definition"}) {
        if (node_.find(member)) fields_.find(member), fields_.error(fields_.at(member), "only a test of a tool has `" + std::string(member) + "`");
      }
      return;
    }
    fields_.find("arguments");
    fields_.find("definition");
    subject.arguments = json::Object{};   // a call without arguments
    if (arguments && arguments->kind == Node::Kind::mapping) subject.arguments = registry::to_json(*arguments);
    else if (arguments && arguments->kind != Node::Kind::null) fields_.wrong_type("arguments", *arguments, "a mapping of names to values");
    if (definition && definition->kind == Node::Kind::mapping) own_definition_ = std::make_shared<ToolFacts>(read_tool_facts(registry::to_json(*definition)));
    else if (definition) fields_.wrong_type("definition", *definition, "a mapping, as an element of tools/list");
  }

  void read_expectation(PolicyTest& test) {
    if (!fields_.has("expect") && node_.kind == Node::Kind::mapping) problems_.push_back({node_.at, "a test needs `expect`: allow or deny"});
    test.allow = fields_.choice("expect", false, std::vector<std::pair<std::string, bool>>{{"allow", true}, {"deny", false}});
    const Node* by = node_.find("by");
    test.by = by && by->kind == Node::Kind::text ? std::vector<std::string>{fields_.text("by")} : fields_.texts("by");
    std::vector<std::pair<std::string, std::string>> choices;
    for (const std::string& reason : reasons()) choices.emplace_back(reason, reason);
    test.reason = fields_.choice("reason", std::string(), choices);
    if (!test.reason.empty() && test.allow != (test.reason == "allowed")) {
      fields_.error(fields_.at("reason"), "`" + test.reason + "` is no reason to " + (test.allow ? "allow" : "deny"));
    }
  }

  PolicyTest test_of(PolicyTest test, const Person& person, const std::string& agent, const Inquiry& subject) const {
    test.inquiry = subject;
    test.inquiry.user = person.name;
    test.inquiry.person = person.made_up;
    test.inquiry.agent = agent;
    test.inquiry.issuer = circumstances_.issuer;
    test.inquiry.ip = circumstances_.ip;
    test.inquiry.authentication = circumstances_.authentication;
    test.inquiry.now = circumstances_.now;
    test.inquiry.also_disabled = true;
    return test;
  }

  const Node& node_;
  Fields fields_;
  Circumstances circumstances_;
  const std::map<std::string, std::shared_ptr<const ToolFacts>, std::less<>>& definitions_;
  std::shared_ptr<const ToolFacts> own_definition_;
  Problems& problems_;
};

// `by` names policies that exist: a test that waits for one that is gone would say the wrong thing of the one that took its place.
void check_by(const Node& row, const std::set<std::string>& known, Problems& problems) {
  const Node* by = row.kind == Node::Kind::mapping ? row.find("by") : nullptr;
  if (!by) return;
  const auto check = [&](const Node& name) {
    if (name.kind != Node::Kind::text || known.contains(name.text)) return;
    std::string message = "there is no policy `" + name.text.substr(0, 80) + "` in the bundle";
    if (const std::string meant = registry::nearest(name.text, {known.begin(), known.end()}); !meant.empty()) message += "; did you mean `" + meant + "`?";
    problems.push_back({name.at, std::move(message)});
  };
  if (by->kind == Node::Kind::text) check(*by);
  for (const Node& name : by->items) check(name);
}

}  // namespace

std::vector<PolicyTest> read_policy_tests(const Node& root, const CedarPolicy* policies, Problems& problems) {
  std::vector<PolicyTest> tests;
  if (root.kind == Node::Kind::null) return tests;
  Fields fields(root, "a file of policy tests", problems);
  Circumstances defaults;
  static const Node kNone{Node::Kind::mapping, {}, {}, false, 0, 0, {}, {}};
  const Node* given = fields.find("defaults");
  Fields of_all(given ? *given : kNone, "`defaults`", problems);
  defaults.agent = of_all.text("agent");
  defaults.server = of_all.text("server");
  read_circumstances(of_all, defaults);
  of_all.finish();

  std::map<std::string, std::shared_ptr<const ToolFacts>, std::less<>> definitions;
  if (const Node* node = fields.find("definitions")) {
    Fields by_name(*node, "`definitions`", problems);
    for (const auto& entry : node->entries) {
      by_name.find(entry.name);
      const bool is_named = entry.name.find('/') != std::string::npos;
      if (!is_named) by_name.error(entry.at, "a definition is named server/tool, for example `github/" + entry.name.substr(0, 60) + "`");
      else if (entry.value.kind != Node::Kind::mapping) by_name.wrong_type(entry.name, entry.value, "a mapping, as an element of tools/list");
      else definitions.emplace(entry.name, std::make_shared<ToolFacts>(read_tool_facts(registry::to_json(entry.value))));
    }
  }
  std::set<std::string> known;
  if (policies) {
    for (const auto& policy : policies->policies().policies()) {
      known.insert(shown_id(policy.id()));
      known.insert(policies->place(policy).file);
    }
  }
  for (const Node& row : fields.list("tests")) {
    RowReader(row, defaults, definitions, problems).read(tests);
    if (policies) check_by(row, known, problems);
    if (tests.size() > kTestsMax) {
      problems.push_back({row.at, "the tests of a bundle ask at most " + std::to_string(kTestsMax) + " questions"});
      break;
    }
  }
  fields.finish();
  return tests;
}

}  // namespace writ::policy
