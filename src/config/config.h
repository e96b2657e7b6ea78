#pragma once

// What `writ.yaml` says about this process: where it listens, which roles it runs, where it keeps things. People, agents, servers and
// policy are no configuration: they live in the store (`objects:` and `policy:` only fill an empty one). docs/reference/configuration.md
// describes every member. Plain data: the programs in apps/ map it onto the settings of the roles.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/key.h"
#include "registry/node.h"

namespace writ::config {

struct TlsFiles {
  std::string certificate, key;         // PEM files; the key is open to the service user alone (S10)
  bool client_certificates = false;     // clients are asked for one; public only
  std::string client_authorities;       // PEM file: who vouches for clients; empty: nobody, and only certificates that are registered themselves count
};

struct Listener {
  std::string address;                  // numeric; empty: this listener is a local socket only
  std::uint16_t port = 0;
  std::string socket;                   // path of a local socket beside (or instead of) the address; admin only
  std::optional<TlsFiles> tls;
  std::vector<std::string> hosts;       // values of Host that are answered; filled from the public URLs when the file names none
  std::vector<std::string> trusted_proxies;   // CIDR; empty: nobody's forwarding fields are believed
  enum class Forwarding { x_forwarded, forwarded } forwarding = Forwarding::x_forwarded;
  bool proxy_protocol = false;
};

// Of one node among several: where the others hand on what belongs to it. Mutual TLS; whoever shows a certificate of `tls.client_authorities` that names a node's host is one.
struct InternalListener {
  Listener listener;                    // with `tls`, and the host of `url`
  std::string url;                      // origin: how the others reach it
};

// When a DPoP proof must carry a nonce of ours: only where its time cannot be believed (a restart, a clock that is ahead), or always.
enum class DpopNonce { when_needed, always };

// Clients may register themselves at a role (RFC 7591). Absent: they may not, and there is no such endpoint.
struct ClientRegistration {
  bool without_token = false;           // anybody may; else whoever has an API token of role `registration`
  int waiting_max = 100;                // registrations that no administrator has enabled yet
  Seconds waiting_for{7 * 24 * 3600};   // and for so long; then they are removed
  int per_hour = 10;                    // from one address
};

struct Idp {
  std::optional<ClientRegistration> registration{};
  bool enabled = true;
  std::string issuer;                   // {base_url}/idp
  Seconds session_idle{12 * 3600}, session_absolute{7 * 24 * 3600};
  Seconds id_token_lifetime{3600}, access_token_lifetime{3600}, authorization_code_lifetime{60};
  Seconds id_jag_lifetime_max{300};
  Seconds refresh_repeat{30};
  enum class PolicyDenial { access_denied, invalid_target } policy_denial = PolicyDenial::access_denied;
  DpopNonce dpop_nonce = DpopNonce::when_needed;
};

struct Clients {
  bool documents_on_loopback = false;   // client ID metadata documents on this machine too, over http: for tests and development
};

struct ResourceAs {
  std::optional<ClientRegistration> registration{};
  bool enabled = true;
  std::string issuer;                   // {base_url}/ras
  Seconds access_token_lifetime{300};
  enum class PolicyDenial { access_denied, invalid_grant } policy_denial = PolicyDenial::access_denied;
  enum class MissingScope { inherit, none } missing_scope = MissingScope::inherit;   // what a request without `scope` gets
  std::string default_resource;         // for ID-JAGs without `resource`; empty: refused
  enum class Encryption { off, offered, required } encryption = Encryption::off;   // of ID-JAGs to this server
  std::string agent;                    // id of the agent that it is at the identity provider, where it signs people in for clients without EMA; empty: it does not
  std::string agent_secret_file;        // that agent's client secret; empty: a public client
  DpopNonce dpop_nonce = DpopNonce::when_needed;
};

struct Gateway {
  bool enabled = true;
  std::string base;                     // {base_url}/mcp; a server is at {base}/{id}
  enum class DeniedCalls { result, http_403 } denied_calls = DeniedCalls::result;
  enum class Denials { full, code_only } denials = Denials::full;   // how much a denial tells the agent
  enum class CallDurability { process, power } call_durability = CallDurability::process;
  DpopNonce dpop_nonce = DpopNonce::when_needed;
  Seconds call_deadline{1800};
  std::string agent;                    // id of the agent that the gateway itself is, where it asks for access in somebody's name; empty: it does not
  struct Upstreams {                    // when a server behind the gateway is left alone
    int failures_max = 5;               // in a row; 0: never
    Seconds retry{10}, retry_max{120};
    std::size_t waiting_max = 256, waiting_per_user_max = 64;   // requests whose answer has not begun, for each server
  } upstreams;
  Seconds member_deadline{5};           // of a combined server: how long its answers wait for each member
};

struct Keys {
  crypto::Algorithm algorithm = crypto::Algorithm::es256;
  Seconds rotate_after{90 * 24 * 3600};
  Seconds publish_before{600};          // a key stands in the key set for so long before it signs
  Seconds keep_after{2 * 3600};         // and for so long after its successor began to
  struct Use {                          // of one role; what is not said is as above
    std::optional<crypto::Algorithm> algorithm;
    std::optional<Seconds> rotate_after;
    bool in_token = true;               // of idp and ras, where there is a token
    std::string key_label;              // of a key that is in the token already
  } idp, ras, encryption;
  struct Pkcs11 {                       // the token where the keys of idp and ras are made and stay
    std::string module;                 // path of its shared library
    std::string token, serial;          // its label, its serial number; one may be empty
    std::string pin_file, pin_credential;   // one of the two; the second is a name below $CREDENTIALS_DIRECTORY (systemd)
  };
  std::optional<Pkcs11> pkcs11;
  // 32 random bytes that seal private keys at rest, from one of three places.
  std::string sealing_key_file;         // {data}/sealing.key when no place is named
  std::string sealing_key_env;          // name of a variable that holds their base64
  std::string sealing_key_credential;   // name below $CREDENTIALS_DIRECTORY (systemd)
  std::string previous_sealing_key_file;   // the one before: at the next start everything is sealed under the new one
  bool issuer_tables = false;           // crypto::verify_by_tables for keys that are used often
};

// Where the audit trail is sent on to, continuously: a webhook or a syslog receiver, one of the two.
struct AuditSink {
  std::string id;                       // names how far it has got; a new name begins anew
  std::string webhook_url;
  std::string authorization_file;       // holds the value of the Authorization field of a webhook; empty: none
  std::string syslog_host;              // over TLS (RFC 5425)
  std::uint16_t syslog_port = 6514;
  std::string ca_file;                  // PEM; empty: the system's
  std::string client_certificate_file, client_key_file;   // of syslog; both or neither
  bool as_ocsf = true;                  // else the records themselves
  bool from_beginning = true;           // a new sink gets all that is there, else what comes from now on
};

struct Audit {
  Seconds keep{0};                      // older records are removed, a whole segment at a time; 0: never
  std::vector<AuditSink> sinks;
};

struct Log {
  enum class Level { debug, info, warning, error } level = Level::info;
  enum class Format { automatic, json, text } format = Format::automatic;
  enum class Access { off, standard_error, file } access = Access::off;   // one line of JSON for each request
  std::string access_file;
};

struct Telemetry {
  double sampling = 0;                  // share of requests that are traced
  std::string otlp;                     // the collector's URL for traces (OTLP/HTTP); empty: nothing is traced
  std::string authorization_file;       // holds the value of the Authorization field sent along; empty: none
  enum class Incoming { link, parent } incoming = Incoming::link;   // what a sender's traceparent is to a trace of ours
};

// Where the deployment keeps things: its data directory, or PostgreSQL.
struct Store {
  std::string postgresql;               // libpq's connection string without a password; empty: the data directory
  std::string password_file;            // libpq's .pgpass format
  struct Nodes {
    Milliseconds lease{1000};           // how long a node serves that was told nothing
  };
  std::optional<Nodes> nodes;           // several processes share the database; absent: this one has it for itself
};

// Security events (Shared Signals Framework).
struct Signals {
  bool transmit = false;                // receivers may have streams at our identity provider
  struct Source {                       // another's transmitter where we keep a stream of our own
    std::string issuer;
    std::string token_file;             // holds the bearer token that it gave us
    enum class Delivery { push, poll } delivery = Delivery::push;
    enum class For { resource_as, idp } whom = For::resource_as;   // obeyed by: a trusted issuer's by our RAS, an upstream provider's by our IdP
  };
  std::vector<Source> receive;
};

struct Config {
  std::string file;                     // where it was read from; relative paths were resolved against its folder
  std::string base_url;                 // https, or http on loopback; without a slash at the end
  std::string data_directory;
  std::string organisation = "Writ";
  std::string authorities;              // PEM file: who vouches for the servers that this process asks, where the system's authorities do not
  std::string node = "node1";           // names this process in records
  Listener public_listener, admin_listener;
  std::optional<InternalListener> internal_listener;   // with `store.nodes` alone
  Seconds skew{30};
  Idp idp;
  ResourceAs resource_as;
  Clients clients;
  Gateway gateway;
  Keys keys;
  Store store;
  Audit audit;
  Log log;
  Telemetry telemetry;
  Signals signals;

  // For an empty store only (rules §8.4): the objects as a tree for registry::read_objects, or the file or folder to read it from, and
  // the folder of a policy bundle.
  std::optional<registry::Node> objects;
  std::string objects_path;
  std::string policy_directory;

  std::string database_file(std::string_view name) const { return data_directory + "/" + std::string(name); }
};

// Reads the tree of a writ.yaml. All problems at once, each with its place and what would be right. `data_directory` (`--data`) takes the
// place of the file's `data`, and of what is derived from it, unless it is empty.
Result<Config, registry::Problems> read_config(const registry::Node& root, std::string file, std::string data_directory = "");

}  // namespace writ::config
