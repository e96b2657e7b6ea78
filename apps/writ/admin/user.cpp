// writ user: people and service accounts.

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "commands.h"
#include "object_command.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

// From standard input, without echo on a terminal; never from the command line, where others can read it.
std::string read_password() {
  const bool terminal = ::isatty(STDIN_FILENO);
  termios before{};
  if (terminal) {
    std::fprintf(stderr, "new password: ");
    ::tcgetattr(STDIN_FILENO, &before);
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string password;
  std::getline(std::cin, password);
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fprintf(stderr, "\n");
  }
  return password;
}

void set_password(Context& context, const std::string& key) {
  const AdminClient client(context);
  auto user = find_object(context, client, registry::ObjectKind::user, key);
  if (!user) return;
  user->set("password", read_password());
  if (put_object(context, client, registry::ObjectKind::user, *user, false) && !context.json) std::printf("the password of %s was set\n", safe(key).c_str());
}

// A lost phone: the next sign-in that needs a second factor sets up a new one.
void reset_factor(Context& context, const std::string& key) {
  const AdminClient client(context);
  const auto user = find_object(context, client, registry::ObjectKind::user, key);
  const auto* id = user ? user->find_string("id") : nullptr;
  if (!id) return;
  const auto answer = client.ask(context, "DELETE", "/admin/v1/users/" + *id + "/factor");
  if (!answer) return;
  if (context.json) return print_json(answer->body);
  const auto* reset = answer->body.find("reset");
  const bool was_there = reset && reset->as_bool() && *reset->as_bool();
  std::printf(was_there ? "the second factor of %s was forgotten; the next sign-in that needs one sets up a new one\n" : "%s has no second factor\n", safe(key).c_str());
}

}  // namespace

void add_user(CLI::App& parent, Context& context) {
  CLI::App* command = add_object_command(parent, context, {registry::ObjectKind::user, "user", "people and service accounts", {"name", "id", "email", "groups", "active"}, "id"});
  CLI::App* password = command->add_subcommand("password", "set a password, read from standard input");
  const auto key = std::make_shared<std::string>();
  password->add_option("key", *key, "name or id")->required();
  password->callback([&context, key] { set_password(context, *key); });
  CLI::App* factor = command->add_subcommand("reset-factor", "forget the second factor and its recovery codes");
  factor->add_option("key", *key, "name or id")->required();
  factor->callback([&context, key] { reset_factor(context, *key); });
}

}  // namespace writ::cli::admin
