// writ audit: the trail of decisions.

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "admin_client.h"
#include "audit_trail.h"
#include "commands.h"
#include "encoding/form.h"
#include "output.h"
#include "records.h"

namespace writ::cli::admin {
namespace {

struct Arguments {
  std::vector<std::pair<std::string, std::string>> filters;
  std::string limit = "100";
  bool once = false;
};

// --user, --agent, …: they go to the API as they are. (--server is the address of the admin API, so a server is named by --server-id.)
void add_filters(CLI::App* command, const std::shared_ptr<Arguments>& arguments) {
  for (const char* name : {"user", "agent", "server", "tool", "effect", "event", "text", "since", "until"}) {
    const std::string help = std::string(name) == "since" || std::string(name) == "until" ? "a time, or an age such as 7d" : std::string(name) == "effect" ? "allow or deny" : "only of this " + std::string(name);
    const std::string option = std::string("--") + (std::string(name) == "server" ? "server-id" : name);
    command->add_option_function<std::string>(option, [arguments, name](const std::string& value) { arguments->filters.emplace_back(name, value); }, help);
  }
}

void query(Context& context, const Arguments& arguments) {
  auto parameters = arguments.filters;
  parameters.emplace_back("limit", arguments.limit);
  const AdminClient client(context);
  const auto answer = client.ask(context, "GET", "/admin/v1/audit?" + form::write(parameters));
  if (!answer) return;
  const auto* items = answer->body.find_array("items");
  if (context.json) return print_json(*answer->body.find("items"));
  for (auto item = items->rbegin(); item != items->rend(); ++item) print_record(*item);   // the newest where the eye is: last
}

// The newest ten, then whatever comes, until interrupted. With --json a record a line.
void tail(Context& context, const Arguments& arguments) {
  const AdminClient client(context);
  auto parameters = arguments.filters;
  parameters.emplace_back("limit", "10");
  auto answer = client.ask(context, "GET", "/admin/v1/audit?" + form::write(parameters));
  if (!answer) return;
  json::Array items = *answer->body.find_array("items");
  std::reverse(items.begin(), items.end());
  std::int64_t last = 0;
  while (true) {
    for (const auto& item : items) {
      if (context.json) {
        print_json(item);
      } else {
        print_record(item);
      }
      if (const auto* position = item.find_int("position")) last = std::max(last, *position);
    }
    std::fflush(stdout);
    if (arguments.once) return;
    if (items.empty()) ::usleep(500'000);
    parameters = arguments.filters;
    parameters.emplace_back("after", std::to_string(last));
    parameters.emplace_back("wait", "20");
    answer = client.ask(context, "GET", "/admin/v1/audit?" + form::write(parameters));
    if (!answer) return;
    items = *answer->body.find_array("items");
  }
}

}  // namespace

void print_record(const json::Value& record) {
  std::string line = text_of(record, "time") + "  " + text_of(record, "event");
  if (const std::string effect = text_of(record, "effect"); !effect.empty()) line += " " + effect;
  if (const std::string reason = text_of(record, "reason"); !reason.empty()) line += " (" + reason + ")";
  const std::string user = text_of(record, "user_name").empty() ? text_of(record, "user") : text_of(record, "user_name");
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::string>>{
           {"user", user}, {"agent", text_of(record, "agent")}, {"server", text_of(record, "server")}, {"tool", text_of(record, "tool")}, {"object", text_of(record, "object")},
           {"by", text_of(record, "actor")}, {"policy", text_of(record, "policy")}, {"code", text_of(record, "code")}}) {
    if (!value.empty()) line += std::string("  ") + name + "=" + value;
  }
  std::printf("%s\n", line.c_str());
}

void add_audit(CLI::App& parent, Context& context) {
  CLI::App* command = parent.add_subcommand("audit", "the trail of decisions");
  command->require_subcommand(1);
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* query_command = command->add_subcommand("query", "records that match, the newest last");
  add_filters(query_command, arguments);
  query_command->add_option("--limit", arguments->limit, "how many at most");
  query_command->callback([&context, arguments] { query(context, *arguments); });
  CLI::App* tail_command = command->add_subcommand("tail", "the newest records, then new ones as they come");
  add_filters(tail_command, arguments);
  tail_command->add_flag("--once", arguments->once, "do not wait for new ones");
  tail_command->callback([&context, arguments] { tail(context, *arguments); });
  add_audit_trail(*command, context);
}

}  // namespace writ::cli::admin
