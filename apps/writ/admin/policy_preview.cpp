#include "policy_preview.h"

#include <cstdio>
#include <memory>

#include "admin_client.h"
#include "output.h"
#include "policy_words.h"

namespace writ::cli::admin {
namespace {

bool is_number(const std::string& text) { return !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == std::string::npos && text != "0"; }

struct DiffArguments {
  std::vector<std::string> what;
  bool all = false;
};

void diff(Context& context, const DiffArguments& arguments) {
  json::Value request{{"all", arguments.all}};
  if (is_number(arguments.what.front())) {
    request.set("from", std::stoll(arguments.what.front()));
    if (arguments.what.size() == 2) {
      if (!is_number(arguments.what.back())) throw CLI::ValidationError("`" + arguments.what.back() + "` is no version: write `writ policy diff DIR`, or two numbers of `writ policy history`");
      request.set("to", std::stoll(arguments.what.back()));
    }
  } else {
    if (arguments.what.size() == 2) throw CLI::ValidationError("write one folder, or two numbers of `writ policy history`");
    auto files = read_bundle_argument(context, arguments.what.front());
    if (!files) return;
    request.set("files", std::move(*files));
  }
  show_difference(context, request);
}

struct ReplayArguments {
  std::string path, since;
  unsigned days = 7;
  bool all = false;
};

std::string thing_of(const json::Value& row) {
  const std::string subject = text_of(row, "subject"), action = text_of(row, "action");
  if (action == "connect") return text_of(row, "server");
  if (action == "grant_scope") return text_of(row, "server") + " scope " + subject;
  return text_of(row, "server") + "/" + subject;
}

void print_report(const json::Value& report) {
  std::printf("%s decisions since %s: %s the same, %s newly denied, %s newly allowed, %s cannot be told\n", text_of(report, "decisions").c_str(), text_of(report, "since").c_str(), text_of(report, "same").c_str(),
              text_of(report, "newly_denied").c_str(), text_of(report, "newly_allowed").c_str(), text_of(report, "cannot_tell").c_str());
  if (const auto* whole = report.find_bool("whole"); whole && !*whole) std::printf("there are more records than one replay reads: shorten the time with --days or --since\n");
  if (const std::string unreadable = text_of(report, "unreadable"); unreadable != "0") std::printf("%s records could not be read\n", unreadable.c_str());
  Table table({"outcome", "user", "agent", "what", "count", "last", "example", "why"});
  for (const auto& row : *report.find_array("rows")) {
    std::string outcome = text_of(row, "outcome"), why = text_of(row, "reason");
    for (char& letter : outcome) if (letter == '_') letter = ' ';
    if (const std::string policies = text_of(row, "policies"); !policies.empty()) why += ": " + policies;
    table.add({outcome, text_of(row, "user_name").empty() ? text_of(row, "user") : text_of(row, "user_name"), text_of(row, "agent"), thing_of(row), text_of(row, "count"), text_of(row, "last"), text_of(row, "code"), why});
  }
  if (!table.empty()) table.print();
  if (const std::string more = text_of(report, "rows_left_out"); more != "0") std::printf("and %s more rows: --all\n", more.c_str());
}

void replay(Context& context, const ReplayArguments& arguments) {
  auto files = read_bundle_argument(context, arguments.path);
  if (!files) return;
  const std::string since = arguments.since.empty() ? std::to_string(arguments.days) + "d" : arguments.since;
  const AdminClient client(context);
  const auto answer = client.ask(context, "POST", "/admin/v1/policy/replay", json::Value{{"files", std::move(*files)}, {"since", since}, {"all", arguments.all}});
  if (!answer) return;
  if (context.json) print_json(answer->body);
  else print_report(answer->body);
  const auto* different = answer->body.find_bool("different");
  context.exit_code = different && *different ? kDifference : kDone;
}

}  // namespace

void show_difference(Context& context, const json::Value& request) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "POST", "/admin/v1/policy/diff", request);
  if (!answer) return;
  const json::Value& body = answer->body;
  const auto* found = body.find_bool("different");
  const bool different = found && *found;
  context.exit_code = different ? kDifference : kDone;
  if (context.json) return print_json(body);
  if (!different) {
    std::printf("nobody gains or loses anything\n");
    return;
  }
  for (const auto& change : *body.find_array("changes")) {
    const std::string direction = text_of(change, "direction");
    std::printf("%c %s\n", direction == "loses" ? '-' : direction == "gains" ? '+' : '~', safe(text_of(change, "sentence")).c_str());
  }
  if (const std::string more = text_of(body, "changes_left_out"); more != "0") std::printf("and %s more changes: --all\n", more.c_str());
  std::printf("%s\n", text_of(body, "summary").c_str());
}

void add_policy_preview(CLI::App& policy, Context& context) {
  CLI::App* of_access = policy.add_subcommand("diff", "who would gain or lose what (exit code 7 when somebody would)");
  const auto arguments = std::make_shared<DiffArguments>();
  of_access->add_option("what", arguments->what, "a folder with grants.yaml, against the active bundle; or one or two versions by number")->required()->expected(1, 2);
  of_access->add_flag("--all", arguments->all, "every name and every change");
  of_access->callback([&context, arguments] { diff(context, *arguments); });

  CLI::App* of_records = policy.add_subcommand("replay", "which recorded decisions a bundle would have made otherwise (exit code 7 when there are any)");
  const auto recorded = std::make_shared<ReplayArguments>();
  of_records->add_option("path", recorded->path, "a folder with grants.yaml")->required();
  CLI::Option* days = of_records->add_option("--days", recorded->days, "how many days back")->check(CLI::Range(1u, 3650u))->capture_default_str();
  of_records->add_option("--since", recorded->since, "a time, or how long ago: 2026-11-24T00:00:00Z, 12h")->excludes(days);
  of_records->add_flag("--all", recorded->all, "every row");
  of_records->callback([&context, recorded] { replay(context, *recorded); });
}

}  // namespace writ::cli::admin
