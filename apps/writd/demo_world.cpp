#include "demo_world.h"

#include <cassert>

#include "crypto/password.h"
#include "demo_server/tools.h"
#include "crypto/random.h"
#include "policy/cedar_policy.h"
#include "registry/read.h"

namespace writ::writd {
namespace {

registry::User person(const char* name, const char* display_name, const char* group, const Secret& password) {
  registry::User user;
  user.id = std::string("usr_") + name;
  user.name = name;
  user.display_name = display_name;
  user.email = std::string(name) + "@acme.example";
  user.email_verified = true;
  user.groups = {group};
  user.password_hash = crypto::hash_password(password);
  return user;
}

registry::Registration registration(const char* client_id, const Secret& secret) {
  registry::Registration made;
  made.client_id = client_id;
  made.secrets = {{registry::sha256_hex(secret), std::nullopt}};
  return made;
}

}  // namespace

DemoWorld make_demo_world(const std::string& base) {
  DemoWorld world;
  world.alice_password = Secret("alice-password");   // sample people of a demo that nobody but this machine can reach
  world.bob_password = Secret("bob-password");
  world.secret_at_idp = Secret(crypto::random_token(32));
  world.secret_at_ras = Secret(crypto::random_token(32));
  const std::string idp = base + "/idp", ras = base + "/ras";

  world.objects.groups = {{"engineering", "Engineering", {}}, {"marketing", "Marketing", {}}};
  world.objects.users = {person("alice", "Alice Example", "engineering", world.alice_password), person("bob", "Bob Example", "marketing", world.bob_password)};

  registry::Agent desk;
  desk.id = "desk";
  desk.display_name = "Desk Assistant";
  desk.vendor = "Example";
  desk.idp = registration("desk-at-idp", world.secret_at_idp);
  desk.idp->redirect_uris = {"http://127.0.0.1/callback"};
  desk.resource_as = {{ras, registration("desk-at-ras", world.secret_at_ras)}};

  registry::Agent cli;
  cli.id = "writ-cli";
  cli.display_name = "writ on the command line";
  cli.idp = registry::Registration{};
  cli.idp->client_id = "writ-cli";
  cli.idp->authentication = registry::ClientAuthentication::none;
  cli.idp->redirect_uris = {"http://127.0.0.1/callback"};
  cli.idp->device_keys = true;
  registry::Registration cli_at_ras;
  cli_at_ras.client_id = "writ-cli";
  cli_at_ras.authentication = registry::ClientAuthentication::private_key_jwt;
  cli_at_ras.device_keys = true;
  cli.resource_as = {{ras, cli_at_ras}};
  world.objects.agents = {desk, cli};

  registry::Server notes;
  notes.id = "notes";
  notes.display_name = "Team notes";
  notes.environment = "demo";
  notes.resource = base + "/mcp/notes";
  notes.resource_as = ras;
  notes.upstream.emplace().url = base + kDemoUpstreamPath;
  notes.scopes = {{"notes:read", "read notes", true, false, {}, {"search_notes", "read_note", "slow_report"}},
                  {"notes:write", "change notes", true, true, {}, {"add_note", "delete_note"}}};
  world.objects.servers = {notes};

  registry::ResourceAs own;
  own.issuer = ras;
  own.display_name = "This deployment";
  world.objects.resource_authorization_servers = {own};

  registry::TrustedIssuer trusted;
  trusted.issuer = idp;
  trusted.display_name = "This deployment";
  trusted.algorithms = {crypto::Algorithm::es256};
  trusted.subject = registry::TrustedIssuer::Subject::user_id;
  trusted.all_clients = true;
  trusted.all_scopes = true;
  world.objects.trusted_issuers = {trusted};

  // The demo's server is the demo's own: somebody has looked at its tools.
  for (const json::Value& tool : demo_server::tool_definitions()) {
    auto reviewed = registry::read_stored_definition(registry::ObjectKind::tool, json::Value{{"id", "notes/" + *tool.find_string("name")}, {"definition", tool}});
    assert(reviewed);
    world.definitions.set(std::make_shared<const registry::Definition>(std::move(*reviewed)));
  }

  policy::AccessGrant row{"grants.yaml:2", "engineering", {false, {"desk", "writ-cli"}}, "notes", {true, {}}, {false, {"search_*", "read_*", "add_*", "slow_*"}}};
  const auto compiled = policy::CedarPolicy::compile({{row}, {}, "demo"});
  assert(compiled);   // a constant of ours
  world.policy = *compiled;
  return world;
}

}  // namespace writ::writd
