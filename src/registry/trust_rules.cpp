#include "registry/trust_rules.h"

#include <algorithm>
#include <array>

#include "registry/identity_connector.h"

namespace writ::registry {
namespace {

using Subject = TrustedIssuer::Subject;
const std::vector<std::pair<std::string, Subject>> kSubjects = {{"user_id", Subject::user_id}, {"link", Subject::link}, {"aud_sub", Subject::aud_sub}};

constexpr std::size_t kTextBytesMax = 256;

// Claims with rules of their own: a second rule for one of them could only contradict the first.
constexpr std::array<std::string_view, 20> kClaimsWithRules = {"iss",    "sub",        "aud",     "exp",    "nbf",                   "iat",       "jti",  "client_id", "scope",          "resource",
                                                               "tenant", "aud_tenant", "aud_sub", "sub_id", "authorization_details", "auth_time", "amr",  "cnf",       "session_expiry", "act"};

std::map<std::string, std::string> read_map(Fields& fields, const char* name, Problems& problems) {
  std::map<std::string, std::string> map;
  const Node* node = fields.find(name);
  if (!node) return map;
  Fields entries(*node, "`" + std::string(name) + "`", problems);
  for (const auto& entry : node->entries) map[entry.name] = entries.required_text(entry.name);
  return map;
}

void write_map(json::Value& out, std::string_view name, const std::map<std::string, std::string>& map) {
  if (map.empty()) return;
  json::Value written = json::Object{};
  for (const auto& [key, value] : map) written.set(key, value);
  out.set(name, std::move(written));
}

bool is_lower_domain(std::string_view text) {
  const bool is_spelled = std::all_of(text.begin(), text.end(), [](char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '.'; });
  return is_spelled && text.size() <= 253 && text.find('.') != std::string_view::npos && text.front() != '.' && text.back() != '.';
}

bool is_usable(std::string_view text) {
  return !text.empty() && text.size() <= kTextBytesMax && std::all_of(text.begin(), text.end(), [](char letter) { return static_cast<unsigned char>(letter) >= 0x20 && letter != 0x7F; });
}

std::string shown(std::string_view text) {
  std::string out = "`";
  for (const char letter : text.substr(0, 60)) out += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F ? '?' : letter;
  return out + "`";
}

}  // namespace

void read_trust_rules(Fields& issuer, TrustedIssuer& rules, Problems& problems) {
  rules.subject = issuer.choice("subject", rules.subject, kSubjects);
  rules.client_map = read_map(issuer, "client_map", problems);
  rules.tenants = issuer.texts("tenants");
  rules.aud_tenant = issuer.text("aud_tenant");
  rules.required_claims = read_map(issuer, "required_claims", problems);
  for (std::string& domain : rules.email_domains = issuer.texts("email_domains"))
    for (char& letter : domain) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  rules.link_by_email = issuer.flag("link_by_email", false);
  rules.just_in_time = issuer.flag("just_in_time", false);
}

void write_trust_rules(const TrustedIssuer& rules, json::Value& issuer) {
  for (const auto& [word, subject] : kSubjects)
    if (subject == rules.subject && subject != Subject::link) issuer.set("subject", word);
  write_map(issuer, "client_map", rules.client_map);
  if (!rules.tenants.empty()) issuer.set("tenants", json::from_strings(rules.tenants));
  if (!rules.aud_tenant.empty()) issuer.set("aud_tenant", rules.aud_tenant);
  write_map(issuer, "required_claims", rules.required_claims);
  if (!rules.email_domains.empty()) issuer.set("email_domains", json::from_strings(rules.email_domains));
  if (rules.link_by_email) issuer.set("link_by_email", true);
  if (rules.just_in_time) issuer.set("just_in_time", true);
}

std::vector<std::pair<std::string, std::string>> problems_of_trust_rules(const TrustedIssuer& rules, const std::vector<std::string>& agents) {
  std::vector<std::pair<std::string, std::string>> problems;
  const auto error = [&](std::string path, std::string message) { problems.emplace_back(std::move(path), std::move(message)); };
  for (const auto& [name, agent] : rules.client_map) {
    if (!is_usable(name)) error("client_map", "a client's name at the issuer has up to 256 printable characters, not " + shown(name));
    if (std::find(agents.begin(), agents.end(), agent) != agents.end()) continue;
    const std::string meant = nearest(agent, agents);
    error("client_map/" + name, "there is no agent " + shown(agent) + (meant.empty() ? "" : "; did you mean `" + meant + "`?"));
  }
  for (std::size_t i = 0; i < rules.tenants.size(); ++i)
    if (!is_usable(rules.tenants[i])) error("tenants/" + std::to_string(i), "a tenant has up to 256 printable characters, not " + shown(rules.tenants[i]));
  if (!rules.aud_tenant.empty() && !is_usable(rules.aud_tenant)) error("aud_tenant", "a tenant has up to 256 printable characters, not " + shown(rules.aud_tenant));
  for (const auto& [claim, value] : rules.required_claims) {
    if (std::find(kClaimsWithRules.begin(), kClaimsWithRules.end(), claim) != kClaimsWithRules.end()) error("required_claims/" + claim, "`" + claim + "` has rules of its own and cannot be required to have a value here");
  }
  for (std::size_t i = 0; i < rules.email_domains.size(); ++i)
    if (!is_lower_domain(rules.email_domains[i])) error("email_domains/" + std::to_string(i), "a domain is written like example.com, not " + shown(rules.email_domains[i]));

  // Whoever is a user id of ours needs no link, and is nobody when there is no such user.
  if (rules.subject == Subject::user_id && (rules.link_by_email || rules.just_in_time)) {
    error(rules.link_by_email ? "link_by_email" : "just_in_time", "`subject: user_id` knows people by their id here, so nobody is linked or created: write `subject: link`");
  } else if (rules.link_by_email && rules.email_domains.empty()) {
    error("link_by_email", "`link_by_email` needs `email_domains`: an address counts only in a domain that this issuer may speak for");
  }
  return problems;
}

std::vector<std::pair<std::string, std::string>> problems_of_details_types(const Server& server) {
  std::vector<std::pair<std::string, std::string>> problems;
  for (std::size_t i = 0; i < server.authorization_details_types.size(); ++i) {
    const std::string& type = server.authorization_details_types[i];
    if (is_usable(type)) continue;
    problems.emplace_back("authorization_details_types/" + std::to_string(i), "a type of authorization details has up to 256 printable characters, not " + shown(type));
  }
  return problems;
}

}  // namespace writ::registry
