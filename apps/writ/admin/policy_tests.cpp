// writ policy test: the tests of a bundle, against the objects that the server has.

#include <cstdio>
#include <fstream>
#include <memory>

#include "output.h"
#include "policy_words.h"
#include "test_report.h"

namespace writ::cli::admin {
namespace {

struct Arguments {
  std::string path, junit;
  bool tap = false;
};

void test(Context& context, const Arguments& arguments) {
  json::Value request = json::Object{};
  if (!arguments.path.empty()) {
    auto files = read_bundle_argument(context, arguments.path);
    if (!files) return;
    request.set("files", std::move(*files));
  }
  const AdminClient client(context);
  const auto answer = client.ask(context, "POST", "/admin/v1/policy/test", request);
  if (!answer) return;
  if (!arguments.junit.empty()) {
    std::ofstream file(arguments.junit);
    file << junit_report(answer->body);
    if (!file.flush()) {
      std::fprintf(stderr, "writ: cannot write `%s`\n", safe(arguments.junit).c_str());
      context.exit_code = kFailed;
      return;
    }
  }
  if (context.json) print_json(answer->body);
  else std::fputs(safe(arguments.tap ? tap_report(answer->body) : test_report(answer->body)).c_str(), stdout);
  const auto* failed = answer->body.find_int("failed");
  context.exit_code = failed && *failed == 0 ? kDone : kDifference;
}

}  // namespace

void add_policy_test(CLI::App& policy, Context& context) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = policy.add_subcommand("test", "run the tests of a bundle (exit code 7 when one fails); without a folder those of the active one");
  command->add_option("path", arguments->path, "a folder with policy-tests.yaml and the policy that it tests");
  command->add_flag("--tap", arguments->tap, "Test Anything Protocol on standard output");
  command->add_option("--junit", arguments->junit, "also write a JUnit report to this file");
  command->callback([&context, arguments] { test(context, *arguments); });
}

}  // namespace writ::cli::admin
