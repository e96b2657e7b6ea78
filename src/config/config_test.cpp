#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"

namespace writ::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Config, registry::Problems> read(const std::string& text, const std::string& data = "") {
  const auto root = yaml::parse(text, "/etc/writ/writ.yaml");
  if (!root) return unexpected(root.error());
  return read_config(*root, "/etc/writ/writ.yaml", data);
}

TEST(Configuration, NeedsLittle) {
  const auto config = read("base_url: https://writ.example.com\ndata: /var/lib/writ\n"
                           "listeners: {public: {address: '127.0.0.1:8420'}}\n");
  ASSERT_TRUE(config) << registry::to_string(config.error());
  EXPECT_EQ(config->idp.issuer, "https://writ.example.com/idp");
  EXPECT_EQ(config->resource_as.issuer, "https://writ.example.com/ras");
  EXPECT_EQ(config->gateway.base, "https://writ.example.com/mcp");
  EXPECT_TRUE(config->idp.enabled && config->resource_as.enabled && config->gateway.enabled);
  EXPECT_EQ(config->public_listener.port, 8420);
  EXPECT_THAT(config->public_listener.hosts, ElementsAre("writ.example.com")) << "public URLs come from configuration";
  EXPECT_EQ(config->admin_listener.address, "127.0.0.1");
  EXPECT_EQ(config->admin_listener.port, 8421);
  EXPECT_EQ(config->admin_listener.socket, "/var/lib/writ/admin.sock");
  EXPECT_EQ(config->keys.sealing_key_file, "/var/lib/writ/sealing.key");
  EXPECT_FALSE(config->keys.issuer_tables);
  EXPECT_EQ(config->resource_as.access_token_lifetime, Seconds{300});
}

TEST(Configuration, SaysEverything) {
  const auto config = read(R"(
version: 1
base_url: https://writ.example.com
data: state
organisation: Example
authorities: company.pem
node: node-2
clock_skew: 10s
roles: [resource_as, gateway]
listeners:
  public:
    address: "[::1]:443"
    tls: {certificate: cert.pem, key: key.pem, client_certificates: {authorities: clients.pem}}
    hosts: [writ.example.com, id.example.com]
    trusted_proxies: [10.0.0.0/8, "fd00::/8"]
    forwarding: forwarded
    proxy_protocol: true
  admin: {address: none, socket: /run/writ/admin.sock}
idp: {issuer: "https://id.example.com", session_idle: 1h, session_absolute: 1d, id_token_lifetime: 5m, access_token_lifetime: 5m,
      authorization_code_lifetime: 30s, id_jag_lifetime_max: 2m, refresh_repeat: 0, policy_denial: invalid_target, dpop_nonce: always}
resource_as: {issuer: "https://as.example.com", access_token_lifetime: 2m, policy_denial: invalid_grant, missing_scope: none, encryption: required, client_registration: {without_token: true, waiting_max: 7, waiting_for: 1d, per_hour: 3}, default_resource: "https://mcp.example.com/x",
  agent: ras, agent_secret_file: ras.secret, dpop_nonce: always}
clients: {documents_on_loopback: true}
gateway: {base: "https://mcp.example.com", denied_calls: http_403, denials: code_only, call_durability: power, call_deadline: 5m,
          upstreams: {failures: 3, retry: 2s, retry_max: 1m, waiting: 50, waiting_per_user: 7}, member_deadline: 2s, dpop_nonce: always}
keys: {algorithm: EdDSA, rotate_after: 30d, publish_before: 20m, keep_after: 3h, idp: {algorithm: RS256}, ras: {rotate_after: 1d}, encryption: {algorithm: RSA-OAEP-256},
       sealing_key_file: /run/credentials/seal, previous_sealing_key_file: old.key, issuer_tables: true}
store: {postgresql: "host=/run/postgresql dbname=writ", password_file: pgpass, nodes: {lease: 5s}}
audit:
  keep: 400d
  sinks:
    - {id: siem, webhook: {url: "https://siem.example.com/in", authorization_file: siem.token}, ca_file: ca.pem}
    - {id: log, syslog: {address: "[2001:db8::1]:7514"}, format: records, from: now}
    - {id: name, syslog: {address: logs.example.com}}
log: {level: debug, format: json, access: file, access_file: access.log}
signals: {transmit: false, receive: [{issuer: "https://id.larkspur.example/idp", token_file: l.token, delivery: poll, for: resource_as}, {issuer: "https://other.example", token_file: /o.token}]}
telemetry: {sampling: 0.25, otlp: "http://127.0.0.1:4318/v1/traces", authorization_file: otlp.secret, incoming: parent}
objects: {users: []}
policy: bundle
)");
  ASSERT_TRUE(config) << registry::to_string(config.error());
  EXPECT_EQ(config->data_directory, "/etc/writ/state");
  EXPECT_EQ(config->store.postgresql, "host=/run/postgresql dbname=writ");
  EXPECT_EQ(config->store.password_file, "/etc/writ/pgpass");
  ASSERT_TRUE(config->store.nodes);
  EXPECT_EQ(config->store.nodes->lease, Milliseconds{5000});
  EXPECT_TRUE(config->keys.issuer_tables);
  EXPECT_FALSE(config->idp.enabled);
  EXPECT_EQ(config->gateway.member_deadline, Seconds{2});
  for (const auto nonce : {config->idp.dpop_nonce, config->resource_as.dpop_nonce, config->gateway.dpop_nonce}) EXPECT_EQ(nonce, DpopNonce::always);
  EXPECT_EQ(config->public_listener.address, "::1");
  EXPECT_FALSE(config->idp.registration);
  ASSERT_TRUE(config->resource_as.registration);
  EXPECT_TRUE(config->resource_as.registration->without_token);
  EXPECT_EQ(config->resource_as.registration->waiting_max, 7);
  EXPECT_EQ(config->resource_as.registration->waiting_for, Seconds{86400});
  EXPECT_EQ(config->resource_as.registration->per_hour, 3);
  EXPECT_EQ(config->authorities, "/etc/writ/company.pem");
  EXPECT_EQ(config->public_listener.tls->key, "/etc/writ/key.pem");
  EXPECT_TRUE(config->public_listener.tls->client_certificates);
  EXPECT_EQ(config->public_listener.tls->client_authorities, "/etc/writ/clients.pem");
  EXPECT_EQ(config->public_listener.forwarding, Listener::Forwarding::forwarded);
  EXPECT_EQ(config->admin_listener.address, "");
  EXPECT_EQ(config->admin_listener.socket, "/run/writ/admin.sock");
  EXPECT_EQ(config->idp.refresh_repeat, Seconds{0});
  EXPECT_EQ(config->audit.keep, Seconds{400 * 24 * 3600});
  ASSERT_EQ(config->audit.sinks.size(), 3u);
  EXPECT_EQ(config->audit.sinks[0].webhook_url, "https://siem.example.com/in");
  EXPECT_TRUE(config->audit.sinks[0].authorization_file.ends_with("/siem.token"));
  EXPECT_TRUE(config->audit.sinks[0].as_ocsf && config->audit.sinks[0].from_beginning);
  EXPECT_EQ(config->audit.sinks[1].syslog_host, "2001:db8::1");
  EXPECT_EQ(config->audit.sinks[1].syslog_port, 7514);
  EXPECT_FALSE(config->audit.sinks[1].as_ocsf || config->audit.sinks[1].from_beginning);
  EXPECT_EQ(config->audit.sinks[2].syslog_port, 6514);
  EXPECT_EQ(config->idp.policy_denial, Idp::PolicyDenial::invalid_target);
  EXPECT_EQ(config->resource_as.missing_scope, ResourceAs::MissingScope::none);
  EXPECT_TRUE(config->clients.documents_on_loopback);
  EXPECT_EQ(config->resource_as.agent, "ras");
  EXPECT_EQ(config->resource_as.agent_secret_file, "/etc/writ/ras.secret");
  EXPECT_EQ(config->gateway.call_durability, Gateway::CallDurability::power);
  EXPECT_EQ(config->gateway.upstreams.failures_max, 3);
  EXPECT_EQ(config->gateway.upstreams.retry, Seconds{2});
  EXPECT_EQ(config->gateway.upstreams.retry_max, Seconds{60});
  EXPECT_EQ(config->gateway.upstreams.waiting_max, 50u);
  EXPECT_EQ(config->gateway.upstreams.waiting_per_user_max, 7u);
  EXPECT_EQ(config->keys.algorithm, crypto::Algorithm::eddsa);
  EXPECT_EQ(config->keys.idp.algorithm, crypto::Algorithm::rs256);
  EXPECT_EQ(config->keys.ras.rotate_after, Seconds{86400});
  EXPECT_FALSE(config->keys.ras.algorithm);
  EXPECT_EQ(config->keys.encryption.algorithm, crypto::Algorithm::rs256) << "the key that is made for RSA-OAEP-256";
  EXPECT_EQ(config->keys.publish_before, Seconds{1200});
  EXPECT_EQ(config->keys.keep_after, Seconds{3 * 3600});
  EXPECT_EQ(config->keys.previous_sealing_key_file, "/etc/writ/old.key");
  EXPECT_EQ(config->resource_as.encryption, ResourceAs::Encryption::required);
  EXPECT_EQ(config->log.format, Log::Format::json);
  EXPECT_EQ(config->log.access, Log::Access::file);
  EXPECT_EQ(config->log.access_file, "/etc/writ/access.log");
  EXPECT_EQ(config->telemetry.sampling, 0.25);
  EXPECT_FALSE(config->signals.transmit);
  ASSERT_EQ(config->signals.receive.size(), 2u);
  EXPECT_EQ(config->signals.receive[0].issuer, "https://id.larkspur.example/idp");
  EXPECT_EQ(config->signals.receive[0].token_file, "/etc/writ/l.token");
  EXPECT_EQ(config->signals.receive[0].delivery, Signals::Source::Delivery::poll);
  EXPECT_EQ(config->signals.receive[0].whom, Signals::Source::For::resource_as);
  EXPECT_EQ(config->signals.receive[1].delivery, Signals::Source::Delivery::push);
  EXPECT_EQ(config->signals.receive[1].whom, Signals::Source::For::resource_as);
  EXPECT_EQ(config->telemetry.otlp, "http://127.0.0.1:4318/v1/traces");
  EXPECT_EQ(config->telemetry.authorization_file, "/etc/writ/otlp.secret");
  EXPECT_EQ(config->telemetry.incoming, Telemetry::Incoming::parent);
  EXPECT_TRUE(config->objects);
  EXPECT_EQ(config->policy_directory, "/etc/writ/bundle");
}

TEST(Configuration, TheEnvironmentMayMoveTheData) {
  const auto config = read("base_url: https://writ.example.com\ndata: /var/lib/writ\nobjects: deployment\n", "/tmp/x");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->data_directory, "/tmp/x");
  EXPECT_EQ(config->admin_listener.socket, "/tmp/x/admin.sock");
  EXPECT_EQ(config->objects_path, "/etc/writ/deployment");
}

struct Row {
  const char* name;
  const char* line;       // takes the place of the third line
  const char* expected;
};
class ConfigurationErrors : public testing::TestWithParam<Row> {};
TEST_P(ConfigurationErrors, NameTheirPlaceAndWhatWouldBeRight) {
  const auto config = read("base_url: https://writ.example.com\ndata: /d\n" + std::string(GetParam().line) + "\n");
  ASSERT_FALSE(config);
  EXPECT_EQ(registry::to_string(config.error()).rfind(GetParam().expected, 0), 0u) << registry::to_string(config.error());
}

#define AT "/etc/writ/writ.yaml:3:"
INSTANTIATE_TEST_SUITE_P(
    Rows, ConfigurationErrors,
    testing::Values(
        Row{"unknown_key", "listner: {}", AT "1: error: unknown key `listner` in the configuration; did you mean `listeners`?"},
        Row{"key_twice", "data: /e", AT "1: error: `data` is written twice: first in line 2"},
        Row{"unknown_key_in_a_listener", "listeners: {public: {adress: '127.0.0.1:1'}}", AT "22: error: unknown key `adress` in `public`; did you mean `address`?"},
        Row{"address_without_port", "listeners: {public: {address: 127.0.0.1}}", AT "31: error: `address` must be a numeric address with a port"},
        Row{"address_with_a_name", "listeners: {public: {address: 'localhost:80'}}", AT "31: error: `address` must be a numeric address"},
        Row{"port_too_big", "listeners: {public: {address: '127.0.0.1:65536'}}", AT "31: error: `address` must be a numeric address"},
        Row{"same_address_twice", "listeners: {admin: {address: '127.0.0.1:8420'}}", AT "12: error: `public` and `admin` need addresses of their own"},
        Row{"public_without_tls", "listeners: {public: {address: '0.0.0.0:443'}}", AT "21: error: a listener that others can reach needs `tls`"},
        Row{"admin_without_hosts", "listeners: {admin: {address: '0.0.0.0:443', tls: {certificate: a, key: b}}}", AT "20: error: `admin` on an address that others can reach needs `hosts`"},
        Row{"certificates_for_administration", "listeners: {admin: {tls: {certificate: a, key: b, client_certificates: {authorities: c}}}}",
            AT "72: error: `client_certificates` are asked for at `public` alone"},
        Row{"certificates_by_a_word", "listeners: {public: {tls: {certificate: a, key: b, client_certificates: yes}}}", AT "73: error: `client_certificates` must be"},
        Row{"certificates_misspelled", "listeners: {public: {tls: {certificate: a, key: b, client_certificates: {authority: c}}}}", AT "74: error: unknown key `authority` in `client_certificates`; did you mean `authorities`?"},
        Row{"half_of_tls", "listeners: {public: {tls: {certificate: a}}}", AT "27: error: `tls` needs `key`"},
        Row{"trusts_everybody", "listeners: {public: {trusted_proxies: [0.0.0.0/0]}}", AT "39: error: `0.0.0.0/0` would let everybody choose"},
        Row{"proxy_protocol_from_anybody", "listeners: {public: {proxy_protocol: true}}", AT "38: error: `proxy_protocol` needs `trusted_proxies`"},
        Row{"public_has_no_socket", "listeners: {public: {socket: /x}}", AT "22: error: unknown key `socket` in `public`"},
        Row{"events_of_nobody", "roles: [resource_as]\nsignals: {transmit: true}", "/etc/writ/writ.yaml:4:21: error: `transmit` needs the role `idp`"},
        Row{"events_for_a_role_that_is_not_run", "roles: [idp]\nsignals: {receive: [{issuer: https://a.example, token_file: t, for: resource_as}]}",
            "/etc/writ/writ.yaml:4:69: error: this process does not run the role that these events are for"},
        Row{"events_without_a_token", "signals: {receive: [{issuer: https://a.example}]}", AT "21: error: a source of events needs `token_file`"},
        Row{"events_over_plain_http", "signals: {receive: [{issuer: http://a.example, token_file: t}]}", AT "30: error: `issuer` must be an https URL"},
        Row{"events_of_one_issuer_twice", "signals: {receive: [{issuer: https://a.example, token_file: t}, {issuer: https://a.example, token_file: u}]}", AT "74: error: this issuer is named twice"},
        Row{"events_by_pigeon", "signals: {receive: [{issuer: https://a.example, token_file: t, delivery: pigeon}]}", AT "74: error: `delivery` must be `push` or `poll`, not `pigeon`"},
        Row{"unknown_role", "roles: [idp, ras]", AT "8: error: unknown role `ras`: there are idp, resource_as and gateway"},
        Row{"no_role", "roles: []", AT "8: error: `roles` names none"},
        Row{"duration_without_sense", "idp: {session_idle: soon}", AT "21: error: `session_idle` must be a duration such as 30s, 5m, 12h or 7d, not `soon`"},
        Row{"duration_too_long", "resource_as: {access_token_lifetime: 2h}", AT "38: error: `access_token_lifetime` must be between 30s and 3600s, not `2h`"},
        Row{"idle_longer_than_absolute", "idp: {session_idle: 8d}", AT "21: error: `session_idle` is longer than `session_absolute`"},
        Row{"secret_without_agent", "resource_as: {agent_secret_file: x}", AT "34: error: `agent_secret_file` is of no use without `agent`"},
        Row{"one_issuer_for_two", "resource_as: {issuer: 'https://writ.example.com/idp'}", AT "23: error: `resource_as` needs an issuer of its own"},
        Row{"issuer_over_plain_http", "idp: {issuer: 'http://id.example.com'}", AT "15: error: `issuer` must be an https URL"},
        Row{"unknown_dpop_nonce", "gateway: {dpop_nonce: never}", AT "23: error: `dpop_nonce` must be `when_needed` or `always`, not `never`"},
        Row{"retry_longer_than_the_longest", "gateway: {upstreams: {retry: 1m, retry_max: 30s}}", AT "45: error: `retry_max` is shorter than `retry`"},
        Row{"nobody_may_wait", "gateway: {upstreams: {waiting: 0}}", AT "32: error: `waiting` must be between 1 and 100000, not 0"},
        Row{"unknown_algorithm", "keys: {algorithm: HS256}", AT "19: error: `algorithm` must be `ES256`, `ES384`, `RS256`, `PS256` or `EdDSA`, not `HS256`"},
        Row{"key_gone_before_what_it_signed", "keys: {keep_after: 1h}", AT "20: error: `keep_after` is shorter than what is signed lives: at least 3630s"},
        Row{"published_longer_than_used", "keys: {rotate_after: 1h, publish_before: 1h}", AT "42: error: `publish_before` must be shorter than `rotate_after`"},
        Row{"two_places_for_the_sealing_key", "keys: {sealing_key_file: a, sealing_key_env: B}", AT "26: error: the sealing key comes from one place"},
        Row{"credential_with_a_path", "keys: {sealing_key_credential: ../x}", AT "32: error: `sealing_key_credential` is the name of a credential"},
        Row{"module_by_search_path", "keys: {pkcs11: {module: softhsm2.so, token: t, pin_file: p}}", AT "25: error: `module` must be the absolute path"},
        Row{"no_token_named", "keys: {pkcs11: {module: /m.so, pin_file: p}}", AT "16: error: say which token is meant: `token` (its label) or `serial`"},
        Row{"pin_in_the_file_itself", "keys: {pkcs11: {module: /m.so, token: t, pin_file: p, pin: 1234}}", AT "55: error: unknown key `pin` in `pkcs11` of `keys`"},
        Row{"no_place_for_the_pin", "keys: {pkcs11: {module: /m.so, token: t}}", AT "16: error: the PIN comes from one place: `pin_file` or `pin_credential`"},
        Row{"two_places_for_the_pin", "keys: {pkcs11: {module: /m.so, token: t, pin_file: p, pin_credential: c}}", AT "52: error: the PIN comes from one place: `pin_file` or `pin_credential`"},
        Row{"pin_credential_with_a_path", "keys: {pkcs11: {module: /m.so, token: t, pin_credential: ../x}}", AT "58: error: `pin_credential` is the name of a credential"},
        Row{"label_without_a_token", "keys: {idp: {key_label: k}}", AT "25: error: `key_label` needs `keys.pkcs11`"},
        Row{"label_of_a_key_that_is_in_no_token", "keys: {pkcs11: {module: /m.so, token: t, pin_file: p}, idp: {pkcs11: false, key_label: k}}", AT "88: error: `key_label` names a key in the token"},
        Row{"encryption_key_in_a_token", "keys: {pkcs11: {module: /m.so, token: t, pin_file: p}, encryption: {pkcs11: true}}", AT "69: error: unknown key `pkcs11` in `encryption` of `keys`"},
        Row{"signing_key_for_encryption", "keys: {encryption: {algorithm: ES256}}", AT "32: error: `algorithm` must be `ECDH-ES+A256KW` or `RSA-OAEP-256`"},
        Row{"unknown_role_of_keys", "keys: {gateway: {algorithm: ES256}}", AT "8: error: unknown key `gateway` in `keys`"},
        Row{"unknown_level", "log: {level: chatty}", AT "14: error: `level` must be"},
        Row{"access_log_without_a_file", "log: {access: file}", AT "15: error: `access: file` and `access_file` need each other"},
        Row{"access_file_without_a_log", "log: {access: stderr, access_file: a.log}", AT "15: error: `access: file` and `access_file` need each other"},
        Row{"unknown_access_log", "log: {access: syslog}", AT "15: error: `access` must be `off`, `stderr` or `file`"},
        Row{"sampling_above_all", "telemetry: {sampling: 1.5, otlp: 'https://c.example/v1/traces'}", AT "23: error: `sampling` must be a number from 0 to 1"},
        Row{"sampling_below_none", "telemetry: {sampling: -0.1, otlp: 'https://c.example/v1/traces'}", AT "23: error: `sampling` must be a number from 0 to 1"},
        Row{"sampling_in_words", "telemetry: {sampling: all, otlp: 'https://c.example/v1/traces'}", AT "23: error: `sampling` must be a number from 0 to 1"},
        Row{"sampling_to_nowhere", "telemetry: {sampling: 0.1}", AT "23: error: `sampling` needs `otlp`"},
        Row{"traces_over_plain_http", "telemetry: {otlp: 'http://c.example/v1/traces'}", AT "19: error: `otlp` must be the collector's https URL"},
        Row{"unknown_incoming", "telemetry: {incoming: trust}", AT "23: error: `incoming` must be `link` or `parent`"},
        Row{"sink_without_a_receiver", "audit: {sinks: [{id: a}]}", AT "17: error: an audit sink is a `webhook` or a `syslog` receiver: write one of the two"},
        Row{"sink_with_two_receivers", "audit: {sinks: [{id: a, webhook: {url: 'https://s.example'}, syslog: {address: s.example}}]}", AT "17: error: an audit sink is a `webhook` or a `syslog`"},
        Row{"sink_without_a_name", "audit: {sinks: [{syslog: {address: s.example}}]}", AT "17: error: an audit sink needs `id`"},
        Row{"two_sinks_of_one_name", "audit: {sinks: [{id: a, syslog: {address: s.example}}, {id: a, syslog: {address: t.example}}]}", AT "61: error: two audit sinks are called `a`"},
        Row{"webhook_over_plain_http", "audit: {sinks: [{id: a, webhook: {url: 'http://s.example'}}]}", AT "40: error: `url` must be an https URL"},
        Row{"syslog_address_with_a_path", "audit: {sinks: [{id: a, syslog: {address: 's.example/x'}}]}", AT "43: error: `address` must be a name or an address"},
        Row{"half_a_certificate", "audit: {sinks: [{id: a, syslog: {address: s.example, client_key_file: k.pem}}]}", AT "71: error: `client_certificate_file` and `client_key_file` belong together"},
        Row{"unknown_format_of_a_sink", "audit: {sinks: [{id: a, format: cef, syslog: {address: s.example}}]}", AT "33: error: `format` must be `ocsf` or `records`, not `cef`"},
        Row{"node_name", "node: 'a b'", AT "7: error: `node` has up to 32"}),
    [](const auto& row) { return row.param.name; });

// Nodes that would not be told apart, or could not read what the others have sealed.
TEST(ConfigurationErrors, OfNodes) {
  const std::string smallest = "base_url: http://127.0.0.1:8420\ndata: /d\n", key = "keys: {sealing_key_file: k}\n", store = "store: {postgresql: 'dbname=writ', nodes: {lease: ";
  EXPECT_TRUE(read(smallest + "node: a\n" + key + store + "1s}}\n"));
  struct Wrong {
    std::string text;
    const char* says;
  };
  for (const Wrong& wrong : {Wrong{smallest + "node: a\n" + store + "1s}}\n", "`nodes` need `keys.sealing_key_file`"}, Wrong{smallest + key + store + "1s}}\n", "`nodes` need `node`"},
                             Wrong{smallest + "node: a\n" + key + store + "0}}\n", "`lease` must be"}, Wrong{smallest + "node: a\n" + key + store + "61s}}\n", "`lease` must be"},
                             Wrong{smallest + "node: a\n" + key + "store: {nodes: {lease: 1s}}\n", "`postgresql`"}}) {
    const auto config = read(wrong.text);
    ASSERT_FALSE(config) << wrong.text;
    EXPECT_THAT(registry::to_string(config.error()), HasSubstr(wrong.says)) << wrong.text;
  }
}

TEST(Configuration, OfTheListenerBetweenNodes) {
  const std::string nodes = "base_url: https://writ.example.com\ndata: /d\nnode: a\nkeys: {sealing_key_file: k}\nstore: {postgresql: 'dbname=writ', nodes: {lease: 1s}}\n";
  const std::string tls = "tls: {certificate: c.pem, key: k.pem, authorities: ca.pem}";
  const auto config = read(nodes + "listeners: {internal: {address: '10.0.0.1:8422', url: 'https://node-1.example.com:8422', " + tls + "}}\n");
  ASSERT_TRUE(config) << registry::to_string(config.error());
  ASSERT_TRUE(config->internal_listener);
  const Listener& listener = config->internal_listener->listener;
  EXPECT_EQ(config->internal_listener->url, "https://node-1.example.com:8422");
  EXPECT_EQ(listener.address, "10.0.0.1");
  EXPECT_EQ(listener.port, 8422);
  EXPECT_EQ(listener.hosts, std::vector<std::string>{"node-1.example.com:8422"});
  ASSERT_TRUE(listener.tls);
  EXPECT_TRUE(listener.tls->client_certificates);
  EXPECT_TRUE(listener.tls->client_authorities.ends_with("/ca.pem"));
  const auto by_address = read(nodes + "listeners: {internal: {address: '[fd00::1]:8422', " + tls + "}}\n");
  ASSERT_TRUE(by_address) << registry::to_string(by_address.error());
  EXPECT_EQ(by_address->internal_listener->url, "https://[fd00::1]:8422");

  struct Wrong {
    const char* name;
    std::string text;
    const char* says;
  };
  const std::string alone = "base_url: https://writ.example.com\ndata: /d\n";
  for (const Wrong& wrong : {Wrong{"no nodes", alone + "listeners: {internal: {address: '10.0.0.1:8422', " + tls + "}}\n", "it needs `store.nodes`"},
                             Wrong{"no address", nodes + "listeners: {internal: {" + tls + "}}\n", "`address`"},
                             Wrong{"a name as address", nodes + "listeners: {internal: {address: 'node-1:8422', " + tls + "}}\n", "numeric address"},
                             Wrong{"no TLS", nodes + "listeners: {internal: {address: '10.0.0.1:8422'}}\n", "`internal` needs `tls`"},
                             Wrong{"no authorities", nodes + "listeners: {internal: {address: '10.0.0.1:8422', tls: {certificate: c, key: k}}}\n", "`authorities`"},
                             Wrong{"plain http", nodes + "listeners: {internal: {address: '10.0.0.1:8422', url: 'http://a', " + tls + "}}\n", "https origin"},
                             Wrong{"a path", nodes + "listeners: {internal: {address: '10.0.0.1:8422', url: 'https://a/x', " + tls + "}}\n", "https origin"},
                             Wrong{"proxies", nodes + "listeners: {internal: {address: '10.0.0.1:8422', trusted_proxies: [10.0.0.0/8], " + tls + "}}\n", "trusted_proxies"}}) {
    const auto refused = read(wrong.text);
    ASSERT_FALSE(refused) << wrong.name;
    EXPECT_THAT(registry::to_string(refused.error()), HasSubstr(wrong.says)) << wrong.name;
  }
}

TEST(ConfigurationErrors, OfTheBaseUrl) {
  for (const char* wrong : {"http://writ.example.com", "https://writ.example.com/", "https://a@b.example", "https://writ.example.com/?x", "writ.example.com"}) {
    const auto config = read("base_url: '" + std::string(wrong) + "'\ndata: /d\n");
    ASSERT_FALSE(config) << wrong;
    EXPECT_THAT(registry::to_string(config.error()), HasSubstr("writ.yaml:1:11: error: `base_url` must be an https URL")) << wrong;
  }
}

TEST(ConfigurationErrors, AreToldAllAtOnce) {
  const auto config = read("bas_url: x\nlog: {level: no}\n");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().size(), 4u) << registry::to_string(config.error());
}

}  // namespace
}  // namespace writ::config
