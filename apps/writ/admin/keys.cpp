// writ keys: the signing keys of the roles.

#include <cstdio>
#include <memory>

#include "admin_client.h"
#include "commands.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

void list(Context& context) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "GET", "/admin/v1/keys");
  if (!answer) return;
  if (context.json) return print_json(*answer->body.find("items"));
  Table table({"use", "kid", "algorithm", "active from", "state", "place"});
  for (const auto& key : *answer->body.find_array("items")) {
    const auto* active = key.find_bool("active");
    const auto* published = key.find_bool("published");
    table.add({text_of(key, "use"), text_of(key, "kid"), text_of(key, "algorithm"), text_of(key, "active_from"), active && *active ? "active" : published && *published ? "published" : "gone", text_of(key, "place")});
  }
  table.print();
}

// Somebody else has the key. Sessions and refresh tokens go on: they are not signed.
void withdraw(Context& context, const std::string& kid) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "POST", "/admin/v1/keys/rotate", json::Value{{"compromised", kid}});
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  std::printf("%s: key %s is gone, and everything that it signed is refused; %s signs now\n", text_of(answer->body, "use").c_str(), safe(kid).c_str(), text_of(answer->body, "kid").c_str());
  std::printf("Sessions and refresh tokens go on; agents get new tokens with them. Other deployments that trust this issuer refuse the key when they have read the key set again.\n");
}

void rotate(Context& context, const std::string& use, bool at_once) {
  const AdminClient client(context);
  const auto answer = client.ask(context, "POST", "/admin/v1/keys/rotate", json::Value{{"use", use}, {"at_once", at_once}});
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  std::printf("%s: new key %s\n", safe(use).c_str(), text_of(answer->body, "kid").c_str());
}

}  // namespace

void add_keys(CLI::App& parent, Context& context) {
  CLI::App* command = parent.add_subcommand("keys", "signing keys");
  command->require_subcommand(1);
  command->add_subcommand("list", "all of them")->callback([&context] { list(context); });
  CLI::App* rotate_command = command->add_subcommand("rotate", "make a successor of a role's key");
  const auto use = std::make_shared<std::string>();
  const auto at_once = std::make_shared<bool>(false);
  const auto compromised = std::make_shared<std::string>();
  auto* of_role = rotate_command->add_option("use", *use, "idp, ras or encryption");
  auto* of_key = rotate_command->add_option("--compromised", *compromised, "KID: somebody else has this key; it is gone at once, and what it signed is refused");
  rotate_command->add_flag("--at-once", *at_once, "sign with it now, although others may not have seen it yet");
  of_key->excludes(of_role);
  rotate_command->callback([&context, use, compromised, at_once] {
    if (!compromised->empty()) return withdraw(context, *compromised);
    if (use->empty()) throw CLI::RequiredError("use (idp, ras or encryption), or --compromised KID");
    rotate(context, *use, *at_once);
  });
}

}  // namespace writ::cli::admin
