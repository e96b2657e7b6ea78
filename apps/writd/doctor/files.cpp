#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "../place.h"
#include "adapters/yaml/yaml.h"
#include "crypto/certificate_chain.h"
#include "doctor/certificates.h"
#include "doctor/files.h"
#include "encoding/uri.h"
#include "look.h"

namespace writ::writd {
namespace {

constexpr std::size_t kPemBytesMax = 1 << 20;

doctor::FileFacts facts_of(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return {};
  doctor::FileFacts facts;
  facts.exists = true;
  facts.is_regular = S_ISREG(about.st_mode);
  facts.mode = about.st_mode & 07777U;
  facts.is_readable = ::access(path.c_str(), R_OK) == 0;
  facts.bytes = static_cast<std::uint64_t>(about.st_size);
  facts.changed = from_unix_seconds(about.st_mtim.tv_sec);
  return facts;
}

void judge_all(const std::vector<doctor::NamedFile>& files, Instant now, doctor::Report& report) {
  for (const auto& file : files) doctor::judge_file(report, file, facts_of(file.path), now);
}

void look_at_certificate(const char* name, const config::Listener& listener, const std::vector<std::string>& hosts, Instant now, doctor::Report& report) {
  if (!listener.tls) return;
  const std::string where = std::string("the ") + name + " listener's certificate `" + listener.tls->certificate + "`";
  const auto pem = yaml::read_text_file(listener.tls->certificate, kPemBytesMax);
  auto key = yaml::read_text_file(listener.tls->key, kPemBytesMax);
  if (!pem || !key) return;   // told among the files
  const auto chain = crypto::read_certificate_chain(*pem, Secret(std::move(*key)), hosts, now);
  if (!chain) return report.wrong("tls", where + " " + chain.error(), "put the certificate there in PEM, and behind it those that signed it");
  doctor::judge_certificate(report, where, *chain, now);
}

// Values of Host are names with or without a port.
std::string without_port(const std::string& host) {
  const auto uri = uri::parse("https://" + host);
  return uri ? uri->host : host;
}

}  // namespace

void look_at_files(const config::Config& config, Instant now, doctor::Report& report) {
  judge_all(doctor::files_of(config), now, report);
  if (config.keys.sealing_key_file.empty() || !config.keys.sealing_key_env.empty() || !config.keys.sealing_key_credential.empty()) return;
  const bool store_exists = config.store.postgresql.empty() && ::access(config.database_file("state.db").c_str(), F_OK) == 0;
  doctor::judge_sealing_key(report, config.keys.sealing_key_file, facts_of(config.keys.sealing_key_file), store_exists, config.store.nodes.has_value());
}

void look_at_files(const registry::Objects& objects, Instant now, doctor::Report& report) { judge_all(doctor::files_of(objects), now, report); }

void look_at_certificates(const config::Config& config, Instant now, doctor::Report& report) {
  std::set<std::string> hosts;
  for (const auto& host : config.public_listener.hosts) hosts.insert(without_port(host));
  look_at_certificate("public", config.public_listener, {hosts.begin(), hosts.end()}, now, report);
  std::set<std::string> admin_hosts;
  for (const auto& host : config.admin_listener.hosts) admin_hosts.insert(without_port(host));
  look_at_certificate("admin", config.admin_listener, {admin_hosts.begin(), admin_hosts.end()}, now, report);
  if (config.store.nodes && !config.internal_listener) {
    report.note("nodes", "this node hands nothing on to the others: a session of an MCP client is known to the node alone that began it",
                "name `listeners.internal` (docs/reference/nodes.md, \"Sessions\"), or let the balancer keep clients at their node");
  }
  if (!config.internal_listener) return;
  const config::Listener& internal = config.internal_listener->listener;
  look_at_certificate("internal", internal, {without_port(internal.hosts.at(0))}, now, report);
}

}  // namespace writ::writd
