// The tests of a bundle, asked about the objects that there are now.

#include "admin/handlers.h"
#include "policy/policy_tests.h"

namespace writ::admin {

namespace {

using policy::TestResult;
using policy::TestRun;

std::string_view to_string(TestResult::Outcome outcome) {
  switch (outcome) {
    case TestResult::Outcome::passed: return "passed";
    case TestResult::Outcome::failed: return "failed";
    case TestResult::Outcome::nobody: return "failed";   // who asks for the tests wants to know
  }
  return "failed";
}

json::Value to_json(const TestRun& run) {
  json::Array tests, unexercised;
  std::int64_t passed = 0, failed = 0;
  for (const TestResult& result : run.results) {
    const bool good = result.outcome == TestResult::Outcome::passed;
    ++(good ? passed : failed);
    json::Value item{{"name", result.test->name},  {"file", result.test->at.file},          {"line", result.test->at.line},
                     {"column", result.test->at.column}, {"question", result.question}, {"outcome", to_string(result.outcome)},
                     {"expected", result.test->allow ? "allow" : "deny"}, {"actual", result.allowed ? "allow" : "deny"}, {"reason", result.reason},
                     {"policies", json::from_strings(result.policies)}};
    if (!good) item.set("message", result.message);
    tests.push_back(std::move(item));
  }
  for (const policy::Unexercised& each : run.unexercised) {
    unexercised.push_back(json::Value{{"id", each.id}, {"file", each.place.file}, {"line", static_cast<std::int64_t>(each.place.line)},
                                      {"column", static_cast<std::int64_t>(each.place.column)}, {"satisfied", each.satisfied}});
  }
  json::Value coverage{{"policies", static_cast<std::int64_t>(run.policies)},
                       {"exercised", static_cast<std::int64_t>(run.policies - run.unexercised.size())},
                       {"unexercised", std::move(unexercised)}};
  return json::Value{{"passed", passed}, {"failed", failed}, {"tests", std::move(tests)}, {"coverage", std::move(coverage)}};
}

}  // namespace

// {files: {name: text}}, or {} for the active bundle.
Task<http::Response> test_policy(const Api& api, const Call& call) {
  policy::BundleFiles files;
  auto body = read_body(call.request);
  if (!body) co_return std::move(body).error();
  if (body->find("files")) {
    auto change = read_bundle_request(call);
    if (!change) co_return std::move(change).error();
    files = std::move(*change->policy);
  } else if (const auto catalogue = api.administration.catalogue(); catalogue->policy) {
    files = catalogue->policy->files;
  } else {
    co_return problem(404, "no policy is active", "send the `files` of a bundle");
  }
  const auto snapshot = api.administration.snapshot();
  http::Response response;
  std::function<void()> running = [&] {
    const auto bundle = policy::read_bundle(files, api.administration.parse_yaml());
    if (!bundle) {
      response = to_response(ChangeFailure{Invalid{bundle.error()}});
      return;
    }
    const auto tools = api.administration.tools_of(*snapshot);
    const policy::World world{*snapshot, *tools, api.administration.issuer()};
    response = answer(to_json(policy::run_policy_tests(bundle->tests, *bundle->policy, world)));
  };
  co_await api.administration.worker().run(std::move(running));
  co_return response;
}

}  // namespace writ::admin
