#include "registry/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "registry/check.h"

namespace writ::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string errors_of(const std::string& text) {
  const auto root = yaml::parse(text, "f.yaml");
  if (!root) return to_string(root.error());
  Reading reading;
  reading.secret_file = [](const std::string& path, const Position&) -> Result<Secret, std::string> {
    if (path == "open") return unexpected(std::string("`open` holds a secret and is open to others"));
    return Secret("0123456789abcdefghijkl");
  };
  const auto declared = read_objects(*root, reading);
  Problems problems = reading.problems;
  if (!has_errors(problems)) {
    std::vector<std::pair<ObjectKind, json::Value>> documents;
    for (const auto& object : declared) documents.emplace_back(object.kind, object.document);
    const auto objects = read_all(documents);
    if (!objects) return "NOT READ BACK " + to_string(objects.error());
    const auto more = check_objects(*objects, Places(declared));
    problems.insert(problems.end(), more.begin(), more.end());
  }
  std::string text_of_errors;
  for (const auto& problem : problems) {
    if (!problem.is_warning) text_of_errors += to_string(problem) + "\n";
  }
  return text_of_errors;
}

struct Row {
  const char* name;
  const char* yaml;
  const char* expected;   // a whole line, or its start
};
class SchemaErrors : public testing::TestWithParam<Row> {};

TEST_P(SchemaErrors, NameTheirPlaceAndWhatWouldBeRight) {
  const std::string errors = errors_of(GetParam().yaml);
  EXPECT_TRUE(errors.starts_with(GetParam().expected)) << errors;
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
}

#define RAS "resource_authorization_servers: [{issuer: https://ras.example}]\n"

INSTANTIATE_TEST_SUITE_P(
    Structure, SchemaErrors,
    testing::Values(
        Row{"unknown_collection", "user: []\n", "f.yaml:1:1: error: unknown key `user` in a document of objects; did you mean `users`?"},
        Row{"document_is_a_list", "- a\n", "f.yaml:1:1: error: a document of objects must be a mapping of names to values, not a list"},
        Row{"collection_is_no_list", "users: alice\n", "f.yaml:1:8: error: `users` must be a list, not text: write [alice]"},
        Row{"object_is_no_mapping", "users: [alice]\n", "f.yaml:1:9: error: a user must be a mapping of names to values, not text"},
        Row{"unknown_member", "users:\n  - id: usr_a\n    name: a\n    activ: false\n", "f.yaml:4:5: error: unknown key `activ` in a user; did you mean `active`?"},
        Row{"unknown_member_without_a_near_one", "groups: [{id: a, xyzzy: 1}]\n", "f.yaml:1:18: error: unknown key `xyzzy` in a group\n"},
        Row{"member_twice", "groups:\n  - id: a\n    id: b\n", "f.yaml:3:5: error: `id` is written twice: first in line 2"},
        Row{"object_twice", "groups:\n  - id: a\n  - id: a\n", "f.yaml:3:5: error: group `a` is declared twice: first at f.yaml:2:5"},
        Row{"user_twice_by_name", "users:\n  - name: a\n  - name: a\n", "f.yaml:3:5: error: user `a` is declared twice"},
        Row{"required_member_absent", "groups: [{display_name: A}]\n", "f.yaml:1:10: error: a group needs `id`"},
        Row{"required_member_empty", "groups: [{id: ''}]\n", "f.yaml:1:15: error: a group needs `id`"},
        Row{"number_for_text", "groups: [{id: 17}]\n", "f.yaml:1:15: error: `id` must be text, not a whole number: write \"17\" in quotes"},
        Row{"truth_for_text", "groups: [{id: true}]\n", "f.yaml:1:15: error: `id` must be text, not true or false: write \"true\" in quotes"},
        Row{"text_for_truth", "users: [{id: usr_a, name: a, active: no}]\n", "f.yaml:1:38: error: `active` must be true or false, not text"},
        Row{"text_for_a_list", "users: [{id: usr_a, name: a, groups: eng}]\n", "f.yaml:1:38: error: `groups` must be a list, not text: write [eng]"},
        Row{"list_names_one_twice", "groups: [{id: a}]\nusers: [{id: usr_a, name: a, groups: [a, a]}]\n", "f.yaml:2:42: error: `groups` names `a` twice"},
        Row{"number_out_of_range", "resource_authorization_servers: [{issuer: https://r.example, id_jag_lifetime_seconds: 5}]\n",
            "f.yaml:1:87: error: `id_jag_lifetime_seconds` must be between 10 and 3600, not 5"},
        Row{"unknown_word", "trusted_issuers: [{issuer: https://i.example, replay: singel_use}]\n",
            "f.yaml:1:55: error: `replay` must be `single_use` or `same_client_until_expiry`, not `singel_use`; did you mean `single_use`?"},
        Row{"unknown_era", RAS "servers: [{id: s, resource: \"https://s.example/\", resource_authorization_server: \"https://ras.example\", upstream: {url: \"https://u.example\", era: old}}]\n",
            "f.yaml:2:147: error: `era` must be `detect`, `legacy` or `modern`, not `old`"},
        Row{"no_time", "users: [{id: usr_a, name: a, not_before: yesterday}]\n", "f.yaml:1:42: error: `not_before` must be a time in UTC such as"},
        Row{"time_that_is_none", "users: [{id: usr_a, name: a, not_before: 2026-02-30T00:00:00Z}]\n", "f.yaml:1:42: error: `not_before` must be a time in UTC"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Credentials, SchemaErrors,
    testing::Values(
        Row{"two_passwords", "users: [{id: usr_a, name: a, password: x, password_hash: $argon2id$v=19$x}]\n", "f.yaml:1:58: error: write only one of `password`"},
        Row{"foreign_password_hash", "users: [{id: usr_a, name: a, password_hash: $2b$10$abc}]\n", "f.yaml:1:45: error: `password_hash` must be an Argon2id hash"},
        Row{"empty_password", "users: [{id: usr_a, name: a, password: ''}]\n", "f.yaml:1:40: error: a password has between 1 and 1024 bytes"},
        Row{"short_secret", "agents: [{id: a, idp: {client_id: a, secret: hunter2}}]\n", "f.yaml:1:46: error: `secret` is too short: at least 22 random characters"},
        Row{"no_hash", "agents: [{id: a, idp: {client_id: a, secret_sha256: ABCD}}]\n", "f.yaml:1:53: error: `secret_sha256` must be 64 lower-case hexadecimal digits"},
        Row{"three_secrets", "agents: [{id: a, idp: {client_id: a, secrets: [{secret_file: x}, {secret_file: x}, {secret_file: x}]}}]\n",
            "f.yaml:1:47: error: at most two secrets may be active at a time"},
        Row{"secret_and_secrets", "agents: [{id: a, idp: {client_id: a, secret_file: x, secrets: []}}]\n", "f.yaml:1:63: error: write either one secret or a list `secrets`"},
        Row{"secret_without_value", "agents: [{id: a, idp: {client_id: a, secrets: [{expires: 2027-01-01T00:00:00Z}]}}]\n", "f.yaml:1:48: error: a secret needs `sha256`"},
        Row{"file_open_to_others", "agents: [{id: a, idp: {client_id: a, secret_file: open}}]\n", "f.yaml:1:51: error: `open` holds a secret and is open to others"},
        Row{"token_without_value", "api_tokens: [{id: ci, role: admin}]\n", "f.yaml:1:14: error: an API token needs `token_file` or `token_sha256`"},
        Row{"token_without_role", "api_tokens: [{id: ci, token_file: x}]\n", "f.yaml:1:14: error: an API token needs `role`"},
        Row{"level_without_strength", "authentication_levels: [{id: mfa, acr: a}]\n", "f.yaml:1:25: error: an authentication level needs `strength`"},
        Row{"private_key_in_jwks", "agents: [{id: a, idp: {client_id: a, authentication: private_key_jwt, jwks: {keys: [{kty: EC, d: x}]}}}]\n",
            "f.yaml:1:77: error: `jwks` holds a private or symmetric key"},
        Row{"no_jwks", "agents: [{id: a, idp: {client_id: a, authentication: private_key_jwt, jwks: '[]'}}]\n", "f.yaml:1:77: error: `jwks` must be a JWK set"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    References, SchemaErrors,
    testing::Values(
        Row{"unknown_group", "groups: [{id: engineering}]\nusers: [{id: usr_a, name: a, groups: [enginering]}]\n",
            "f.yaml:2:39: error: there is no group `enginering`; did you mean `engineering`?"},
        Row{"unknown_parent", "groups: [{id: a, parents: [zzzzz]}]\n", "f.yaml:1:28: error: there is no group `zzzzz`\n"},
        Row{"group_in_itself", "groups: [{id: a, parents: [a]}]\n", "f.yaml:1:28: error: groups contain each other: a → a"},
        Row{"groups_in_a_circle", "groups:\n- {id: a, parents: [b]}\n- {id: b, parents: [c]}\n- {id: c, parents: [a]}\n",
            "f.yaml:4:21: error: groups contain each other: a → b → c → a"},
        Row{"unknown_ras_of_an_agent", RAS "agents: [{id: a, resource_authorization_servers: [{issuer: https://ras.exampl, client_id: a}]}]\n",
            "f.yaml:2:60: error: there is no resource authorization server `https://ras.exampl`; did you mean `https://ras.example`?"},
        Row{"unknown_ras_of_a_server", "servers: [{id: a, resource: https://m.example, resource_authorization_server: https://x.example}]\n",
            "f.yaml:1:79: error: there is no resource authorization server `https://x.example`"},
        Row{"unknown_client_of_an_issuer", "agents: [{id: cursor}]\ntrusted_issuers: [{issuer: https://i.example, clients: [curser]}]\n",
            "f.yaml:2:57: error: there is no agent `curser`; did you mean `cursor`?"},
        Row{"unknown_implied_scope", RAS "servers: [{id: a, resource: https://m.example, resource_authorization_server: https://ras.example, scopes: [{name: read}, {name: write, implies: [raed]}]}]\n",
            "f.yaml:2:147: error: this server has no scope `raed`; did you mean `read`?"},
        Row{"service_without_owner", "users: [{id: usr_a, name: a, kind: service}]\n", "f.yaml:1:36: error: a service account needs `owner`"},
        Row{"owner_that_does_not_exist", "users: [{id: usr_a, name: a, kind: service, owner: usr_b}]\n", "f.yaml:1:52: error: there is no user `usr_b`"},
        Row{"owner_is_a_service", "users: [{id: usr_p, name: p}, {id: usr_a, name: a, kind: service, owner: usr_p}, {id: usr_b, name: b, kind: service, owner: usr_a}]\n",
            "f.yaml:1:125: error: the owner of a service account must be a person"},
        Row{"person_with_owner", "users: [{id: usr_a, name: a, owner: usr_a}]\n", "f.yaml:1:37: error: only a service account has an `owner`"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Uniqueness, SchemaErrors,
    testing::Values(
        Row{"user_name_in_other_case", "users: [{id: usr_a, name: alice}, {id: usr_b, name: Alice}]\n", "f.yaml:1:53: error: the name `Alice` is taken already by user `usr_a`"},
        Row{"link", "users: [{id: usr_a, name: a, links: [{issuer: https://i.example, subject: s}]}, {id: usr_b, name: b, links: [{issuer: https://i.example, subject: s}]}]\n",
            "f.yaml:1:110: error: this link (issuer, tenant, subject) is taken already by user `usr_a`"},
        Row{"client_id_at_the_idp", "agents: [{id: a, idp: {client_id: c}}, {id: b, idp: {client_id: c}}]\n", "f.yaml:1:65: error: the client_id `c` at the identity provider is taken already by agent `a`"},
        Row{"client_id_at_a_ras", RAS "agents: [{id: a, resource_authorization_servers: [{issuer: https://ras.example, client_id: c}]}, {id: b, resource_authorization_servers: [{issuer: https://ras.example, client_id: c}]}]\n",
            "f.yaml:2:180: error: the client_id `c` at `https://ras.example` is taken already by agent `a`"},
        Row{"resource", RAS "servers: [{id: a, resource: https://m.example, resource_authorization_server: https://ras.example}, {id: b, resource: https://m.example, resource_authorization_server: https://ras.example}]\n",
            "f.yaml:2:119: error: the resource `https://m.example` is taken already by server `a`"},
        Row{"scope", RAS "servers: [{id: a, resource: https://m.example, resource_authorization_server: https://ras.example, scopes: [{name: r}, {name: r}]}]\n",
            "f.yaml:2:127: error: the scope `r` is there twice"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Forms, SchemaErrors,
    testing::Values(
        Row{"server_id", RAS "servers: [{id: GitHub, resource: https://m.example, resource_authorization_server: https://ras.example}]\n", "f.yaml:2:16: error: a server's `id` has up to 32"},
        Row{"agent_id", "agents: [{id: -a}]\n", "f.yaml:1:15: error: an agent's `id` has"},
        Row{"group_id", "groups: [{id: 'a b'}]\n", "f.yaml:1:15: error: a group's `id` has"},
        Row{"user_id", "users: [{id: alice, name: alice}]\n", "f.yaml:1:14: error: a user's `id` is usr_"},
        Row{"user_name_with_a_line_break", "users: [{id: usr_a, name: \"a\\nb\"}]\n", "f.yaml:1:27: error: a user's `name` has 1 to 128 characters"},
        Row{"name_with_nul", "users: [{id: usr_a, name: a, title: \"a\\0b\"}]\n", "f.yaml:1:37: error: `title` holds a NUL byte"},
        Row{"plain_http_issuer", "resource_authorization_servers: [{issuer: http://ras.example}]\n", "f.yaml:1:43: error: an issuer must be an https URL"},
        Row{"issuer_with_query", "trusted_issuers: [{issuer: 'https://i.example/?a', clients: all}]\n", "f.yaml:1:28: error: an issuer must be an https URL"},
        Row{"plain_http_resource", RAS "servers: [{id: a, resource: http://m.example, resource_authorization_server: https://ras.example}]\n", "f.yaml:2:29: error: `resource` must be an https URL"},
        Row{"resource_with_fragment", RAS "servers: [{id: a, resource: 'https://m.example/#x', resource_authorization_server: https://ras.example}]\n", "f.yaml:2:29: error: `resource` must be"},
        Row{"plain_http_upstream", RAS "servers: [{id: a, resource: https://m.example, resource_authorization_server: https://ras.example, upstream: {url: http://10.0.0.1/}}]\n", "f.yaml:2:116: error: `url` must be an https URL"},
        Row{"redirect_with_star", "agents: [{id: a, idp: {client_id: a, redirect_uris: ['https://a.example/*']}}]\n", "f.yaml:1:54: error: a redirect URI must be https"},
        Row{"redirect_over_plain_http", "agents: [{id: a, idp: {client_id: a, redirect_uris: ['http://a.example/cb']}}]\n", "f.yaml:1:54: error: a redirect URI must be https"},
        Row{"redirect_to_script", "agents: [{id: a, idp: {client_id: a, redirect_uris: ['javascript:alert(1)']}}]\n", "f.yaml:1:54: error: a redirect URI must be https"},
        Row{"client_id_with_space", "agents: [{id: a, idp: {client_id: 'a b'}}]\n", "f.yaml:1:35: error: a `client_id` has"},
        Row{"scope_with_space", RAS "servers: [{id: a, resource: https://m.example, resource_authorization_server: https://ras.example, scopes: [{name: 'a b'}]}]\n", "f.yaml:2:116: error: a scope is one word"},
        Row{"keys_without_private_key_jwt", "agents: [{id: a, idp: {client_id: a, jwks_uri: https://a.example/keys}}]\n", "f.yaml:1:23: error: keys are of no use"},
        Row{"private_key_jwt_without_keys", "agents: [{id: a, idp: {client_id: a, authentication: private_key_jwt}}]\n", "f.yaml:1:54: error: `private_key_jwt` needs the public keys"},
        Row{"secret_of_a_public_client", "agents: [{id: a, idp: {client_id: a, authentication: none, secret_file: x}}]\n", "f.yaml:1:54: error: secrets are of no use"},
        Row{"device_keys_with_dpop", "agents: [{id: a, idp: {client_id: a, device_keys: true, dpop_bound_access_tokens: true}}]\n", "f.yaml:1:83: error: `dpop_bound_access_tokens` does not go with `device_keys`"},
        Row{"device_keys_with_secret", "agents: [{id: a, idp: {client_id: a, authentication: client_secret, device_keys: true}}]\n", "f.yaml:1:54: error: `device_keys` does not go with `client_secret`"},
        Row{"level_that_asks_for_nothing", "authentication_levels: [{id: mfa, strength: 1}]\n", "f.yaml:1:25: error: a level that asks for nothing"},
        Row{"level_that_expects_what_it_does_not_ask", "authentication_levels: [{id: mfa, strength: 1, max_age: 5m, expected_amr: [mfa]}]\n", "f.yaml:1:25: error: `expected_acr` and `expected_amr` need `acr`"},
        Row{"level_with_two_words", "authentication_levels: [{id: mfa, strength: 1, acr: 'a b'}]\n", "f.yaml:1:53: error: `acr` is one word"},
        Row{"level_of_no_age", "authentication_levels: [{id: mfa, strength: 1, max_age: 0}]\n", "f.yaml:1:57: error: `max_age` must be"},
        Row{"two_levels_as_strong", "authentication_levels: [{id: a, strength: 1, acr: a}, {id: b, strength: 1, acr: b}]\n", "f.yaml:1:73: error: the strength 1 is taken already by authentication level `a`"},
        Row{"decision_point_over_plain_http", "decision_points: [{id: opa, url: http://pdp.example, servers: all}]\n", "f.yaml:1:34: error: `url` must be an https URL"},
        Row{"decision_point_with_slash", "decision_points: [{id: opa, url: https://pdp.example/, servers: all}]\n", "f.yaml:1:34: error: `url` must be an https URL"},
        Row{"decision_point_that_waits_too_long", "decision_points: [{id: opa, url: https://pdp.example, servers: all, timeout_ms: 60000}]\n", "f.yaml:1:81: error: `timeout_ms` must be between 10 and 10000"},
        Row{"decision_point_of_no_server", "decision_points: [{id: opa, url: https://pdp.example, servers: [nil]}]\n", "f.yaml:1:65: error: there is no server `nil`"},
        Row{"unknown_algorithm", "trusted_issuers: [{issuer: https://i.example, clients: all, algorithms: [HS256]}]\n", "f.yaml:1:73: error: unknown algorithm `HS256`"},
        Row{"subject", "resource_authorization_servers: [{issuer: https://r.example, subject: name}]\n", "f.yaml:1:71: error: `subject` must be user_id"}),
    [](const auto& row) { return row.param.name; });

TEST(Schema, TellsAllProblemsAtOnce) {
  const std::string errors = errors_of("users:\n  - id: usr_a\n    nme: a\n  - id: usr_b\n    name: b\n    active: maybe\ngroups: [{}]\n");
  EXPECT_THAT(errors, HasSubstr("f.yaml:3:5: error: unknown key `nme`"));
  EXPECT_THAT(errors, HasSubstr("f.yaml:2:5: error: a user needs `name`"));
  EXPECT_THAT(errors, HasSubstr("f.yaml:6:13: error: `active`"));
  EXPECT_THAT(errors, HasSubstr("f.yaml:7:10: error: a group needs `id`"));
}

TEST(Schema, NamesPlacesInJsonByPointer) {
  Reading reading;
  const auto body = json::parse(R"({"users":[{"id":"usr_a","name":"a"},{"id":"usr_b","name":7,"password_file":"/etc/shadow"}]})");
  read_objects(from_json(*body), reading);
  EXPECT_THAT(to_string(reading.problems), HasSubstr("/users/1/name: error: `name` must be text"));
  EXPECT_THAT(to_string(reading.problems), HasSubstr("/users/1/password_file: error: `password_file` cannot be used here"))
      << "a caller of the API must not make the server read its files";
}

constexpr const char* kEverything = R"(
groups:
  - {id: staff, display_name: Staff}
  - {id: eng, parents: [staff]}
users:
  - id: usr_alice
    name: alice
    display_name: Alice Example
    email: alice@example.com
    email_verified: true
    department: Engineering
    title: Engineer
    tags: {region: [eu, us]}
    groups: [eng]
    password_hash: $argon2id$v=19$m=1,t=1,p=1$abc$def
    links: [{issuer: "https://idp.example", tenant: t, subject: 00u1}]
    not_before: 2026-11-24T16:45:00.250Z
  - {id: usr_bot, name: bot, kind: service, owner: usr_alice, active: false}
resource_authorization_servers:
  - {issuer: "https://ras.example", display_name: RAS, active: false, subject: pairwise, release_email: true, aud_sub: email, id_jag_lifetime_seconds: 60}
agents:
  - id: cursor
    display_name: Cursor
    vendor: anysphere
    groups: [ide]
    idp:
      client_id: cursor-idp
      secrets: [{sha256: 0000000000000000000000000000000000000000000000000000000000000000, expires: 2027-01-01T00:00:00Z}]
      redirect_uris: ["http://127.0.0.1/callback", "com.example.app:/cb"]
      dpop_bound_access_tokens: true
    resource_authorization_servers:
      - {issuer: "https://ras.example", client_id: cursor-ras, authentication: private_key_jwt, jwks: {keys: [{kty: OKP, crv: Ed25519, x: abc}]}}
  - {id: writ-cli, active: false, idp: {client_id: writ-cli, device_keys: true}}
servers:
  - id: files
    display_name: Files
    active: false
    environment: test
    groups: [internal]
    resource: https://mcp.example/files
    resource_authorization_server: https://ras.example
    dpop_bound_access_tokens_required: true
    upstream: {url: "http://127.0.0.1:9/mcp", ca_file: ca.pem, era: legacy, header: {name: X-Key, secret_file: key}}
    scopes:
      - {name: "files:read", description: Read, default: true, tools: ["get_*"]}
      - {name: "files:write", high_impact: true, implies: ["files:read"], tools: ["put_*"]}
    authorization_details_types: [payment, "https://types.example/note"]
trusted_issuers:
  - {issuer: "https://partner.example", algorithms: [ES256], subject: aud_sub, clients: all, scope_ceiling: all, client_map: {0oa1: cursor}, tenants: [t1, t2], aud_tenant: acme,
     required_claims: {org_id: org_1, "https://ns.example/level": "2"}, email_domains: [partner.example], link_by_email: true, just_in_time: true}
  - {issuer: "https://idp.example", display_name: IdP, active: false, jwks_uri: "https://idp.example/keys", algorithms: [ES256], lifetime_seconds_max: 300,
     replay: same_client_until_expiry, subject: user_id, clients: [cursor], scope_ceiling: ["files:read"]}
  - {issuer: "https://other.example", clients: all, scope_ceiling: all, sender_constrained: true}
api_tokens:
  - {id: ci, display_name: CI, role: auditor, active: false, token_sha256: 1111111111111111111111111111111111111111111111111111111111111111}
)";

INSTANTIATE_TEST_SUITE_P(
    TrustRules, SchemaErrors,
    testing::Values(
        Row{"subject_of_another_word", "trusted_issuers: [{issuer: https://i.example, clients: all, subject: email}]\n", "f.yaml:1:70: error: `subject` must be `user_id`, `link` or `aud_sub`, not `email`"},
        Row{"client_map_is_a_list", "trusted_issuers: [{issuer: https://i.example, clients: all, client_map: [a]}]\n", "f.yaml:1:73: error: `client_map` must be a mapping"},
        Row{"client_map_to_nobody", "agents: [{id: cursor}]\ntrusted_issuers: [{issuer: https://i.example, clients: all, client_map: {0oa1: curser}}]\n", "f.yaml:2:80: error: there is no agent `curser`; did you mean `cursor`?"},
        Row{"client_map_to_nothing", "trusted_issuers: [{issuer: https://i.example, clients: all, client_map: {0oa1: ''}}]\n", "f.yaml:1:80: error: `client_map` needs `0oa1`"},
        Row{"tenant_twice", "trusted_issuers: [{issuer: https://i.example, clients: all, tenants: [a, a]}]\n", "f.yaml:1:74: error: `tenants` names `a` twice"},
        Row{"tenant_is_a_text", "trusted_issuers: [{issuer: https://i.example, clients: all, tenants: a}]\n", "f.yaml:1:70: error: `tenants` must be a list, not text: write [a]"},
        Row{"required_claim_with_rules", "trusted_issuers: [{issuer: https://i.example, clients: all, required_claims: {tenant: a}}]\n", "f.yaml:1:87: error: `tenant` has rules of its own and cannot be required to have a value here"},
        Row{"required_claim_is_a_number", "trusted_issuers: [{issuer: https://i.example, clients: all, required_claims: {level: 2}}]\n", "f.yaml:1:86: error: `level` must be text, not a whole number"},
        Row{"email_domain_is_an_address", "trusted_issuers: [{issuer: https://i.example, clients: all, email_domains: [a@b.example]}]\n", "f.yaml:1:77: error: a domain is written like example.com, not `a@b.example`"},
        Row{"email_domain_is_a_pattern", "trusted_issuers: [{issuer: https://i.example, clients: all, email_domains: ['*.example.com']}]\n", "f.yaml:1:77: error: a domain is written like example.com, not `*.example.com`"},
        Row{"linked_by_addresses_of_no_domain", "trusted_issuers: [{issuer: https://i.example, clients: all, link_by_email: true}]\n", "f.yaml:1:76: error: `link_by_email` needs `email_domains`"},
        Row{"user_ids_that_are_linked", "trusted_issuers: [{issuer: https://i.example, clients: all, subject: user_id, email_domains: [i.example], link_by_email: true}]\n", "f.yaml:1:122: error: `subject: user_id` knows people by their id here"},
        Row{"user_ids_that_are_created", "trusted_issuers: [{issuer: https://i.example, clients: all, subject: user_id, just_in_time: true}]\n", "f.yaml:1:93: error: `subject: user_id` knows people by their id here"},
        Row{"details_type_is_empty", RAS "servers: [{id: s, resource: \"https://s.example/\", resource_authorization_server: \"https://ras.example\", authorization_details_types: [\"\"]}]\n", "f.yaml:2:135: error: `authorization_details_types` must be text"},
        Row{"details_type_twice", RAS "servers: [{id: s, resource: \"https://s.example/\", resource_authorization_server: \"https://ras.example\", authorization_details_types: [a, a]}]\n", "f.yaml:2:138: error: `authorization_details_types` names `a` twice"},
        Row{"tenant_with_a_line_break", "resource_authorization_servers: [{issuer: https://ras.example, tenant: \"a\\nb\"}]\n", "f.yaml:1:72: error: a tenant has up to 128 printable characters, not `a?b`"}),
    [](const auto& row) { return row.param.name; });

TEST(Schema, EveryMemberComesBackFromTheDocumentThatIsWritten) {
  ASSERT_EQ(errors_of(kEverything), "");
  Reading reading;
  const auto declared = read_objects(*yaml::parse(kEverything, "f.yaml"), reading);
  std::vector<std::pair<ObjectKind, json::Value>> documents;
  for (const auto& object : declared) documents.emplace_back(object.kind, object.document);
  const auto objects = read_all(documents);
  ASSERT_TRUE(objects);
  const User& alice = objects->users[0];
  EXPECT_EQ(alice.tags.at("region"), (std::set<std::string>{"eu", "us"}));
  EXPECT_EQ(alice.links[0].tenant, "t");
  EXPECT_EQ(alice.not_before->time_since_epoch().count() % 1000, 250);
  EXPECT_EQ(objects->users[1].owner, "usr_alice");
  EXPECT_TRUE(objects->agents[1].idp->device_keys);
  EXPECT_EQ(objects->agents[1].idp->authentication, ClientAuthentication::none) << "device keys go with a public client";
  EXPECT_EQ(objects->agents[0].resource_as[0].registration.jwks, R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"abc"}]})");
  EXPECT_EQ(objects->servers[0].upstream->header_secret_file, "key");
  EXPECT_EQ(objects->trusted_issuers[2].algorithms.size(), 5u);
  EXPECT_TRUE(objects->trusted_issuers[2].all_clients);
  const TrustedIssuer& partner = objects->trusted_issuers[0];
  EXPECT_EQ(partner.subject, TrustedIssuer::Subject::aud_sub);
  EXPECT_EQ(partner.client_map.at("0oa1"), "cursor");
  EXPECT_EQ(partner.tenants, (std::vector<std::string>{"t1", "t2"}));
  EXPECT_EQ(partner.aud_tenant, "acme");
  EXPECT_EQ(partner.required_claims.at("org_id"), "org_1");
  EXPECT_EQ(partner.required_claims.at("https://ns.example/level"), "2");
  EXPECT_EQ(partner.email_domains, std::vector<std::string>{"partner.example"});
  EXPECT_TRUE(partner.link_by_email && partner.just_in_time);
  EXPECT_EQ(objects->servers[0].authorization_details_types.size(), 2u);
  EXPECT_TRUE(objects->trusted_issuers[2].sender_constrained && objects->servers[0].dpop_required && objects->agents[0].idp->dpop_bound);
  EXPECT_FALSE(objects->trusted_issuers[1].sender_constrained || objects->agents[0].resource_as[0].registration.dpop_bound);

  std::vector<std::pair<ObjectKind, json::Value>> again;
  for (const auto& user : objects->users) again.emplace_back(ObjectKind::user, write(user));
  for (const auto& group : objects->groups) again.emplace_back(ObjectKind::group, write(group));
  for (const auto& agent : objects->agents) again.emplace_back(ObjectKind::agent, write(agent));
  for (const auto& server : objects->servers) again.emplace_back(ObjectKind::server, write(server));
  for (const auto& ras : objects->resource_authorization_servers) again.emplace_back(ObjectKind::resource_as, write(ras));
  for (const auto& issuer : objects->trusted_issuers) again.emplace_back(ObjectKind::trusted_issuer, write(issuer));
  for (const auto& token : objects->api_tokens) again.emplace_back(ObjectKind::api_token, write(token));
  EXPECT_EQ(again.size(), documents.size());
  for (const auto& [kind, document] : documents) {
    EXPECT_NE(std::find(again.begin(), again.end(), std::pair(kind, document)), again.end()) << json::write(document);
  }
}

TEST(Schema, AnEmptyOrAbsentListNamesNobody) {
  const auto root = yaml::parse("trusted_issuers: [{issuer: https://i.example, clients: []}, {issuer: https://j.example}]\n", "f.yaml");
  Reading reading;
  std::vector<std::pair<ObjectKind, json::Value>> documents;
  for (const auto& object : read_objects(*root, reading)) documents.emplace_back(object.kind, object.document);
  const auto objects = read_all(documents);
  for (const auto& issuer : objects->trusted_issuers) {
    EXPECT_FALSE(issuer.all_clients);
    EXPECT_FALSE(issuer.all_scopes);
    EXPECT_THAT(issuer.clients, IsEmpty());
    EXPECT_THAT(issuer.scope_ceiling, IsEmpty());
  }
  const auto problems = check_objects(*objects);
  EXPECT_FALSE(has_errors(problems));
  EXPECT_THAT(to_string(problems), HasSubstr("/trusted_issuers/https://i.example/clients: warning: no agent may redeem ID-JAGs of this issuer"));
}

TEST(Schema, AllStandsAloneAndNotInAList) {
  EXPECT_THAT(errors_of("trusted_issuers: [{issuer: https://i.example, clients: [all]}]\n"), HasSubstr("f.yaml:1:57: error: write `clients: all` for everyone"));
  EXPECT_THAT(errors_of("trusted_issuers: [{issuer: https://i.example, clients: '*'}]\n"), HasSubstr("`clients` must be a list of names, or the word `all`"));
}

TEST(Schema, WarnsOfSecretsInClearInFiles) {
  Reading reading;
  const auto declared = read_objects(*yaml::parse("users: [{name: a, password: geheim}]\nagents: [{id: a, idp: {client_id: a, secret: 0123456789abcdefghijkl}}]\n", "f.yaml"), reading);
  EXPECT_FALSE(has_errors(reading.problems));
  EXPECT_THAT(to_string(reading.problems), HasSubstr("f.yaml:1:29: warning: `password` stands in clear in a file"));
  EXPECT_THAT(to_string(reading.problems), HasSubstr("f.yaml:2:46: warning: `secret` stands in clear in a file"));
  EXPECT_THAT(to_string(reading.problems), Not(HasSubstr("geheim")));
  for (const auto& object : declared) {
    EXPECT_THAT(json::write(object.document), Not(HasSubstr("geheim")));
    EXPECT_THAT(json::write(object.document), Not(HasSubstr("0123456789abcdefghijkl")));
  }
}

TEST(Schema, CredentialsThatAreNotMentionedAreAbsentAndEmptyOnesAreThere) {
  Reading reading;
  const auto declared = read_objects(*yaml::parse("agents: [{id: a, idp: {client_id: a}}, {id: b, idp: {client_id: b, secrets: []}}]\n"
                                                  "users: [{name: a}, {name: b, password_hash: ''}]\n", "f.yaml"), reading);
  ASSERT_EQ(declared.size(), 4u);
  EXPECT_EQ(declared[0].document.find("password_hash"), nullptr);
  EXPECT_NE(declared[1].document.find("password_hash"), nullptr);
  EXPECT_EQ(declared[2].document.find("idp")->find("secrets"), nullptr);
  EXPECT_NE(declared[3].document.find("idp")->find("secrets"), nullptr);
}

TEST(Schema, ShowsNoCredentials) {
  Reading reading;
  for (const auto& object : read_objects(*yaml::parse(kEverything, "f.yaml"), reading)) {
    const std::string shown = json::write(without_credentials(object.kind, object.document));
    EXPECT_THAT(shown, Not(HasSubstr("argon2id")));
    EXPECT_THAT(shown, Not(HasSubstr("00000000")));
    EXPECT_THAT(shown, Not(HasSubstr("11111111")));
    if (object.key == "usr_alice") {
      EXPECT_THAT(shown, HasSubstr("\"has_password\":true"));
    }
    if (object.key == "cursor") {
      EXPECT_THAT(shown, HasSubstr("\"active_secrets\":[{\"expires\""));
    }
    // What was shown may come back: it is read as a document that does not mention credentials.
    Reading again;
    const auto back = read_object(object.kind, from_json(without_credentials(object.kind, object.document)), again);
    if (object.kind != ObjectKind::api_token) {
      EXPECT_FALSE(has_errors(again.problems)) << to_string(again.problems);
    }
  }
}

TEST(Schema, LevelsAndDecisionPointsComeBackAsTheyWere) {
  const auto root = yaml::parse("authentication_levels:\n"
                                "  - {id: strong, strength: 20, acr: urn:s, expected_acr: urn:t, expected_amr: [hwk], max_age: 10m}\n"
                                "  - {id: fresh, strength: 5, max_age: 300}\n"
                                "decision_points:\n  - {id: opa, url: https://pdp.example, header: {name: X-Key, secret_file: /etc/key}, timeout_ms: 250, servers: all}\n", "f.yaml");
  Reading reading;
  std::vector<std::pair<ObjectKind, json::Value>> documents;
  for (const auto& object : read_objects(*root, reading)) documents.emplace_back(object.kind, object.document);
  const auto objects = read_all(documents);
  ASSERT_TRUE(objects) << to_string(objects.error());
  ASSERT_EQ(objects->authentication_levels.size(), 2u);
  EXPECT_EQ(objects->authentication_levels[0].expected_acr, "urn:t");
  EXPECT_EQ(objects->authentication_levels[0].max_age_seconds, 600);
  EXPECT_EQ(objects->decision_points.at(0).header_secret_file, "/etc/key");
  EXPECT_EQ(objects->decision_points.at(0).timeout_ms, 250);
  const Snapshot snapshot(*objects, 1);
  EXPECT_EQ(snapshot.authentication_levels()[0].id, "fresh") << "the weakest first";
  EXPECT_EQ(snapshot.decision_points_for("any").size(), 1u);
}

TEST(Schema, ADecisionPointIsAskedAboutItsServersWhileItIsActive) {
  Objects objects;
  objects.decision_points.resize(3);
  objects.decision_points[0].id = "b", objects.decision_points[0].servers = {"github"};
  objects.decision_points[1].id = "a", objects.decision_points[1].all_servers = true;
  objects.decision_points[2].id = "c", objects.decision_points[2].all_servers = true, objects.decision_points[2].active = false;
  const Snapshot snapshot(std::move(objects), 1);
  const auto both = snapshot.decision_points_for("github");
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0]->id, "a");
  EXPECT_EQ(both[1]->id, "b");
  EXPECT_EQ(snapshot.decision_points_for("jira").size(), 1u);
}

TEST(Nearest, FindsWhatWasMeantAndNothingFarAway) {
  EXPECT_EQ(nearest("enginering", {"engineering", "marketing"}), "engineering");
  EXPECT_EQ(nearest("x", {"engineering"}), "");
  EXPECT_EQ(nearest("", {"a"}), "");
  EXPECT_EQ(nearest("ab", {"ac", "abc"}), "ac") << "the first of equally near ones";
}

TEST(Durations, HaveUnits) {
  EXPECT_EQ(parse_duration("90"), Seconds{90});
  EXPECT_EQ(parse_duration("5m"), Seconds{300});
  EXPECT_EQ(parse_duration("12h"), Seconds{43200});
  EXPECT_EQ(parse_duration("7d"), Seconds{604800});
  for (const char* wrong : {"", "m", "-5m", "5 m", "5min", "99999999999999999999d", "1.5h"}) EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace writ::registry
