// Objects as documents. Members that have their default are left out, so that a comparison shows what somebody said.

#include "audit/record.h"
#include "registry/authorization_options.h"
#include "registry/combined_server.h"
#include "registry/provisioning.h"
#include "registry/signals.h"
#include "registry/read.h"
#include "registry/sender_constraint.h"
#include "registry/tls_client.h"
#include "registry/trust_rules.h"
#include "registry/resource_as_options.h"
#include "registry/upstream_era.h"
#include "registry/upstream_oauth.h"
#include "registry/upstream_program.h"
#include "registry/upstream_transport.h"

namespace writ::registry {
namespace {

void text(json::Value& out, std::string_view name, const std::string& value) {
  if (!value.empty()) out.set(name, value);
}
void texts(json::Value& out, std::string_view name, const std::vector<std::string>& values) {
  if (!values.empty()) out.set(name, json::from_strings(values));
}
void texts_or_all(json::Value& out, std::string_view name, bool all, const std::vector<std::string>& values) {
  if (all) {
    out.set(name, "all");
  } else {
    texts(out, name, values);
  }
}

void append(json::Value& out, const Registration& registration) {
  text(out, "client_id", registration.client_id);
  if (registration.device_keys) out.set("device_keys", true);
  out.set("authentication", to_string(registration.authentication));
  json::Array secrets;
  for (const ClientSecret& secret : registration.secrets) {
    json::Value written{{"sha256", secret.sha256_hex}};
    if (secret.expires) written.set("expires", audit::to_iso8601(*secret.expires));
    secrets.push_back(std::move(written));
  }
  if (!secrets.empty()) out.set("secrets", std::move(secrets));
  if (!registration.jwks.empty()) {
    auto parsed = json::parse(registration.jwks);
    out.set("jwks", parsed ? std::move(parsed).value() : json::Value(registration.jwks));
  }
  text(out, "jwks_uri", registration.jwks_uri);
  texts(out, "redirect_uris", registration.redirect_uris);
  write_authorization_options(out, registration);
  write_constraint(out, registration);
  write_tls_client(out, registration);
}

void hide_secrets(json::Value& registration) {
  const auto* secrets = registration.find_array("secrets");
  if (!secrets) return;
  json::Array shown;
  for (const auto& secret : *secrets) {
    json::Object about;
    if (const auto* expires = secret.find("expires")) about.push_back({"expires", *expires});
    shown.push_back(std::move(about));
  }
  registration.erase("secrets");
  registration.set("active_secrets", std::move(shown));
}

}  // namespace

json::Value write(const User& user) {
  json::Value out = json::Object{};
  text(out, "id", user.id);
  text(out, "name", user.name);
  text(out, "display_name", user.display_name);
  text(out, "email", user.email);
  if (user.email_verified) out.set("email_verified", true);
  text(out, "department", user.department);
  text(out, "title", user.title);
  if (!user.tags.empty()) {
    json::Value tags = json::Object{};
    for (const auto& [name, values] : user.tags) tags.set(name, json::from_strings({values.begin(), values.end()}));
    out.set("tags", std::move(tags));
  }
  if (user.kind == User::Kind::service) out.set("kind", "service");
  text(out, "owner", user.owner);
  if (!user.active) out.set("active", false);
  texts(out, "groups", user.groups);
  text(out, "external_id", user.external_id);
  text(out, "password_hash", user.password_hash);
  json::Array links;
  for (const auto& link : user.links) {
    json::Value written{{"issuer", link.issuer}};
    text(written, "tenant", link.tenant);
    text(written, "subject", link.subject);
    texts(written, "groups", link.groups);
    if (link.groups_as_of) written.set("groups_as_of", audit::to_iso8601(*link.groups_as_of));
    links.push_back(std::move(written));
  }
  if (!links.empty()) out.set("links", std::move(links));
  if (user.not_before) out.set("not_before", audit::to_iso8601(*user.not_before));
  write_provisioning(user, out);
  return out;
}

json::Value write(const Group& group) {
  json::Value out = json::Object{};
  text(out, "id", group.id);
  text(out, "display_name", group.display_name);
  texts(out, "parents", group.parents);
  write_provisioning(group, out);
  return out;
}

json::Value write(const Agent& agent) {
  json::Value out = json::Object{};
  text(out, "id", agent.id);
  text(out, "display_name", agent.display_name);
  text(out, "vendor", agent.vendor);
  if (!agent.active) out.set("active", false);
  texts(out, "groups", agent.groups);
  if (agent.idp) {
    json::Value idp = json::Object{};
    append(idp, *agent.idp);
    out.set("idp", std::move(idp));
  }
  json::Array registrations;
  for (const auto& at : agent.resource_as) {
    json::Value registration{{"issuer", at.issuer}};
    append(registration, at.registration);
    registrations.push_back(std::move(registration));
  }
  if (!registrations.empty()) out.set("resource_authorization_servers", std::move(registrations));
  return out;
}

json::Value write(const Server& server) {
  json::Value out = json::Object{};
  text(out, "id", server.id);
  text(out, "display_name", server.display_name);
  if (!server.active) out.set("active", false);
  text(out, "environment", server.environment);
  texts(out, "groups", server.groups);
  if (server.first_use == Server::FirstUse::allow) out.set("first_use", "allow");
  if (server.wording_changes == Server::WordingChanges::keep_reviewed) out.set("wording_changes", "keep_reviewed");
  write_authorization_options(out, server);
  text(out, "resource", server.resource);
  text(out, "resource_authorization_server", server.resource_as);
  write_constraint(out, server);
  if (server.upstream) {
    json::Value upstream = json::Object{};
    write_transport(*server.upstream, upstream);
    text(upstream, "ca_file", server.upstream->ca_file);
    write_era(upstream, server.upstream->era);
    if (server.upstream->program) upstream.set("program", write(*server.upstream->program));
    if (!server.upstream->header_name.empty()) {
      upstream.set("header", json::Value{{"name", server.upstream->header_name}, {"secret_file", server.upstream->header_secret_file}});
    }
    write_credentials(*server.upstream, upstream);
    out.set("upstream", std::move(upstream));
  }
  write_members(server, out);
  texts(out, "authorization_details_types", server.authorization_details_types);
  json::Array scopes;
  for (const Scope& scope : server.scopes) {
    json::Value written = json::Object{};
    text(written, "name", scope.name);
    text(written, "description", scope.description);
    if (scope.is_default) written.set("default", true);
    if (scope.high_impact) written.set("high_impact", true);
    texts(written, "implies", scope.implies);
    texts(written, "tools", scope.tools);
    scopes.push_back(std::move(written));
  }
  if (!scopes.empty()) out.set("scopes", std::move(scopes));
  return out;
}

json::Value write(const ResourceAs& ras) {
  const ResourceAs defaults;
  json::Value out = json::Object{};
  text(out, "issuer", ras.issuer);
  text(out, "display_name", ras.display_name);
  if (!ras.active) out.set("active", false);
  if (ras.subject != defaults.subject) out.set("subject", ras.subject);
  if (ras.release_email) out.set("release_email", true);
  text(out, "aud_sub", ras.aud_sub);
  text(out, "tenant", ras.tenant);
  if (ras.id_jag_lifetime_seconds != defaults.id_jag_lifetime_seconds) out.set("id_jag_lifetime_seconds", ras.id_jag_lifetime_seconds);
  write_options(ras, out);
  return out;
}

json::Value write(const TrustedIssuer& issuer) {
  const TrustedIssuer defaults;
  json::Value out = json::Object{};
  text(out, "issuer", issuer.issuer);
  text(out, "display_name", issuer.display_name);
  if (!issuer.active) out.set("active", false);
  text(out, "jwks_uri", issuer.jwks_uri);
  json::Array algorithms;   // always written: what "all that are known" means may change, what was accepted may not
  for (const auto algorithm : issuer.algorithms) algorithms.push_back(crypto::to_string(algorithm));
  out.set("algorithms", std::move(algorithms));
  if (issuer.lifetime_seconds_max != defaults.lifetime_seconds_max) out.set("lifetime_seconds_max", issuer.lifetime_seconds_max);
  if (issuer.replay != defaults.replay) out.set("replay", "same_client_until_expiry");
  write_trust_rules(issuer, out);
  texts_or_all(out, "clients", issuer.all_clients, issuer.clients);
  texts_or_all(out, "scope_ceiling", issuer.all_scopes, issuer.scope_ceiling);
  write_signals(out, issuer);
  write_constraint(out, issuer);
  return out;
}

json::Value write(const ApiToken& token) {
  json::Value out = json::Object{};
  text(out, "id", token.id);
  text(out, "display_name", token.display_name);
  text(out, "role", token.role);
  if (!token.active) out.set("active", false);
  text(out, "token_sha256", token.sha256_hex);
  write_provisioning(token, out);
  write_signals(out, token);
  return out;
}

json::Value write(const Limit& limit) {
  json::Value out = json::Object{};
  text(out, "id", limit.id);
  text(out, "display_name", limit.display_name);
  if (!limit.active) out.set("active", false);
  std::vector<std::string> per;
  for (const Limit::Per one : limit.per) per.emplace_back(one == Limit::Per::user ? "user" : one == Limit::Per::agent ? "agent" : one == Limit::Per::server ? "server" : "tool");
  texts(out, "per", per);
  texts(out, "groups", limit.groups);
  texts(out, "agents", limit.agents);
  texts(out, "servers", limit.servers);
  texts(out, "tools", limit.tools);
  const std::pair<const char*, std::int64_t> numbers[] = {{"requests_per_minute", limit.requests_per_minute}, {"burst", limit.burst}, {"concurrent_calls", limit.concurrent_calls},
                                                          {"calls_per_day", limit.calls_per_day}, {"bytes_per_day", limit.bytes_per_day}};
  for (const auto& [name, value] : numbers) {
    if (value != 0) out.set(name, value);
  }
  return out;
}

json::Value without_credentials(ObjectKind kind, json::Value document) {
  if (kind == ObjectKind::user) {
    const bool has_password = document.find_string("password_hash") && !document.find_string("password_hash")->empty();
    document.erase("password_hash");
    if (has_password) document.set("has_password", true);
  } else if (kind == ObjectKind::agent) {
    if (const json::Value* idp = document.find("idp")) {
      json::Value shown = *idp;
      hide_secrets(shown);
      document.set("idp", std::move(shown));
    }
    if (const auto* list = document.find_array("resource_authorization_servers")) {
      json::Array shown = *list;
      for (auto& registration : shown) hide_secrets(registration);
      document.set("resource_authorization_servers", std::move(shown));
    }
  } else if (kind == ObjectKind::api_token) {
    document.erase("token_sha256");
  } else if (kind == ObjectKind::identity_connector) {
    const bool has_secret = document.find("client_secret_sealed") != nullptr;
    document.erase("client_secret_sealed");
    if (has_secret) document.set("has_client_secret", true);
  }
  return document;
}

}  // namespace writ::registry
