// writ policy: what is active, what was, and what shall be.

#include <cstdio>
#include <memory>

#include "admin_client.h"
#include "commands.h"
#include "adapters/yaml/bundle_files.h"
#include "documents.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

void show(Context& context) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "GET", "/admin/v1/policy");
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  std::printf("# version %s, %s, activated %s by %s%s%s\n", text_of(answer->body, "number").c_str(), text_of(answer->body, "version").substr(0, 12).c_str(),
              text_of(answer->body, "time").c_str(), text_of(answer->body, "author").c_str(), text_of(answer->body, "reason").empty() ? "" : ": ", text_of(answer->body, "reason").c_str());
  for (const auto& file : *answer->body.find_object("files")) std::printf("# --- %s\n%s", safe(file.name).c_str(), text_of(*answer->body.find("files"), file.name).c_str());
  if (const std::string cedar = text_of(answer->body, "grants_as_cedar"); !cedar.empty()) std::printf("# --- grants.yaml, as the Cedar policies that it stands for\n%s", cedar.c_str());
}

void history(Context& context) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "GET", "/admin/v1/policy/history");
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  Table table({"number", "version", "time", "author", "reason"});
  for (const auto& item : *answer->body.find_array("items")) {
    table.add({text_of(item, "number"), text_of(item, "version").substr(0, 12), text_of(item, "time"), text_of(item, "author"), text_of(item, "reason")});
  }
  table.print();
}

void send_bundle(Context& context, const std::string& path, const std::string& reason, bool activate) {
  const auto files = yaml::read_bundle_files(path);
  if (!files) {
    std::fprintf(stderr, "writ: %s\n", safe(files.error()).c_str());
    context.exit_code = kFailed;
    return;
  }
  json::Value texts = json::Object{};
  for (const auto& [name, text] : *files) texts.set(name, text);
  const AdminClient client(context);
  const auto answer = client.ask(context, activate ? "PUT" : "POST", activate ? "/admin/v1/policy" : "/admin/v1/policy/check", json::Value{{"files", std::move(texts)}, {"reason", reason}});
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  for (const auto& warning : *answer->body.find_array("warnings")) std::fprintf(stderr, "%s:%s:%s: warning: %s\n", text_of(warning, "file").c_str(), text_of(warning, "line").c_str(), text_of(warning, "column").c_str(), text_of(warning, "message").c_str());
  const auto* changes = answer->body.find_bool("policy_changes");
  const std::string version = text_of(answer->body, "policy_version").substr(0, 12);
  if (!changes || !*changes) {
    std::printf("version %s is active already\n", version.c_str());
  } else {
    std::printf(activate ? "version %s is active\n" : "good; it would be version %s\n", version.c_str());
  }
}

}  // namespace

void add_policy(CLI::App& parent, Context& context) {
  CLI::App* command = parent.add_subcommand("policy", "who may do what");
  command->require_subcommand(1);
  command->add_subcommand("show", "the active bundle")->callback([&context] { show(context); });
  command->add_subcommand("history", "versions, newest first")->callback([&context] { history(context); });
  const auto path = std::make_shared<std::string>(), reason = std::make_shared<std::string>();
  CLI::App* check = command->add_subcommand("check", "whether a bundle could be activated");
  check->add_option("path", *path, "a folder with grants.yaml")->required();
  check->callback([&context, path] { send_bundle(context, *path, "", false); });
  CLI::App* apply = command->add_subcommand("apply", "activate a bundle, whole or not at all");
  apply->add_option("path", *path, "a folder with grants.yaml")->required();
  apply->add_option("-m,--reason", *reason, "why, for the history");
  apply->callback([&context, path, reason] { send_bundle(context, *path, *reason, true); });
}

}  // namespace writ::cli::admin
