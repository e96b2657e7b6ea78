// writ agent: AI agents, which are OAuth clients.

#include <cstdio>
#include <memory>

#include "commands.h"
#include "crypto/random.h"
#include "object_command.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

constexpr std::size_t kSecretBytes = 32;   // 256 random bits

// A new secret takes the place of the one that is there; it is shown once and kept nowhere but as a hash.
void make_secret(Context& context, const std::string& key, const std::string& issuer) {
  const AdminClient client(context);
  auto agent = find_object(context, client, registry::ObjectKind::agent, key);
  if (!agent) return;
  const std::string secret = crypto::random_token(kSecretBytes);
  const auto give = [&](json::Value registration) {
    registration.erase("active_secrets");
    registration.set("secret", secret);
    return registration;
  };
  bool found = false;
  if (issuer.empty() && agent->find("idp")) {
    agent->set("idp", give(*agent->find("idp")));
    found = true;
  } else if (const auto* list = agent->find_array("resource_authorization_servers"); list && !issuer.empty()) {
    json::Array registrations = *list;
    for (auto& registration : registrations) {
      if (text_of(registration, "issuer") != issuer) continue;
      registration = give(registration);
      found = true;
    }
    agent->set("resource_authorization_servers", std::move(registrations));
  }
  if (!found) {
    std::fprintf(stderr, "writ: agent `%s` is not registered at %s\n", safe(key).c_str(), issuer.empty() ? "the identity provider" : safe(issuer).c_str());
    context.exit_code = kFailed;
    return;
  }
  const bool json_wanted = context.json;
  context.json = false;   // the answer of the change would be a second value on standard output
  if (!put_object(context, client, registry::ObjectKind::agent, *agent, false)) return;
  if (json_wanted) return print_json(json::Value{{"agent", key}, {"secret", secret}});
  std::fprintf(stderr, "the new secret of %s; it is not shown again, and the old one is no longer accepted:\n", safe(key).c_str());
  std::printf("%s\n", secret.c_str());
}

}  // namespace

void add_agent(CLI::App& parent, Context& context) {
  CLI::App* command = add_object_command(parent, context, {registry::ObjectKind::agent, "agent", "AI agents", {"id", "display_name", "vendor", "groups", "active"}, "id"});
  CLI::App* secret = command->add_subcommand("secret", "make a new client secret and show it once");
  const auto key = std::make_shared<std::string>(), issuer = std::make_shared<std::string>();
  secret->add_option("key", *key, "id")->required();
  secret->add_option("--at", *issuer, "issuer of a resource authorization server; otherwise the identity provider");
  secret->callback([&context, key, issuer] { make_secret(context, *key, *issuer); });
}

}  // namespace writ::cli::admin
