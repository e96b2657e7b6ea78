#include "config/first_files.h"

#include "encoding/json.h"
#include "encoding/uri.h"

namespace writ::config {
namespace {

// Text of JSON is text of YAML, whatever it holds.
std::string quoted(const std::string& text) { return json::write(json::Value(text)); }

Result<std::string, std::string> listen_address(const FirstAnswers& answers, const uri::Uri& base) {
  if (!answers.listen.empty()) return answers.listen;
  if (base.scheme == "http") return "127.0.0.1:" + std::to_string(base.effective_port());
  if (!answers.trusted_proxies.empty()) return std::string("0.0.0.0:8420");
  return "0.0.0.0:" + std::to_string(base.effective_port());
}

Result<void, std::string> check(const FirstAnswers& answers, const uri::Uri& base) {
  const bool has_certificate = !answers.certificate.empty() || !answers.key.empty();
  if (has_certificate && (answers.certificate.empty() || answers.key.empty())) return unexpected(std::string("a certificate needs its key, and a key its certificate"));
  if (base.scheme == "https" && !has_certificate && answers.trusted_proxies.empty()) {
    return unexpected("`" + answers.base_url + "` needs a certificate and its key, or the network (CIDR) of the proxy that has them");
  }
  if (base.scheme == "http" && has_certificate) return unexpected("`" + answers.base_url + "` is http: with a certificate it would be https");
  if (answers.provider.empty()) {
    if (!answers.provider_client_id.empty() || !answers.provider_client_secret_file.empty() || !answers.provider_domain.empty() || !answers.provider_group.empty()) {
      return unexpected(std::string("a client id, secret, domain or group of an identity provider needs its issuer"));
    }
    return {};
  }
  if (!uri::is_issuer(answers.provider)) return unexpected("`" + answers.provider + "` is no issuer: an https URL without query is expected, as the provider's metadata has it");
  if (answers.provider_client_id.empty()) return unexpected(std::string("the client id that this deployment has at the identity provider is missing"));
  if (answers.provider_client_secret_file.empty()) return unexpected(std::string("the file with the client secret that this deployment has at the identity provider is missing"));
  if (answers.provider_domain.empty()) return unexpected(std::string("the e-mail domain of the company is missing: without one everybody whom the provider knows would get an account"));
  return {};
}

std::string process_file(const FirstAnswers& answers, const std::string& listen) {
  std::string out = "# What this process does. docs/reference/configuration.md describes every member; `writ doctor -c` looks for mistakes.\n"
                    "version: 1\nbase_url: " + quoted(answers.base_url) + "\ndata: " + quoted(answers.data_directory) + "\n";
  if (!answers.organisation.empty()) out += "organisation: " + quoted(answers.organisation) + "\n";
  out += "listeners:\n  public:\n    address: " + quoted(listen) + "\n";
  if (!answers.certificate.empty()) out += "    tls: {certificate: " + quoted(answers.certificate) + ", key: " + quoted(answers.key) + "}\n";
  if (!answers.trusted_proxies.empty()) {
    out += "    trusted_proxies: [";
    for (std::size_t i = 0; i < answers.trusted_proxies.size(); ++i) out += (i ? ", " : "") + quoted(answers.trusted_proxies[i]);
    out += "]\n";
  }
  out += "  admin: {address: none}   # the local socket admin.sock in the data directory only\n";
  if (!answers.postgresql.empty()) {
    out += "store:\n  postgresql: " + quoted(answers.postgresql) + "\n";
    if (!answers.postgresql_password_file.empty()) out += "  password_file: " + quoted(answers.postgresql_password_file) + "\n";
  }
  return out + "# Both fill an empty store, once. Later: writ apply -f deployment\nobjects: deployment\npolicy: deployment\n";
}

std::string people_file(const FirstAnswers& answers) {
  std::string out = "groups:\n  - id: " + quoted(answers.group) + "\n";
  if (!answers.person.empty()) {
    out += "\nusers:   # a password is set with `writ user password NAME`, once the server runs\n  - name: " + quoted(answers.person) + "\n    groups: [" + quoted(answers.group) + "]\n";
  }
  if (answers.provider.empty()) return out;
  out += "\nidentity_connectors:   # docs/reference/federation.md\n  - id: company\n    issuer: " + quoted(answers.provider) + "\n    client_id: " + quoted(answers.provider_client_id) +
         "\n    client_secret_file: " + quoted(answers.provider_client_secret_file) + "\n    domains: [" + quoted(answers.provider_domain) +
         "]\n    just_in_time: true   # whoever has a verified address of that domain gets an account at the first sign-in, and nothing else\n";
  if (answers.provider_group.empty()) return out + "    groups: {}           # value of its `groups` claim: a group above. Nobody is in one yet\n";
  return out + "    groups: {" + quoted(answers.provider_group) + ": " + quoted(answers.group) + "}\n";
}

std::string agents_file(const std::string& ras) {
  return "agents:\n"
         "  # `writ login` and `writ connect`: public at sign-in, then a key for each device.\n"
         "  - id: writ-cli\n    display_name: writ\n"
         "    idp: {client_id: writ-cli, device_keys: true, redirect_uris: [\"http://127.0.0.1/callback\"]}\n"
         "    resource_authorization_servers:\n      - {issuer: " + quoted(ras) + ", client_id: writ-cli, device_keys: true}\n";
}

std::string servers_file(const FirstAnswers& answers, const std::string& base, const std::string& ras) {
  std::string out = "resource_authorization_servers:\n  - issuer: " + quoted(ras) + "\n\n"
                    "trusted_issuers:\n  # This deployment's own identity provider: nothing is trusted because it shares a process.\n  - issuer: " + quoted(base + "/idp") +
                    "\n    subject: user_id\n    clients: all\n    scope_ceiling: all\n";
  if (answers.servers.empty()) return out;
  out += "\nservers:   # their tools are held until somebody has looked at them: writ review\n";
  for (const auto& [id, url] : answers.servers) {
    out += "  - id: " + quoted(id) + "\n    resource: " + quoted(base + "/mcp/" + id) + "\n    resource_authorization_server: " + quoted(ras) + "\n    upstream: {url: " + quoted(url) +
           "}\n    scopes:\n      - {name: use, description: " + quoted("Use " + id) + ", default: true}\n";
  }
  return out;
}

std::string grants_file(const FirstAnswers& answers) {
  std::string out = "# Who may use what through which agent. Nothing that is not named here is allowed.\n";
  if (answers.servers.empty()) return out + "grants: []\n";
  out += "grants:\n  - group: " + quoted(answers.group) + "\n    agents: [writ-cli]\n    servers: [";
  for (std::size_t i = 0; i < answers.servers.size(); ++i) out += (i ? ", " : "") + quoted(answers.servers[i].first);
  return out + "]\n    scopes: all\n    tools: all\n";
}

}  // namespace

Result<std::map<std::string, std::string>, std::string> first_files(const FirstAnswers& answers) {
  const auto base = uri::parse(answers.base_url);
  if (!base || !uri::is_secure_or_loopback(*base) || base->query || base->fragment || answers.base_url.ends_with('/')) {
    return unexpected("`" + answers.base_url + "` is no public address: https://name without a slash at the end is expected, or http://127.0.0.1:PORT for trying it out");
  }
  TRY(check(answers, *base));
  const std::string listen = TRY(listen_address(answers, *base));
  const std::string ras = answers.base_url + "/ras";
  return std::map<std::string, std::string>{{"writ.yaml", process_file(answers, listen)},
                                            {"deployment/people.yaml", people_file(answers)},
                                            {"deployment/agents.yaml", agents_file(ras)},
                                            {"deployment/servers.yaml", servers_file(answers, answers.base_url, ras)},
                                            {"deployment/grants.yaml", grants_file(answers)}};
}

}  // namespace writ::config
