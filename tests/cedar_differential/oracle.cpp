// cedar-oracle: answers what Writ's Cedar engine makes of a case, so that a test can compare it with another engine. One JSON object a
// line on standard input:
//   {"schema": TEXT or OBJECT, "policies": TEXT, "entities": [..], "requests": [{"principal", "action", "resource", "context"}, ..]}
// and one a line on standard output:
//   {"schema": BOOL, "policies": BOOL, "valid": BOOL or null, "entities": BOOL,
//    "answers": [{"request": BOOL, "decision": "allow" | "deny", "reason": [..], "errors": [..]}, ..], "why": [..]}
// Without a schema that can be read, entities and requests are taken without one. `why` explains refusals, for people.

#include <algorithm>
#include <iostream>
#include <string>

#include "cedar/authorize.h"
#include "cedar/entity_validation.h"
#include "cedar/parser.h"
#include "cedar/policy_set.h"
#include "cedar/request_validation.h"
#include "cedar/schema.h"
#include "cedar/validation.h"
#include "cedar/value_json.h"
#include "encoding/json.h"

namespace writ::cedar {
namespace {

constexpr json::Limits kLimits{.bytes_max = 64u << 20, .depth_max = 500, .members_max = 1'000'000};

class Case {
 public:
  explicit Case(const json::Value& json) : json_(json) {}

  json::Value answer() {
    const auto schema = read_schema();
    answer_.set("schema", schema.has_value());
    const auto policies = PolicySet::parse(text("policies"));
    answer_.set("policies", policies.has_value());
    if (!policies) explain("policies", policies.error());
    answer_.set("valid", schema && policies ? json::Value(is_valid(*schema, *policies)) : json::Value());
    const auto entities = schema ? read_valid_entities(member("entities"), *schema) : read_entities(member("entities"));
    answer_.set("entities", entities.has_value());
    if (!entities) explain("entities", entities.error());
    json::Array answers;
    if (policies && entities && json_.find_array("requests") != nullptr)
      for (const json::Value& request : *json_.find_array("requests")) answers.push_back(decide(request, schema ? &*schema : nullptr, *policies, *entities));
    answer_.set("answers", std::move(answers));
    answer_.set("why", std::move(why_));
    return answer_;
  }

 private:
  const json::Value& member(std::string_view name) const {
    static const json::Value kNothing;
    const json::Value* found = json_.find(name);
    return found == nullptr ? kNothing : *found;
  }
  std::string text(std::string_view name) const {
    const std::string* found = json_.find_string(name);
    return found == nullptr ? std::string() : *found;
  }
  void explain(const char* what, const Message& message) { why_.emplace_back(std::string(what) + ": " + message.summary()); }

  Result<Schema, Message> read_schema() {
    const json::Value& given = member("schema");
    auto schema = given.is_string() ? Schema::parse(*given.as_string()) : Schema::parse_json(json::write(given));
    if (!schema) explain("schema", schema.error());
    return schema;
  }

  bool is_valid(const Schema& schema, const PolicySet& policies) {
    const Validation validation = validate(schema, policies);
    for (const Finding& finding : validation.findings)
      why_.emplace_back(finding.policy_id + ": " + std::string(to_string(finding.problem)) + ": " + finding.message.summary());
    return validation.is_valid();
  }

  static Result<Request, Message> read_request(const json::Value& json, const Schema* schema, Arena& arena) {
    const auto part = [&](std::string_view name) { return json.find(name) == nullptr ? json::Value() : *json.find(name); };
    const json::Value principal = part("principal"), action = part("action"), resource = part("resource"), context = part("context");
    Request request{TRY(read_entity_uid(principal, arena)), TRY(read_entity_uid(action, arena)), TRY(read_entity_uid(resource, arena))};
    const Action* declared = schema == nullptr ? nullptr : schema->find_action(request.action);
    if (schema != nullptr && declared == nullptr) return unexpected(message("the schema has no such action"));
    request.context = TRY(read_context(context, arena, declared == nullptr ? nullptr : declared->context));
    if (schema == nullptr) return request;
    if (const auto valid = validate_request(request, *schema); !valid) return unexpected(message(valid.error().detail));
    return request;
  }

  json::Value decide(const json::Value& json, const Schema* schema, const PolicySet& policies, const Entities& entities) {
    Arena arena;
    const auto request = read_request(json, schema, arena);
    if (!request) {
      explain("request", request.error());
      return {{"request", false}};
    }
    const Answer answer = authorize(policies, entities, *request, arena);
    std::vector<std::string> reason, errors;
    for (const CompiledPolicy* policy : answer.determining) reason.emplace_back(policy->id());
    for (const PolicyError& error : answer.errors) errors.emplace_back(error.policy->id());
    std::sort(reason.begin(), reason.end());
    std::sort(errors.begin(), errors.end());
    return {{"request", true},
            {"decision", answer.decision == Decision::allow ? "allow" : "deny"},
            {"reason", json::from_strings(reason)},
            {"errors", json::from_strings(errors)}};
  }

  const json::Value& json_;
  json::Value answer_ = json::Object{};
  json::Array why_;
};

}  // namespace
}  // namespace writ::cedar

int main() {
  using namespace writ;
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto parsed = json::parse(line, cedar::kLimits);
    // A case that is no JSON we can read is one that the test should not have made.
    const json::Value answer = parsed ? cedar::Case(*parsed).answer() : json::Value{{"unreadable", std::string(json::to_string(parsed.error()))}};
    std::cout << json::write(answer) << std::endl;
  }
  return 0;
}
