// cedar-corpus DIR…: runs every test of the corpus below each folder and prints where we differ.

#include <algorithm>
#include <cstdio>
#include <map>

#include "cedar/authorize.h"
#include "cedar/entity_validation.h"
#include "cedar/request_validation.h"
#include "cedar/schema.h"
#include "cedar/validation.h"
#include "cedar/parser.h"
#include "cedar/policy_json.h"
#include "cedar/print.h"
#include "cedar/value_json.h"
#include "corpus_test_file.h"

namespace writ::cedar::corpus {
namespace {

constexpr int kDifferencesShown = 20;

// Counts what agrees and what differs, by what is compared.
class Tally {
 public:
  void count(const char* what, bool agrees, const std::string& where, const std::string& difference) {
    Counts& counts = counts_[what];
    ++(agrees ? counts.passed : counts.failed);
    if (agrees || ++differences_ > kDifferencesShown) return;
    std::printf("%s: %s: %s\n", where.c_str(), what, difference.c_str());
  }
  void count_test(bool passed) { ++(passed ? tests_.passed : tests_.failed); }
  int differences() const { return differences_; }

  int report() const {
    for (const auto& [what, counts] : counts_) std::printf("%-22s %7d agree, %d differ\n", what.c_str(), counts.passed, counts.failed);
    std::printf("%d passed, %d failed\n", tests_.passed, tests_.failed);
    return tests_.failed == 0 && tests_.passed > 0 ? 0 : 1;
  }

 private:
  struct Counts {
    int passed = 0;
    int failed = 0;
  };
  std::map<std::string, Counts> counts_;
  Counts tests_;
  int differences_ = 0;
};

std::string join(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return "[" + out + "]";
}

// The context is read as its action expects; an unknown action expects nothing.
Result<Request, Message> read_request(const json::Value& json, const Schema& schema, Arena& arena) {
  static const json::Value kNothing;
  const auto member = [&](std::string_view name) -> const json::Value& {
    const json::Value* found = json.find(name);
    return found == nullptr ? kNothing : *found;
  };
  Request request{TRY(read_entity_uid(member("principal"), arena)), TRY(read_entity_uid(member("action"), arena)),
                  TRY(read_entity_uid(member("resource"), arena))};
  const Action* action = schema.find_action(request.action);
  request.context = TRY(read_context(member("context"), arena, action == nullptr ? nullptr : action->context));
  return request;
}

void run_request(const Schema& schema, const PolicySet& policies, const Entities& entities, const json::Value& json, const std::string& file,
                 Tally& tally) {
  const ExpectedAnswer expected = expected_answer(json);
  const std::string where = file + " (" + expected.description + ")";
  Arena arena;
  const auto request = read_request(json, schema, arena);
  if (!request) return tally.count("request", false, where, request.error().summary());
  if (expected.is_validated) {
    const auto valid = validate_request(*request, schema);
    tally.count("request validation", valid.has_value(), where, valid ? "" : valid.error().detail);
  }
  const Answer answer = authorize(policies, entities, *request, arena);
  const bool is_allowed = answer.decision == Decision::allow;
  std::vector<std::string> determining, errors;
  for (const CompiledPolicy* policy : answer.determining) determining.emplace_back(policy->id());
  for (const PolicyError& error : answer.errors) errors.emplace_back(error.policy->id());
  std::sort(determining.begin(), determining.end());
  std::sort(errors.begin(), errors.end());
  tally.count("decision", is_allowed == expected.is_allowed, where, std::string("decided ") + (is_allowed ? "allow" : "deny"));
  tally.count("determining policies", determining == expected.determining, where, "found " + join(determining) + ", expected " + join(expected.determining));
  tally.count("erroring policies", errors == expected.errors, where, "found " + join(errors) + ", expected " + join(expected.errors));
}

// Printing and the JSON form lose nothing, on the way there and back.
void check_forms(const ast::Policies& policies, const std::string& file, Tally& tally) {
  const std::string text = print(policies);
  const auto again = parse_policies(text);
  tally.count("printed text parses", again.has_value(), file, again ? "" : again.error().render());
  if (!again) return;
  tally.count("printing twice", print(*again) == text, file, text);
  for (std::size_t i = 0; i < policies.policies.size(); ++i) {
    const json::Value json = to_json(policies.policies[i]);
    tally.count("printed policy is same", i < again->policies.size() && to_json(again->policies[i]) == json, file, print(policies.policies[i]));
    const auto read = read_policy(json);
    tally.count("JSON form reads back", read && to_json(read->policies[0]) == json, file,
                read ? print(read->policies[0]) + " from " + json::write(json) : read.error().summary());
  }
}

std::string describe(const Validation& validation) {
  for (const Finding& finding : validation.findings)
    if (is_error(finding.problem)) return std::string(to_string(finding.problem)) + " in " + finding.policy_id + ": " + finding.message.summary();
  return "found valid";
}

void run_test(const std::filesystem::path& folder, const std::filesystem::path& path, Tally& tally) {
  const std::string file = path.lexically_relative(folder).string();
  const int differences = tally.differences();
  const auto run = [&] {
    const auto test = read_test_file(folder, path);
    if (!test) return tally.count("file", false, file, test.error());
    const auto parsed = parse_policies(test->policies);
    if (!parsed) return tally.count("policies", false, file, parsed.error().render());
    check_forms(*parsed, file, tally);
    const PolicySet policies = PolicySet::compile(*parsed);
    const auto schema = Schema::parse(test->schema);
    if (!schema) return tally.count("schema", false, file, schema.error().summary());
    const Validation validation = validate(*schema, policies);
    tally.count("strict validation", validation.is_valid() == test->should_validate, file, describe(validation));
    const auto entities = read_valid_entities(test->entities, *schema);
    if (!entities) return tally.count("entities", false, file, entities.error().summary());
    for (const json::Value& request : *test->json.find_array("requests")) run_request(*schema, policies, *entities, request, file, tally);
  };
  run();
  tally.count_test(tally.differences() == differences);
}

}  // namespace
}  // namespace writ::cedar::corpus

int main(int argc, char** argv) {
  using namespace writ::cedar::corpus;
  if (argc < 2) {
    std::fprintf(stderr, "usage: cedar-corpus DIR...\n");
    return 2;
  }
  Tally tally;
  for (int i = 1; i < argc; ++i) {
    const auto files = find_test_files(argv[i]);
    if (!files) {
      std::fprintf(stderr, "%s\n", files.error().c_str());
      return 1;
    }
    for (const auto& path : *files) run_test(argv[i], path, tally);
  }
  return tally.report();
}
