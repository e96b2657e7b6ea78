#include "registry/read.h"

#include <algorithm>
#include <unordered_map>

#include "crypto/hash.h"
#include "registry/authorization_options.h"
#include "registry/combined_server.h"
#include "registry/credentials.h"
#include "registry/provisioning.h"
#include "registry/read_connector.h"
#include "registry/resource_as_options.h"
#include "registry/signals.h"
#include "registry/step_up_objects.h"
#include "registry/sender_constraint.h"
#include "registry/tls_client.h"
#include "registry/trust_rules.h"
#include "registry/upstream_era.h"
#include "registry/upstream_oauth.h"
#include "registry/upstream_program.h"
#include "registry/upstream_transport.h"

namespace writ::registry {
namespace {

const std::vector<std::pair<std::string, ClientAuthentication>> kClientAuthentications = {
    {"none", ClientAuthentication::none},
    {"client_secret", ClientAuthentication::client_secret},
    {"private_key_jwt", ClientAuthentication::private_key_jwt},
    {"tls_client_auth", ClientAuthentication::tls_client_auth},
    {"self_signed_tls_client_auth", ClientAuthentication::self_signed_tls_client_auth}};
const std::vector<std::pair<std::string, User::Kind>> kUserKinds = {{"person", User::Kind::person}, {"service", User::Kind::service}};
const std::vector<std::pair<std::string, TrustedIssuer::Replay>> kReplays = {
    {"single_use", TrustedIssuer::Replay::single_use}, {"same_client_until_expiry", TrustedIssuer::Replay::same_client_until_expiry}};

const std::vector<std::pair<std::string, Server::FirstUse>> kFirstUses = {{"hold", Server::FirstUse::hold}, {"allow", Server::FirstUse::allow}};
const std::vector<std::pair<std::string, Server::WordingChanges>> kWordingChanges = {{"hold", Server::WordingChanges::hold},
                                                                                     {"keep_reviewed", Server::WordingChanges::keep_reviewed}};
const std::vector<std::pair<std::string, Limit::Per>> kPers = {
    {"user", Limit::Per::user}, {"agent", Limit::Per::agent}, {"server", Limit::Per::server}, {"tool", Limit::Per::tool}};

User read_user(const Node& node, Reading& reading, Declared& declared) {
  Fields fields(node, "a user", reading.problems);
  User user;
  user.id = fields.text("id");
  user.name = fields.required_text("name");
  user.display_name = fields.text("display_name");
  user.email = fields.text("email");
  user.email_verified = fields.flag("email_verified", false);
  user.department = fields.text("department");
  user.title = fields.text("title");
  if (const Node* tags = fields.find("tags")) {
    Fields all(*tags, "`tags`", reading.problems);
    for (const auto& entry : tags->entries) {
      const auto values = all.texts(entry.name);
      user.tags[entry.name] = {values.begin(), values.end()};
    }
  }
  user.kind = fields.choice("kind", User::Kind::person, kUserKinds);
  user.owner = fields.text("owner");
  user.active = fields.flag("active", true);
  user.groups = fields.texts("groups");
  user.external_id = fields.text("external_id");
  read_password(fields, reading, user, declared.password);
  fields.find("has_password");   // what the admin API shows in the hash's place; it says nothing when it comes back
  for (const Node& item : fields.list("links")) {
    Fields link(item, "a link", reading.problems);
    User::Link read{link.required_text("issuer"), link.text("tenant"), link.required_text("subject"), link.texts("groups"), link.instant("groups_as_of")};
    link.finish();
    user.links.push_back(std::move(read));
  }
  user.not_before = fields.instant("not_before");
  read_provisioning(fields, user);
  fields.finish();
  return user;
}

Group read_group(const Node& node, Reading& reading) {
  Fields fields(node, "a group", reading.problems);
  Group group{fields.required_text("id"), fields.text("display_name"), fields.texts("parents")};
  read_provisioning(fields, group);
  fields.finish();
  return group;
}

// The members that a registration at the IdP and one at a resource authorization server have in common.
Registration read_registration(Fields& fields, Reading& reading, ClientAuthentication with_device_keys) {
  Registration registration;
  registration.client_id = fields.required_text("client_id");
  registration.device_keys = fields.flag("device_keys", false);
  registration.authentication = fields.choice(
      "authentication", registration.device_keys ? with_device_keys : ClientAuthentication::client_secret, kClientAuthentications);
  registration.secrets = read_secrets(fields, reading);
  fields.find("active_secrets");   // as `has_password`
  if (const Node* jwks = fields.find("jwks")) {
    // As text or as a mapping: both end as the text of a JWK set.
    if (jwks->kind == Node::Kind::mapping) {
      registration.jwks = json::write(to_json(*jwks));
    } else {
      registration.jwks = fields.text("jwks");
    }
    const auto parsed = json::parse(registration.jwks);
    if (!registration.jwks.empty() && (!parsed || !parsed->find_array("keys"))) {
      fields.error(jwks->at, "`jwks` must be a JWK set: {\"keys\": [...]}");
    } else if (parsed && parsed->find_array("keys")) {
      for (const auto& key : *parsed->find_array("keys")) {
        // A private key that lies about in an object is one that everybody who may read objects can sign with.
        if (key.find("d") || key.find("k")) fields.error(jwks->at, "`jwks` holds a private or symmetric key: register the public key only");
      }
    }
  }
  registration.jwks_uri = fields.text("jwks_uri");
  registration.redirect_uris = fields.texts("redirect_uris");
  read_authorization_options(fields, registration);
  read_constraint(fields, registration);
  read_tls_client(fields, registration);
  return registration;
}

Agent read_agent(const Node& node, Reading& reading) {
  Fields fields(node, "an agent", reading.problems);
  Agent agent;
  agent.id = fields.required_text("id");
  agent.display_name = fields.text("display_name");
  agent.vendor = fields.text("vendor");
  agent.active = fields.flag("active", true);
  agent.groups = fields.texts("groups");
  if (const Node* idp = fields.find("idp")) {
    Fields at_idp(*idp, "`idp`", reading.problems);
    agent.idp = read_registration(at_idp, reading, ClientAuthentication::none);   // before its device has a key
    at_idp.finish();
  }
  for (const Node& item : fields.list("resource_authorization_servers")) {
    Fields at_ras(item, "a registration", reading.problems);
    ResourceAsRegistration registration;
    registration.issuer = at_ras.required_text("issuer");
    registration.registration = read_registration(at_ras, reading, ClientAuthentication::private_key_jwt);
    at_ras.finish();
    agent.resource_as.push_back(std::move(registration));
  }
  fields.finish();
  return agent;
}

Server read_server(const Node& node, Reading& reading) {
  Fields fields(node, "a server", reading.problems);
  Server server;
  server.id = fields.required_text("id");
  server.display_name = fields.text("display_name");
  server.active = fields.flag("active", true);
  server.environment = fields.text("environment");
  server.groups = fields.texts("groups");
  server.first_use = fields.choice("first_use", server.first_use, kFirstUses);
  server.wording_changes = fields.choice("wording_changes", server.wording_changes, kWordingChanges);
  read_authorization_options(fields, server);
  server.resource = fields.required_text("resource");
  server.resource_as = fields.required_text("resource_authorization_server");
  if (const Node* upstream = fields.find("upstream")) {
    Fields at(*upstream, "`upstream`", reading.problems);
    UpstreamAddress address;
    read_transport(at, address);
    read_program(at, address, reading.problems);
    address.ca_file = at.text("ca_file");
    address.era = read_era(at);
    if (const Node* header = at.find("header")) {
      Fields credential(*header, "`header`", reading.problems);
      address.header_name = credential.required_text("name");
      address.header_secret_file = credential.required_text("secret_file");
      credential.finish();
    }
    read_credentials(at, reading, address);
    at.finish();
    server.upstream = std::move(address);
  }
  read_constraint(fields, server);
  read_members(fields, server);
  server.authorization_details_types = fields.texts("authorization_details_types");
  for (const Node& item : fields.list("scopes")) {
    Fields at(item, "a scope", reading.problems);
    Scope scope;
    scope.name = at.required_text("name");
    scope.description = at.text("description");
    scope.is_default = at.flag("default", false);
    scope.high_impact = at.flag("high_impact", false);
    scope.implies = at.texts("implies");
    scope.tools = at.texts("tools");
    at.finish();
    server.scopes.push_back(std::move(scope));
  }
  fields.finish();
  return server;
}

ResourceAs read_resource_as(const Node& node, Reading& reading) {
  Fields fields(node, "a resource authorization server", reading.problems);
  ResourceAs ras;
  ras.issuer = fields.required_text("issuer");
  ras.display_name = fields.text("display_name");
  ras.active = fields.flag("active", true);
  ras.subject = fields.text("subject", ras.subject);
  ras.release_email = fields.flag("release_email", false);
  ras.aud_sub = fields.text("aud_sub");
  ras.tenant = fields.text("tenant");
  ras.id_jag_lifetime_seconds = fields.integer("id_jag_lifetime_seconds", ras.id_jag_lifetime_seconds, 10, 3600);
  read_options(fields, reading, ras);
  fields.finish();
  return ras;
}

TrustedIssuer read_trusted_issuer(const Node& node, Reading& reading) {
  Fields fields(node, "a trusted issuer", reading.problems);
  TrustedIssuer issuer;
  issuer.issuer = fields.required_text("issuer");
  issuer.display_name = fields.text("display_name");
  issuer.active = fields.flag("active", true);
  issuer.jwks_uri = fields.text("jwks_uri");
  if (!fields.has("algorithms")) {
    using crypto::Algorithm;
    issuer.algorithms = {Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa};
  }
  for (const std::string& name : fields.texts("algorithms")) {
    if (const auto algorithm = crypto::parse_algorithm(name)) {
      issuer.algorithms.push_back(*algorithm);
    } else {
      fields.error(fields.at("algorithms"), "unknown algorithm `" + name.substr(0, 40) + "`: ES256, ES384, RS256, PS256 and EdDSA are accepted");
    }
  }
  issuer.lifetime_seconds_max = fields.integer("lifetime_seconds_max", issuer.lifetime_seconds_max, 10, 3600);   // rules §2
  issuer.replay = fields.choice("replay", issuer.replay, kReplays);
  read_trust_rules(fields, issuer, reading.problems);
  issuer.clients = fields.texts_or_all("clients", issuer.all_clients);
  issuer.scope_ceiling = fields.texts_or_all("scope_ceiling", issuer.all_scopes);
  read_signals(fields, issuer);
  read_constraint(fields, issuer);
  fields.finish();
  return issuer;
}

ApiToken read_api_token(const Node& node, Reading& reading) {
  Fields fields(node, "an API token", reading.problems);
  ApiToken token;
  token.id = fields.required_text("id");
  token.display_name = fields.text("display_name");
  token.role = fields.choice<std::string>("role", "", {{"admin", "admin"}, {"auditor", "auditor"}, {"evaluator", "evaluator"}, {"scim", "scim"}, {"signals", "signals"}, {"registration", "registration"}});
  if (!fields.has("role") && node.kind == Node::Kind::mapping) fields.error(node.at, "an API token needs `role`: `admin`, `auditor`, `evaluator`, `scim`, `signals` or `registration`");
  token.active = fields.flag("active", true);
  read_token(fields, reading, token);
  read_provisioning(fields, token);
  read_signals(fields, token);
  fields.finish();
  return token;
}

Limit read_limit(const Node& node, Reading& reading) {
  constexpr std::int64_t kMost = 1'000'000'000'000;
  Fields fields(node, "a limit", reading.problems);
  Limit limit;
  limit.id = fields.required_text("id");
  limit.display_name = fields.text("display_name");
  limit.active = fields.flag("active", true);
  for (const std::string& word : fields.texts("per")) {
    const auto found = std::find_if(kPers.begin(), kPers.end(), [&](const auto& known) { return known.first == word; });
    if (found != kPers.end()) limit.per.push_back(found->second);
    else fields.error(fields.at("per"), "`per` names `user`, `agent`, `server` or `tool`, not `" + word.substr(0, 40) + "`");
  }
  limit.groups = fields.texts("groups");
  limit.agents = fields.texts("agents");
  limit.servers = fields.texts("servers");
  limit.tools = fields.texts("tools");
  limit.requests_per_minute = fields.integer("requests_per_minute", 0, 0, 1'000'000);
  limit.burst = fields.integer("burst", 0, 0, 1'000'000);
  limit.concurrent_calls = fields.integer("concurrent_calls", 0, 0, 1'000'000);
  limit.calls_per_day = fields.integer("calls_per_day", 0, 0, kMost);
  limit.bytes_per_day = fields.integer("bytes_per_day", 0, 0, kMost);
  fields.finish();
  return limit;
}

bool mentions_secrets(const Node& node) { return node.find("secret") || node.find("secret_file") || node.find("secret_sha256") || node.find("secrets"); }

// Says in the document whether credentials were mentioned: the member is there, if only empty, exactly when they were.
void note_mentioned(const Node& node, json::Value& document) {
  if (mentions_secrets(node) && !document.find("secrets")) document.set("secrets", json::Array{});
}

}  // namespace

std::string_view collection(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::user: return "users";
    case ObjectKind::group: return "groups";
    case ObjectKind::agent: return "agents";
    case ObjectKind::server: return "servers";
    case ObjectKind::resource_as: return "resource_authorization_servers";
    case ObjectKind::trusted_issuer: return "trusted_issuers";
    case ObjectKind::api_token: return "api_tokens";
    case ObjectKind::identity_connector: return "identity_connectors";
    case ObjectKind::authentication_level: return "authentication_levels";
    case ObjectKind::decision_point: return "decision_points";
    case ObjectKind::limit: return "limits";
    case ObjectKind::tool: return "tools";
    case ObjectKind::prompt: return "prompts";
    case ObjectKind::instructions: return "instructions";
  }
  return "";
}

std::string_view noun(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::user: return "user";
    case ObjectKind::group: return "group";
    case ObjectKind::agent: return "agent";
    case ObjectKind::server: return "server";
    case ObjectKind::resource_as: return "resource authorization server";
    case ObjectKind::trusted_issuer: return "trusted issuer";
    case ObjectKind::api_token: return "API token";
    case ObjectKind::identity_connector: return "identity connector";
    case ObjectKind::authentication_level: return "authentication level";
    case ObjectKind::decision_point: return "decision point";
    case ObjectKind::limit: return "limit";
    case ObjectKind::tool: return "tool definition";
    case ObjectKind::prompt: return "prompt definition";
    case ObjectKind::instructions: return "instructions";
  }
  return "";
}

std::optional<ObjectKind> parse_collection(std::string_view name) {
  for (const ObjectKind kind : kObjectKinds) {
    if (collection(kind) == name) return kind;
  }
  return std::nullopt;
}

Declared read_object(ObjectKind kind, const Node& node, Reading& reading) {
  Declared declared;
  declared.kind = kind;
  declared.node = node;
  switch (kind) {
    case ObjectKind::user: {
      const User user = read_user(node, reading, declared);
      declared.name = user.name;
      declared.document = write(user);
      if (node.find("password_hash") && user.password_hash.empty()) declared.document.set("password_hash", "");
      break;
    }
    case ObjectKind::group: declared.document = write(read_group(node, reading)); break;
    case ObjectKind::agent: {
      declared.document = write(read_agent(node, reading));
      const Node* idp = node.find("idp");
      if (idp && declared.document.find("idp")) {
        json::Value at_idp = *declared.document.find("idp");
        note_mentioned(*idp, at_idp);
        declared.document.set("idp", std::move(at_idp));
      }
      const Node* list = node.find("resource_authorization_servers");
      if (const auto* written = declared.document.find_array("resource_authorization_servers"); list && written) {
        json::Array registrations = *written;
        for (std::size_t i = 0; i < registrations.size() && i < list->items.size(); ++i) note_mentioned(list->items[i], registrations[i]);
        declared.document.set("resource_authorization_servers", std::move(registrations));
      }
      break;
    }
    case ObjectKind::server: declared.document = write(read_server(node, reading)); break;
    case ObjectKind::resource_as: declared.document = write(read_resource_as(node, reading)); break;
    case ObjectKind::trusted_issuer: declared.document = write(read_trusted_issuer(node, reading)); break;
    case ObjectKind::api_token: declared.document = write(read_api_token(node, reading)); break;
    case ObjectKind::identity_connector: declared.document = write(read_identity_connector(node, reading, declared.client_secret)); break;
    case ObjectKind::authentication_level: declared.document = write(read_authentication_level(node, reading)); break;
    case ObjectKind::decision_point: declared.document = write(read_decision_point(node, reading)); break;
    case ObjectKind::limit: declared.document = write(read_limit(node, reading)); break;
    case ObjectKind::tool:
    case ObjectKind::prompt:
    case ObjectKind::instructions: declared.document = write(read_definition(kind, node, reading.problems)); break;
  }
  declared.key = key_of(kind, declared.document);
  return declared;
}

std::vector<Declared> read_objects(const Node& root, Reading& reading) {
  std::vector<Declared> all;
  if (root.kind == Node::Kind::null) return all;
  Fields fields(root, "a document of objects", reading.problems);
  for (const ObjectKind kind : kObjectKinds) {
    std::unordered_map<std::string, Position> keys, names;   // where each was declared first
    for (const Node& item : fields.list(collection(kind))) {
      all.push_back(read_object(kind, item, reading));
      const Declared& last = all.back();
      // Without a key its name tells which one it is.
      const auto named_before = names.emplace(last.name, item.at);
      const auto& [first, is_new] = last.key.empty() ? named_before : keys.emplace(last.key, item.at);
      if (is_new || first->first.empty()) continue;
      reading.problems.push_back({item.at, std::string(noun(kind)) + " `" + first->first + "` is declared twice: first at " + to_string(first->second)});
    }
  }
  fields.finish();
  return all;
}

Node join_documents(std::vector<Node> roots) {
  Node joined;
  for (Node& root : roots) {
    if (root.kind == Node::Kind::null) continue;
    if (root.kind != Node::Kind::mapping) return root;   // read_objects says what is wrong with it
    if (joined.kind == Node::Kind::null) joined.kind = Node::Kind::mapping, joined.at = root.at;
    for (auto& entry : root.entries) {
      Node::Entry* present = nullptr;
      for (auto& other : joined.entries) {
        if (other.name == entry.name) present = &other;
      }
      if (!present) {
        joined.entries.push_back(std::move(entry));
      } else if (present->value.kind == Node::Kind::list && entry.value.kind == Node::Kind::list) {
        auto& items = present->value.items;
        items.insert(items.end(), std::make_move_iterator(entry.value.items.begin()), std::make_move_iterator(entry.value.items.end()));
      } else if (entry.value.kind != Node::Kind::null) {
        present->value = std::move(entry.value);   // one of the two is no list: this one or the next reader reports it
      }
    }
  }
  return joined;
}

Result<Objects, Problems> read_all(const std::vector<std::pair<ObjectKind, json::Value>>& documents) {
  Objects objects;
  Reading reading;
  for (const auto& [kind, document] : documents) {
    const Node node = from_json(document, "/" + std::string(collection(kind)) + "/" + key_of(kind, document));
    Declared ignored;
    switch (kind) {
      case ObjectKind::user: objects.users.push_back(read_user(node, reading, ignored)); break;
      case ObjectKind::group: objects.groups.push_back(read_group(node, reading)); break;
      case ObjectKind::agent: objects.agents.push_back(read_agent(node, reading)); break;
      case ObjectKind::server: objects.servers.push_back(read_server(node, reading)); break;
      case ObjectKind::resource_as: objects.resource_authorization_servers.push_back(read_resource_as(node, reading)); break;
      case ObjectKind::trusted_issuer: objects.trusted_issuers.push_back(read_trusted_issuer(node, reading)); break;
      case ObjectKind::api_token: objects.api_tokens.push_back(read_api_token(node, reading)); break;
      case ObjectKind::identity_connector: objects.identity_connectors.push_back(read_identity_connector(node, reading, ignored.client_secret)); break;
      case ObjectKind::authentication_level: objects.authentication_levels.push_back(read_authentication_level(node, reading)); break;
      case ObjectKind::decision_point: objects.decision_points.push_back(read_decision_point(node, reading)); break;
      case ObjectKind::limit: objects.limits.push_back(read_limit(node, reading)); break;
      case ObjectKind::tool:
      case ObjectKind::prompt:
      case ObjectKind::instructions: break;
    }
  }
  if (has_errors(reading.problems)) return unexpected(std::move(reading.problems));
  return objects;
}

std::string key_of(ObjectKind kind, const json::Value& document) {
  const bool by_issuer = kind == ObjectKind::resource_as || kind == ObjectKind::trusted_issuer;
  const std::string* key = document.find_string(by_issuer ? "issuer" : "id");
  return key ? *key : std::string();
}

std::string sha256_hex(const Secret& secret) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : crypto::sha256(secret.reveal())) hex += kHex[byte >> 4], hex += kHex[byte & 0xF];
  return hex;
}

}  // namespace writ::registry
