// writ apply -f FILE|DIR: plans first, shows what would change, then changes it whole or not at all.

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "admin_client.h"
#include "commands.h"
#include "documents.h"
#include "output.h"
#include "policy_preview.h"

namespace writ::cli::admin {
namespace {

struct Arguments {
  std::vector<std::string> files;
  bool plan_only = false, diff = false, all = false, prune = false, lock_me_out = false, yes = false;
  std::string reason;
};

void print_problems(const registry::Problems& problems) { std::fputs(safe(registry::to_string(problems)).c_str(), stderr); }

// Pointers of the API become places in the files that were sent.
void report_in_files(const Answer& answer, const registry::Node& objects) {
  const auto* problems = answer.body.find_array("problems");
  for (const auto& problem : *problems) {
    const auto* pointer = problem.find_string("pointer");
    const auto* message = problem.find_string("message");
    const auto* warning = problem.find_bool("warning");
    registry::Position place;
    if (pointer) {
      place = place_of(objects, *pointer);
    } else if (const auto* file = problem.find_string("file")) {
      place.file = *file;
      if (const auto* line = problem.find_int("line")) place.line = static_cast<int>(*line);
      if (const auto* column = problem.find_int("column")) place.column = static_cast<int>(*column);
    }
    print_problems({registry::Problem{place, message ? *message : "", warning && *warning}});
  }
}

bool has_changes(const json::Value& plan) {
  const auto* changes = plan.find_array("changes");
  const auto* policy = plan.find_bool("policy_changes");
  return (changes && !changes->empty()) || (policy && *policy);
}

void print_plan(const json::Value& plan) {
  if (const auto* lines = plan.find_array("lines")) {
    for (const auto& line : *lines) std::printf("%s\n", line.as_string() ? safe(*line.as_string()).c_str() : "");
  }
  if (const auto* policy = plan.find_bool("policy_changes"); policy && *policy) std::printf("~ policy → %s\n", text_of(plan, "policy_version").substr(0, 12).c_str());
  if (const auto* missing = plan.find_array("missing"); missing && !missing->empty()) {
    std::printf("no longer in the files, and kept (--prune removes):\n");
    for (const auto& object : *missing) std::printf("    %s/%s\n", text_of(object, "collection").c_str(), text_of(object, "key").c_str());
  }
}

bool confirmed(const Arguments& arguments) {
  if (arguments.yes || !::isatty(STDIN_FILENO)) return true;   // nobody is there to ask
  std::fprintf(stderr, "apply? [y/N] ");
  const int first = std::getchar();
  return first == 'y' || first == 'Y';
}

int apply(Context& context, const Arguments& arguments) {
  auto documents = read_documents(arguments.files);
  if (!documents) return print_problems(documents.error()), kFailed;
  print_problems(documents->warnings);
  auto objects = to_request(documents->objects);
  if (!objects) return print_problems(objects.error()), kFailed;

  if (arguments.diff) {
    json::Value request{{"prune", arguments.prune}, {"all", arguments.all}};
    if (!objects->is_null()) request.set("objects", *objects);
    if (documents->policy) {
      json::Value files = json::Object{};
      for (const auto& [name, text] : *documents->policy) files.set(name, text);
      request.set("files", std::move(files));
    }
    show_difference(context, request);
    return context.exit_code;
  }
  json::Value request{{"prune", arguments.prune}, {"lock_me_out", arguments.lock_me_out}, {"reason", arguments.reason}};
  if (!objects->is_null()) request.set("objects", *objects);
  if (documents->policy) {
    json::Value files = json::Object{};
    for (const auto& [name, text] : *documents->policy) files.set(name, text);
    request.set("policy", std::move(files));
  }
  const AdminClient client(context);
  const auto send = [&](const char* path) -> std::optional<json::Value> {
    auto answer = client.send("POST", path, request);
    if (!answer) {
      std::fprintf(stderr, "writ: %s\n", safe(answer.error()).c_str());
      context.exit_code = kFailed;
    } else if (answer->status >= 400) {
      if (answer->body.find_array("problems")) {
        report_in_files(*answer, documents->objects);
        const std::string* kind = answer->body.find_string("kind");
        context.exit_code = kind && *kind == "failed_tests" ? kDifference : kFailed;
      } else {
        context.exit_code = report(*answer);
      }
      if (context.json) print_json(answer->body);
    } else {
      return std::move(answer->body);
    }
    return std::nullopt;
  };

  const auto plan = send("/admin/v1/plan");
  if (!plan) return context.exit_code;
  const bool changes = has_changes(*plan);
  if (!context.json) print_plan(*plan);
  if (arguments.plan_only || !changes) {
    if (context.json) print_json(*plan);
    if (!context.json && !changes) std::printf("nothing to do\n");
    return arguments.plan_only && changes ? kDifference : kDone;
  }
  if (!confirmed(arguments)) return std::fprintf(stderr, "nothing was changed\n"), kFailed;
  const auto done = send("/admin/v1/apply");
  if (!done) return context.exit_code;
  if (context.json) {
    print_json(*done);
  } else {
    std::printf("applied as change %s\n", text_of(*done, "sequence").c_str());
  }
  return kDone;
}

}  // namespace

void add_apply(CLI::App& parent, Context& context) {
  CLI::App* command = parent.add_subcommand("apply", "change objects and policy as files say, whole or not at all");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("-f,--file", arguments->files, "a YAML file, or a folder of them with grants.yaml")->required();
  command->add_flag("--plan", arguments->plan_only, "show what would change, and change nothing (exit code 7 when something would)");
  command->add_flag("--diff", arguments->diff, "show who would gain or lose what, and change nothing (exit code 7 when somebody would)");
  command->add_flag("--all", arguments->all, "with --diff: every name and every change");
  command->add_flag("--prune", arguments->prune, "remove objects that the files no longer contain");
  command->add_flag("--lock-me-out", arguments->lock_me_out, "also when it takes away your own or the last administrator's access");
  command->add_flag("-y,--yes", arguments->yes, "do not ask");
  command->add_option("-m,--reason", arguments->reason, "why, for the audit trail");
  command->callback([&context, arguments] { context.exit_code = apply(context, *arguments); });
}

}  // namespace writ::cli::admin
