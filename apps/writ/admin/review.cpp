// writ review: what servers say about themselves and nobody approved yet.

#include <algorithm>
#include <cstdio>
#include <memory>

#include "admin_client.h"
#include "commands.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

struct Chosen {
  std::vector<std::string> ids;
  std::string server, reason;
  bool all = false;
};

std::optional<json::Value> fetch(Context& context, const std::string& server, bool with_rejected) {
  const AdminClient client(context);
  std::string path = std::string("/admin/v1/reviews?rejected=") + (with_rejected ? "true" : "false");
  if (!server.empty()) path += "&server=" + path_segment(server);
  const auto answer = client.ask(context, "GET", path);
  if (!answer) return std::nullopt;
  return answer->body;
}

void list(Context& context, const std::string& server, bool with_rejected) {
  const auto body = fetch(context, server, with_rejected);
  if (!body) return;
  if (context.json) return print_json(*body->find("items"));
  Table table({"kind", "id", "change", "first seen", "rejected"});
  for (const auto& item : *body->find_array("items")) {
    const auto* rejected = item.find_bool("rejected");
    table.add({text_of(item, "kind"), text_of(item, "shown_id"), text_of(item, "change"), text_of(item, "first_seen"), rejected && *rejected ? "yes" : ""});
  }
  if (table.empty()) std::printf("nothing waits for review\n");
  else table.print();
}

void print_difference(const json::Value& difference) {
  const std::string at = text_of(difference, "at");
  std::printf("    %s\n", at.empty() ? "(the whole)" : at.c_str());
  for (const auto& [name, sign] : {std::pair("before", '-'), std::pair("after", '+')}) {
    if (const json::Value* value = difference.find(name)) std::printf("      %c %s\n", sign, safe(json::write(*value)).c_str());
  }
}

void show(Context& context, const std::string& id) {
  const auto body = fetch(context, "", true);
  if (!body) return;
  json::Array found;
  for (const auto& item : *body->find_array("items")) {
    if (text_of(item, "id") == safe(id)) found.push_back(item);
  }
  if (found.empty()) {
    std::fprintf(stderr, "writ: nothing of the name `%s` waits for review; `writ review list` shows what does\n", safe(id).c_str());
    context.exit_code = kFailed;
    return;
  }
  if (context.json) return print_json(found);
  for (const auto& item : found) {
    std::printf("%s %s (%s), first seen %s\n  digest %s\n", text_of(item, "kind").c_str(), text_of(item, "shown_id").c_str(), text_of(item, "change").c_str(), text_of(item, "first_seen").c_str(),
                text_of(item, "digest").c_str());
    for (const auto& difference : *item.find_array("differences")) print_difference(difference);
  }
}

// What is sent names the digests that were fetched here: what a server says a moment later is not approved with it.
void judge(Context& context, const Chosen& chosen, bool approve, const std::string& digest) {
  if (chosen.all == !chosen.ids.empty() || (chosen.all && chosen.server.empty())) {
    std::fprintf(stderr, "writ: name what you looked at (github/create_issue), or all of one server: --all --server SERVER\n");
    context.exit_code = kUsage;
    return;
  }
  const auto body = fetch(context, chosen.all ? chosen.server : "", false);
  if (!body) return;
  json::Array items;
  for (const auto& item : *body->find_array("items")) {
    const std::string id = text_of(item, "id");
    const bool is_meant = chosen.all || std::find(chosen.ids.begin(), chosen.ids.end(), id) != chosen.ids.end();
    if (is_meant) items.push_back(json::Value{{"kind", text_of(item, "kind")}, {"id", id}, {"digest", digest.empty() ? text_of(item, "digest") : digest}});
  }
  if (items.empty()) {
    std::fprintf(stderr, "writ: nothing of that name waits for review\n");
    context.exit_code = kFailed;
    return;
  }
  const AdminClient client(context);
  json::Value request{{"items", std::move(items)}};
  if (!chosen.reason.empty()) request.set("reason", chosen.reason);
  const auto answer = client.ask(context, "POST", approve ? "/admin/v1/reviews/approve" : "/admin/v1/reviews/reject", request);
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  std::printf("%s: %s\n", approve ? "approved" : "rejected", text_of(answer->body, "judged").c_str());
}

void add_judgement(CLI::App& command, Context& context, bool approve) {
  const auto chosen = std::make_shared<Chosen>();
  const auto digest = std::make_shared<std::string>();
  command.add_option("id", chosen->ids, "SERVER/NAME, or SERVER for its instructions");
  command.add_flag("--all", chosen->all, "everything of one server");
  command.add_option("--server", chosen->server, "with --all: the server's id");
  command.add_option("--digest", *digest, "of what was looked at (writ review show); without it, of what waits now");
  command.add_option("--reason", chosen->reason, "for the audit trail");
  command.callback([&context, chosen, digest, approve] { judge(context, *chosen, approve, *digest); });
}

}  // namespace

void add_review(CLI::App& parent, Context& context) {
  CLI::App* command = parent.add_subcommand("review", "tools, prompts and instructions that nobody approved yet");
  command->require_subcommand(1);
  CLI::App* list_command = command->add_subcommand("list", "what waits");
  const auto server = std::make_shared<std::string>();
  const auto rejected = std::make_shared<bool>(false);
  list_command->add_option("--server", *server, "of one server");
  list_command->add_flag("--rejected", *rejected, "also what was rejected and is held");
  list_command->callback([&context, server, rejected] { list(context, *server, *rejected); });
  CLI::App* show_command = command->add_subcommand("show", "what is new or changed, with invisible characters made visible");
  const auto id = std::make_shared<std::string>();
  show_command->add_option("id", *id, "SERVER/NAME")->required();
  show_command->callback([&context, id] { show(context, *id); });
  add_judgement(*command->add_subcommand("approve", "clients see and use it from now on"), context, true);
  add_judgement(*command->add_subcommand("reject", "it stays held, and is no news any more"), context, false);
}

}  // namespace writ::cli::admin
