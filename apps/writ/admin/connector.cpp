// writ connector: the OpenID Connect providers that people sign in at, and the tokens with which their directories provision people.

#include <cstdio>
#include <memory>
#include <set>

#include "commands.h"
#include "crypto/random.h"
#include "object_command.h"
#include "output.h"

namespace writ::cli::admin {
namespace {

constexpr std::size_t kTokenBytes = 32;

// scim-corp, scim-corp-2, …: the old token goes on until it is removed, so that it can be changed at the provider in between.
std::optional<std::string> free_token_id(Context& context, const AdminClient& client, const std::string& connector) {
  const auto answer = client.ask(context, "GET", "/admin/v1/api_tokens");
  if (!answer) return std::nullopt;
  std::set<std::string> ids;
  for (const auto& item : *answer->body.find_array("items")) ids.insert(text_of(item, "id"));
  std::string id = "scim-" + connector;
  for (int number = 2; ids.contains(id); ++number) id = "scim-" + connector + "-" + std::to_string(number);
  return id;
}

void make_scim_token(Context& context, const std::string& key) {
  const AdminClient client(context);
  const auto connector = find_object(context, client, registry::ObjectKind::identity_connector, key);
  if (!connector) return;
  const auto* takes = connector->find_bool("scim");
  if (!takes || !*takes) {
    std::fprintf(stderr, "writ: connector `%s` takes no people by SCIM: writ connector edit %s scim=true just_in_time=false\n", safe(key).c_str(), safe(key).c_str());
    context.exit_code = kFailed;
    return;
  }
  const auto id = free_token_id(context, client, key);
  if (!id) return;
  const std::string token = crypto::random_token(kTokenBytes);
  const json::Value object{{"id", *id}, {"display_name", "SCIM for " + key}, {"role", "scim"}, {"connector", key}, {"token", token}};
  const auto done = client.ask(context, "PUT", "/admin/v1/api_tokens/" + path_segment(*id), object);
  if (!done) return;
  if (context.json) return print_json(json::Value{{"id", *id}, {"connector", key}, {"token", token}, {"path", "/scim/v2"}});
  std::fprintf(stderr, "API token %s, shown this once; the address for the provider is {base_url}/scim/v2\n", id->c_str());
  std::printf("%s\n", token.c_str());
}

}  // namespace

void add_connector(CLI::App& parent, Context& context) {
  CLI::App* command = add_object_command(parent, context, {registry::ObjectKind::identity_connector, "connector", "OpenID Connect providers that people sign in at", {"id", "display_name", "issuer", "domains", "match", "active"}, "id"});
  CLI::App* token = command->add_subcommand("scim-token", "make a token with which the provider's directory writes people and groups (SCIM); shown once");
  const auto key = std::make_shared<std::string>();
  token->add_option("key", *key, "id")->required();
  token->callback([&context, key] { make_scim_token(context, *key); });
}

}  // namespace writ::cli::admin
