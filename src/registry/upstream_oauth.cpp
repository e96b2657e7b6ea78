#include "registry/upstream_oauth.h"

#include <algorithm>

#include "encoding/uri.h"
#include "http/message.h"
#include "oauth/scope.h"

namespace writ::registry {
namespace {

using Grant = UpstreamOAuth::Grant;
using Found = std::vector<std::pair<std::string, std::string>>;

const std::vector<std::pair<std::string, Grant>> kGrants = {
    {"client_credentials", Grant::client_credentials}, {"id_jag", Grant::id_jag}, {"authorization_code", Grant::authorization_code}};

std::string shown(const std::string& text) { return "`" + text.substr(0, 100) + "`"; }
std::string item(const char* member, std::size_t number) { return std::string(member) + "/" + std::to_string(number); }

bool is_domain(const std::string& text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '.'; });
  return plain && text.find('.') != std::string::npos && text.front() != '.' && text.back() != '.';
}

void check_scopes(const Server& server, const UpstreamOAuth& oauth, Found& problems) {
  for (std::size_t i = 0; i < oauth.scopes.size(); ++i) {
    const std::string& name = oauth.scopes[i];
    const auto parsed = oauth::ScopeSet::parse(name);
    if (!parsed || parsed->values().size() != 1) {
      problems.emplace_back("oauth/" + item("scopes", i), "a scope is one word of printable ASCII without quotes and backslashes, not " + shown(name));
    } else if (oauth.grant == Grant::id_jag && std::none_of(server.scopes.begin(), server.scopes.end(), [&](const Scope& scope) { return scope.name == name; })) {
      // Policy is asked for each scope that goes into an ID-JAG, and it can only be asked for scopes that the server has.
      problems.emplace_back("oauth/" + item("scopes", i), "this server has no scope " + shown(name) + ": with `grant: id_jag` policy decides on every scope, so list it under the server's `scopes` too");
    }
  }
}

void check_accounts(const UpstreamOAuth& oauth, Found& problems) {
  const bool has_rule = !oauth.account_tenants.empty() || !oauth.account_email_domains.empty();
  if (oauth.grant != Grant::authorization_code) {
    if (has_rule) problems.emplace_back("oauth", "`account_tenants` and `account_email_domains` are about accounts of people: they go with `grant: authorization_code`");
    return;
  }
  // Without a rule anybody could link the account they have at home (rules of upstreams without EMA).
  if (!has_rule) problems.emplace_back("oauth", "`authorization_code` needs `account_tenants` or `account_email_domains`: which accounts are the company's");
  for (std::size_t i = 0; i < oauth.account_email_domains.size(); ++i) {
    const std::string& domain = oauth.account_email_domains[i];
    if (!is_domain(domain)) problems.emplace_back("oauth/" + item("account_email_domains", i), "a domain is written like example.com, in lower case, not " + shown(domain));
  }
}

void check_oauth(const Server& server, const UpstreamOAuth& oauth, const std::vector<std::string>& resource_as, Found& problems) {
  const UpstreamAddress& address = *server.upstream;
  if (!uri::is_issuer(oauth.issuer)) problems.emplace_back("oauth/issuer", "an issuer must be an https URL (http only on loopback) without query and fragment, not " + shown(oauth.issuer));
  if (!oauth.resource.empty() && !uri::is_resource(oauth.resource)) {
    problems.emplace_back("oauth/resource", "`resource` must be an https URL (http only on loopback) without fragment or user information, not " + shown(oauth.resource));
  }
  const bool is_public = oauth.client_secret_file.empty() && address.client_certificate_file.empty();
  if (is_public && oauth.grant != Grant::authorization_code) {
    problems.emplace_back("oauth", "`" + std::string(to_string(oauth.grant)) + "` needs `client_secret_file` or the upstream's `client_certificate`: a public client cannot use it");
  }
  if (oauth.grant == Grant::id_jag && std::find(resource_as.begin(), resource_as.end(), oauth.issuer) == resource_as.end()) {
    problems.emplace_back("oauth/issuer", "there is no resource authorization server " + shown(oauth.issuer) + ": the identity provider issues ID-JAGs for registered ones alone");
  }
  if (http::equals_ignoring_case(address.header_name, "Authorization")) {
    problems.emplace_back("header", "with `oauth` the Authorization field carries the access token: a fixed header needs another name");
  }
  check_scopes(server, oauth, problems);
  check_accounts(oauth, problems);
}

}  // namespace

std::string_view to_string(Grant grant) {
  switch (grant) {
    case Grant::client_credentials: return "client_credentials";
    case Grant::id_jag: return "id_jag";
    case Grant::authorization_code: return "authorization_code";
  }
  return "client_credentials";
}

void read_credentials(Fields& upstream, Reading& reading, UpstreamAddress& address) {
  if (const Node* node = upstream.find("client_certificate")) {
    Fields files(*node, "`client_certificate`", reading.problems);
    address.client_certificate_file = files.required_text("certificate_file");
    address.client_key_file = files.required_text("key_file");
    files.finish();
  }
  const Node* node = upstream.find("oauth");
  if (!node) return;
  Fields fields(*node, "`oauth`", reading.problems);
  UpstreamOAuth oauth;
  if (!fields.has("grant")) fields.error(node->at, "`oauth` needs `grant`: client_credentials, id_jag or authorization_code");
  oauth.grant = fields.choice("grant", oauth.grant, kGrants);
  oauth.issuer = fields.required_text("issuer");
  oauth.client_id = fields.required_text("client_id");
  oauth.client_secret_file = fields.text("client_secret_file");
  oauth.scopes = fields.texts("scopes");
  oauth.send_resource = fields.flag("send_resource", true);
  oauth.resource = fields.text("resource");
  oauth.account_tenants = fields.texts("account_tenants");
  oauth.account_email_domains = fields.texts("account_email_domains");
  fields.finish();
  address.oauth = std::move(oauth);
}

void write_credentials(const UpstreamAddress& address, json::Value& upstream) {
  if (!address.client_certificate_file.empty()) {
    upstream.set("client_certificate", json::Value{{"certificate_file", address.client_certificate_file}, {"key_file", address.client_key_file}});
  }
  if (!address.oauth) return;
  const UpstreamOAuth& oauth = *address.oauth;
  json::Value out{{"grant", to_string(oauth.grant)}, {"issuer", oauth.issuer}, {"client_id", oauth.client_id}};
  if (!oauth.client_secret_file.empty()) out.set("client_secret_file", oauth.client_secret_file);
  if (!oauth.scopes.empty()) out.set("scopes", json::from_strings(oauth.scopes));
  if (!oauth.send_resource) out.set("send_resource", false);
  if (!oauth.resource.empty()) out.set("resource", oauth.resource);
  if (!oauth.account_tenants.empty()) out.set("account_tenants", json::from_strings(oauth.account_tenants));
  if (!oauth.account_email_domains.empty()) out.set("account_email_domains", json::from_strings(oauth.account_email_domains));
  upstream.set("oauth", std::move(out));
}

Found problems_of_credentials(const Server& server, const std::vector<std::string>& resource_as) {
  Found problems;
  const UpstreamAddress& address = *server.upstream;
  if (!address.client_certificate_file.empty() && !address.url.starts_with("https:")) {
    problems.emplace_back("client_certificate", "a client certificate is shown over https, and `url` is none");
  }
  if (address.oauth && address.transport == UpstreamAddress::Transport::stdio) {
    problems.emplace_back("oauth", "a program that the gateway runs gets its credentials by `environment`, not by `oauth`");
  } else if (address.oauth) {
    check_oauth(server, *address.oauth, resource_as, problems);
  }
  return problems;
}

}  // namespace writ::registry
