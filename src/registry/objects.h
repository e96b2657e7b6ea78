#pragma once

// The admin-owned objects, as plain data. YAML, the admin API and the store share one schema (docs/reference/objects.md); read.h reads it, check.h judges all of them together.
// Nothing here is ever taken from what a client says about itself.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crypto/key.h"

namespace writ::registry {

// A person or a service account, the Cedar principal everywhere (rules §1.2). `id` never changes and is never reused.
struct User {
  std::string id;                       // usr_…
  std::string name;                     // what one types at sign-in, unique
  std::string display_name;
  std::string email;
  bool email_verified = false;
  std::string department, title;
  std::map<std::string, std::set<std::string>> tags;
  enum class Kind { person, service } kind = Kind::person;
  std::string owner;                    // of a service account: the responsible person's id
  bool active = true;
  std::vector<std::string> groups;      // ids of groups, direct membership
  std::string external_id;              // what the company's directory calls the person (SCIM `externalId`)
  std::string password_hash;            // Argon2id PHC string; empty: no local sign-in
  struct Link {                         // the same person elsewhere; unique over all users
    std::string issuer, tenant, subject;
    std::vector<std::string> groups{};  // of ours, by that issuer's allow-list; as of the token or sign-in that they were last read from
    std::optional<Instant> groups_as_of{};
  };
  std::vector<Link> links;
  std::optional<Instant> not_before;    // subject tokens and sessions older than this are refused
  std::string provisioned_by{};         // id of the connector whose directory keeps this person (SCIM); empty: nobody's but ours
  std::uint64_t version = 0;            // sequence of the change that wrote it; no part of the document
};

struct Group {
  std::string id;                       // also its Cedar id: "eng"
  std::string display_name;
  std::vector<std::string> parents;     // groups that contain this one; no cycles
  std::string external_id{};            // what the company's directory calls it
  std::string provisioned_by{};         // as a user's
  std::uint64_t version = 0;
};

// A stored client secret: ≥ 128 random bits, so a fast hash is enough. Two may be active at a time, for rotation.
struct ClientSecret {
  std::string sha256_hex;
  std::optional<Instant> expires;
};

// client_secret: basic and post. The last two are mutual TLS (RFC 8705 §2): by a name in a certificate of a trusted authority, or by the certificate itself.
enum class ClientAuthentication { none, client_secret, private_key_jwt, tls_client_auth, self_signed_tls_client_auth };
std::string_view to_string(ClientAuthentication method);

// The one name by which a certificate is known to be a client's (RFC 8705 §2.1.2).
struct TlsSubject {
  enum class Kind { none, dn, san_dns, san_uri, san_ip, san_email } kind = Kind::none;
  std::string value;                    // a distinguished name as RFC 4514 writes it; else as the certificate has it
};

// How an agent is known at one authorization server of this deployment.
struct Registration {
  std::string client_id;
  ClientAuthentication authentication = ClientAuthentication::client_secret;
  std::vector<ClientSecret> secrets;
  std::string jwks;                     // a JWK set as JSON text, for private_key_jwt
  std::string jwks_uri;
  std::vector<std::string> redirect_uris;
  bool device_keys = false;             // `writ-cli`: public at sign-in, then one P-256 key per device (rules §1.5)
  TlsSubject tls_subject;               // of tls_client_auth
  std::vector<std::string> tls_certificates;   // of self_signed_tls_client_auth: SHA-256 of each certificate's DER, hexadecimal
  bool certificate_bound = false;       // its access tokens are bound to the certificate of the connection (RFC 8705 §3)
  bool dpop_bound = false;              // asks for nothing without a DPoP proof (RFC 9449 §5.2)
  bool pushed_only = false;             // its authorization requests come pushed (RFC 9126 §6)
  bool metadata_document = false;       // `client_id` is the URL of a document that says keys and redirect URIs (client ID metadata document)
};

// The client_id of an agent at a resource authorization server: the map that the IdP writes `client_id` from (IDJAG-53).
struct ResourceAsRegistration {
  std::string issuer;                   // of the RAS
  Registration registration;            // credentials only where the RAS is this deployment's own; elsewhere just the client_id
};

// An AI agent = an OAuth client (rules §1.5).
struct Agent {
  std::string id;                       // also its Cedar id: "cursor"
  std::string display_name;
  std::string vendor;
  bool active = true;
  std::vector<std::string> groups;      // agent groups
  std::optional<Registration> idp;
  std::vector<ResourceAsRegistration> resource_as;
};

struct Scope {                          // rules §3.4
  std::string name;
  std::string description;
  bool is_default = false;
  bool high_impact = false;
  std::vector<std::string> implies;
  std::vector<std::string> tools;       // globs over tool names
};

// A program on stdio that the gateway runs itself. What it may reach is what stands here and nothing else.
struct UpstreamProgram {
  std::vector<std::string> command;     // an absolute path and its arguments; no shell
  std::map<std::string, std::string> environment;         // all that it gets, beside PATH, HOME, TMPDIR and LANG
  std::map<std::string, std::string> secret_environment;  // name → file that is read when the program starts
  enum class Runs { per_principal, shared } runs = Runs::per_principal;
  bool network = false;
  std::vector<std::string> read_paths, write_paths;       // beside the system's programs and libraries, and a folder of its own for what is temporary
  std::int64_t memory_bytes_max = 512 << 20;
  std::int64_t processes_max = 64, open_files_max = 256;
  std::int64_t idle_seconds = 600;      // without a request, after which it is ended
  std::int64_t instances_max = 50;
};

// How the gateway itself gets access at a server's authorization server. Never with the client's token.
struct UpstreamOAuth {
  enum class Grant {
    client_credentials,
    id_jag,               // for the same user, by this deployment's IdP (rules §3.8)
    authorization_code,   // an account of the person, linked once
  } grant = Grant::client_credentials;
  std::string issuer;                   // of the authorization server; endpoints come from its metadata
  std::string client_id;
  std::string client_secret_file;       // empty: a public client, or `tls` client authentication
  std::vector<std::string> scopes;
  bool send_resource = true;            // some servers refuse `resource` (RFC 8707)
  std::string resource;                 // empty: the upstream's URL
  // Of authorization_code: whose accounts count as the company's. One of the two is required; both must fit where both are given.
  std::vector<std::string> account_tenants, account_email_domains;
};

struct UpstreamAddress {
  enum class Transport { streamable_http, http_sse, stdio } transport = Transport::streamable_http;
  enum class Era { detect, legacy, modern } era = Era::detect;
  std::string url;                      // of the HTTP transports
  std::string ca_file;
  std::string header_name, header_secret_file;   // a fixed credential, read from a file at use
  std::string client_certificate_file, client_key_file;   // mutual TLS
  std::optional<UpstreamOAuth> oauth;
  std::optional<UpstreamProgram> program;        // of stdio
};

// An MCP server: a protected resource (RFC 9728).
struct Server {
  std::string id;                       // [a-z0-9-]{1,32}
  std::string display_name;
  bool active = true;
  std::string environment;
  std::vector<std::string> groups;      // server groups
  std::string resource;                 // RFC 9728 resource identifier; compared byte for byte
  std::string resource_as;              // issuer of the RAS that governs it: the (audience, resource) pair table (EMA-27)
  std::optional<UpstreamAddress> upstream;   // present when our gateway stands in front of it
  std::vector<std::string> members;     // of a combined server: ids of the servers whose tools it offers as one; it has no upstream then
  std::vector<Scope> scopes;
  bool interactive_grant = false;       // its RAS also signs people in at the trusted IdP, for clients without EMA
  bool dpop_required = false;           // only sender-constrained tokens
  std::vector<std::string> authorization_details_types;   // RFC 9396 `type`s that mean something here; any other is refused
  // Tool review (docs/reference/tool-review.md). `allow` approves the first definition of a tool by itself, never a change of it.
  enum class FirstUse { hold, allow } first_use = FirstUse::hold;
  // `keep_reviewed`: a tool of which only the words changed stays usable; clients go on seeing the reviewed words.
  enum class WordingChanges { hold, keep_reviewed } wording_changes = WordingChanges::hold;
};

// How much may be used. A limit restricts, so what it does not say concerns everything: without `servers`, all servers.
struct Limit {
  std::string id;
  std::string display_name;
  bool active = true;
  enum class Per { user, agent, server, tool };
  std::vector<Per> per;                 // what is counted apart; empty: everything together
  std::vector<std::string> groups;      // concerns members of one of these
  std::vector<std::string> agents, servers;
  std::vector<std::string> tools;       // globs; a limit that names tools concerns calls only
  // 0: not limited.
  std::int64_t requests_per_minute = 0;
  std::int64_t burst = 0;               // requests at once; 0: a tenth of a minute's, at least one
  std::int64_t concurrent_calls = 0;
  std::int64_t calls_per_day = 0, bytes_per_day = 0;   // bytes of answers and messages; days are those of UTC
};

// A resource authorization server as the IdP sees it: whom ID-JAGs may be issued to, and what they say about a person.
struct ResourceAs {
  std::string issuer;
  std::string display_name;
  bool active = true;
  std::string subject = "user_id";      // user_id | email | upstream_sub | attribute:x | pairwise
  bool release_email = false;
  std::string aud_sub;                  // empty: not released; else as `subject`
  std::int64_t id_jag_lifetime_seconds = 300;
  std::string tenant;                   // `aud_tenant`: which of the RAS's tenants is meant; empty: not said
  std::string encryption_jwks;          // a JWK set as JSON text; ID-JAGs for it are encrypted to its key. Empty: signed only
  struct SamlSubject {                  // `sub_id` in the format of SAML, for a RAS whose sign-in is SAML
    std::string issuer;                 // entity ID of the identity provider that the RAS knows
    std::string name_id_format;
    std::string name_id = "email";      // as `subject`
    std::string sp_name_qualifier;
  };
  std::optional<SamlSubject> saml_subject;
};

// An issuer whose ID-JAGs the RAS accepts (RAS-31).
struct TrustedIssuer {
  std::string issuer;
  std::string display_name;
  bool active = true;
  std::string jwks_uri;                 // empty: from the issuer's metadata
  std::vector<crypto::Algorithm> algorithms;
  std::int64_t lifetime_seconds_max = 600;
  enum class Replay { single_use, same_client_until_expiry } replay = Replay::single_use;
  // user_id: `sub` is a user id of this deployment (own IdP); aud_sub: so is `aud_sub`; link: an account that was linked.
  enum class Subject { user_id, link, aud_sub } subject = Subject::link;
  std::vector<std::string> clients;     // agents that may redeem its ID-JAGs; empty means none
  bool all_clients = false;             // written as `clients: all`
  std::vector<std::string> scope_ceiling;    // empty: none
  bool all_scopes = false;              // written as `scope_ceiling: all`
  std::map<std::string, std::string> client_map;    // its name for a client → agent, where the ID-JAG's `client_id` is not what we registered
  std::vector<std::string> tenants;     // accepted `tenant`s; empty: only ID-JAGs without one
  std::string aud_tenant;               // what `aud_tenant` must say; empty: only ID-JAGs without one
  std::map<std::string, std::string> required_claims;   // all must be there with exactly this value
  std::vector<std::string> email_domains;           // whose addresses it may speak for; empty: none, and no account is found by address
  bool link_by_email = false;           // a first ID-JAG of an unknown subject is offered to the person of that address, who confirms it
  bool just_in_time = false;            // an unknown subject becomes a person here
  bool sender_constrained = false;      // only ID-JAGs with `cnf`
  bool signals = false;                 // its security events are obeyed (Shared Signals Framework)
};

// What a sign-in may be asked to be (rules §4.7), from the weakest to the strongest by `strength`.
struct AuthenticationLevel {
  std::string id;
  std::int64_t strength = 0;            // the order; unique
  std::string acr;                      // asked for in `acr_values`; empty: only freshness is asked for
  std::string expected_acr;             // what comes back; empty: as `acr`
  std::vector<std::string> expected_amr;
  std::optional<std::int64_t> max_age_seconds;
};

// A policy decision point elsewhere that is asked in addition to policy (AuthZEN Authorization API 1.0): both must say yes.
struct DecisionPoint {
  std::string id;
  std::string display_name;
  bool active = true;                   // false: not asked
  std::string url;                      // {url}/access/v1/evaluation(s)
  std::string header_name, header_secret_file;   // a fixed credential, read from a file at use
  std::int64_t timeout_ms = 1000;
  std::vector<std::string> servers;     // what concerns these servers is asked; empty: nothing
  bool all_servers = false;             // written as `servers: all`
};

// A bearer token for the admin API, or for asking this deployment's policy.
struct ApiToken {
  std::string id;
  std::string display_name;
  std::string sha256_hex;
  std::string role;                     // admin | auditor | evaluator (AuthZEN evaluation, nothing else) | scim | signals
  bool active = true;
  std::string connector;                // of `scim`: the identity connector whose people it may write
  std::string audience;                 // of `signals`: the receiver that manages its stream with it
};

}  // namespace writ::registry
