// writ policy: whether a bundle could be activated, and activating it. Its other words are in policy_*.cpp.

#include <cstdio>
#include <memory>

#include "adapters/yaml/bundle_files.h"
#include "commands.h"
#include "output.h"
#include "policy_preview.h"
#include "policy_shadow.h"
#include "policy_words.h"

namespace writ::cli::admin {

std::optional<json::Value> read_bundle_argument(Context& context, const std::string& path) {
  const auto files = yaml::read_bundle_files(path);
  if (!files) {
    std::fprintf(stderr, "writ: %s\n", safe(files.error()).c_str());
    context.exit_code = kFailed;
    return std::nullopt;
  }
  json::Value texts = json::Object{};
  for (const auto& [name, text] : *files) texts.set(name, text);
  return texts;
}

std::string place_text(const json::Value& item) { return text_of(item, "file") + ":" + text_of(item, "line") + ":" + text_of(item, "column"); }

void print_activation(const Answer& answer, bool activated) {
  for (const auto& warning : *answer.body.find_array("warnings")) print_problem(warning);
  const auto* changes = answer.body.find_bool("policy_changes");
  const std::string version = text_of(answer.body, "policy_version").substr(0, 12);
  if (!changes || !*changes) {
    std::printf("version %s is active already\n", version.c_str());
  } else {
    std::printf(activated ? "version %s is active\n" : "good; it would be version %s\n", version.c_str());
  }
}

namespace {

void send_bundle(Context& context, const std::string& path, const std::string& reason, bool activate) {
  auto files = read_bundle_argument(context, path);
  if (!files) return;
  const AdminClient client(context);
  const auto answer = client.ask(context, activate ? "PUT" : "POST", activate ? "/admin/v1/policy" : "/admin/v1/policy/check", json::Value{{"files", std::move(*files)}, {"reason", reason}});
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  print_activation(*answer, activate);
}

}  // namespace

void add_policy(CLI::App& parent, Context& context) {
  CLI::App* command = parent.add_subcommand("policy", "who may do what");
  command->require_subcommand(1);
  add_policy_preview(*command, context);
  const auto path = std::make_shared<std::string>(), reason = std::make_shared<std::string>();
  CLI::App* check = command->add_subcommand("check", "whether a bundle could be activated: errors, warnings and its tests (exit code 7 when only tests fail)");
  check->add_option("path", *path, "a folder with grants.yaml, policies/*.cedar and policy-tests.yaml")->required();
  check->callback([&context, path] { send_bundle(context, *path, "", false); });
  CLI::App* apply = command->add_subcommand("apply", "activate a bundle, whole or not at all");
  apply->add_option("path", *path, "a folder with grants.yaml, policies/*.cedar and policy-tests.yaml")->required();
  apply->add_option("-m,--reason", *reason, "why, for the history")->required();
  apply->callback([&context, path, reason] { send_bundle(context, *path, *reason, true); });
  add_policy_test(*command, context);
  add_policy_versions(*command, context);
  add_policy_shadow(*command, context);
}

}  // namespace writ::cli::admin
