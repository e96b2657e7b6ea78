// writ account: accounts of other issuers' subjects, linked to people here or offered to them.

#include <cstdio>
#include <memory>

#include "admin_client.h"
#include "commands.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

struct Filter {
  std::string user, issuer, state;
};

void list(Context& context, const Filter& filter) {
  const AdminClient client(context);
  std::string path = "/admin/v1/accounts?state=" + path_segment(filter.state);
  if (!filter.user.empty()) path += "&user=" + path_segment(filter.user);
  if (!filter.issuer.empty()) path += "&issuer=" + path_segment(filter.issuer);
  const auto answer = client.ask(context, "GET", path);
  if (!answer) return;
  if (context.json) return print_json(*answer->body.find("items"));
  Table table({"id", "state", "user", "issuer", "tenant", "subject", "address"});
  for (const auto& account : *answer->body.find_array("items")) {
    table.add({text_of(account, "id"), text_of(account, "state"), text_of(account, "user_name"), text_of(account, "issuer"), text_of(account, "tenant"), text_of(account, "subject"), text_of(account, "email")});
  }
  if (table.empty()) std::printf("no such accounts\n");
  else table.print();
}

// `done`: what became of the account, for people.
void say(Context& context, const char* method, const std::string& id, const char* word, const char* done) {
  const AdminClient client(context);
  const auto answer = client.ask(context, method, "/admin/v1/accounts/" + path_segment(id) + word);
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  std::printf("%s at %s: %s %s\n", text_of(answer->body, "subject").c_str(), text_of(answer->body, "issuer").c_str(), done, text_of(answer->body, "user_name").c_str());
}

}  // namespace

void add_account(CLI::App& parent, Context& context) {
  CLI::App* command = parent.add_subcommand("account", "accounts of other issuers, linked to people here or offered to them");
  command->require_subcommand(1);
  CLI::App* list_command = command->add_subcommand("list", "all of them");
  const auto filter = std::make_shared<Filter>();
  list_command->add_option("--user", filter->user, "of one person: name or id");
  list_command->add_option("--issuer", filter->issuer, "of one issuer");
  list_command->add_option("--state", filter->state, "linked, pending or rejected")->check(CLI::IsMember({"linked", "pending", "rejected"}));
  list_command->callback([&context, filter] { list(context, *filter); });
  struct Word {
    const char *name, *help, *method, *path, *done;
  };
  static constexpr Word kWords[] = {{"approve", "link one that was offered", "POST", "/approve", "linked to"},
                                    {"reject", "refuse one that was offered; it is not offered again soon", "POST", "/reject", "not linked to"},
                                    {"unlink", "take a link away; what was given because of it ends at once", "DELETE", "", "no longer linked to"}};
  for (const Word& word : kWords) {
    CLI::App* one = command->add_subcommand(word.name, word.help);
    const auto id = std::make_shared<std::string>();
    one->add_option("id", *id, "acc_…, as `list` shows it")->required();
    one->callback([&context, id, &word] { say(context, word.method, *id, word.path, word.done); });
  }
}

}  // namespace writ::cli::admin
