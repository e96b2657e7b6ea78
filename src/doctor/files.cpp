#include "doctor/files.h"

#include <cstdio>

namespace writ::doctor {
namespace {

constexpr const char* kArea = "files";
constexpr std::size_t kSealingKeyBytes = 32;
constexpr Seconds kYear{365 * 86'400};

class Files {
 public:
  void secret(std::string what, const std::string& path) { add(std::move(what), path, true); }
  void open(std::string what, const std::string& path) { add(std::move(what), path, false); }
  std::vector<NamedFile> take() { return std::move(files_); }

 private:
  void add(std::string what, const std::string& path, bool is_secret) {
    if (!path.empty()) files_.push_back({std::move(what), path, is_secret});
  }
  std::vector<NamedFile> files_;
};

std::string octal(unsigned mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", mode & 07777U);
  return text;
}

std::string days(Seconds age) { return std::to_string(age.count() / 86'400) + " days"; }

}  // namespace

std::vector<NamedFile> files_of(const config::Config& config) {
  Files files;
  const auto listener = [&files](const char* name, const config::Listener& read) {
    if (!read.tls) return;
    files.open(std::string("the certificate of the ") + name + " listener", read.tls->certificate);
    files.secret(std::string("the key of the ") + name + " listener", read.tls->key);
    files.open(std::string("`client_authorities` of the ") + name + " listener", read.tls->client_authorities);
  };
  listener("public", config.public_listener);
  listener("admin", config.admin_listener);
  if (config.internal_listener) listener("internal", config.internal_listener->listener);
  files.open("`authorities`", config.authorities);
  files.secret("`resource_as.agent_secret_file`", config.resource_as.agent_secret_file);
  files.secret("`keys.previous_sealing_key_file`", config.keys.previous_sealing_key_file);
  if (config.keys.pkcs11) {
    files.open("`keys.pkcs11.module`", config.keys.pkcs11->module);
    files.secret("`keys.pkcs11.pin_file`", config.keys.pkcs11->pin_file);
  }
  files.secret("`store.password_file`", config.store.password_file);
  for (const auto& sink : config.audit.sinks) {
    const std::string of = " of audit sink `" + sink.id + "`";
    files.secret("`authorization_file`" + of, sink.authorization_file);
    files.open("`ca_file`" + of, sink.ca_file);
    files.open("`client_certificate_file`" + of, sink.client_certificate_file);
    files.secret("`client_key_file`" + of, sink.client_key_file);
  }
  files.secret("`telemetry.authorization_file`", config.telemetry.authorization_file);
  for (const auto& source : config.signals.receive) files.secret("`token_file` of the signals of `" + source.issuer + "`", source.token_file);
  return files.take();
}

std::vector<NamedFile> files_of(const registry::Objects& objects) {
  Files files;
  for (const auto& connector : objects.identity_connectors) {
    if (connector.active) files.secret("`client_secret_file` of identity connector `" + connector.id + "`", connector.client_secret_file);
  }
  for (const auto& server : objects.servers) {
    if (!server.active || !server.upstream) continue;
    const std::string of = " of server `" + server.id + "`";
    files.open("`ca_file`" + of, server.upstream->ca_file);
    files.secret("`header.secret_file`" + of, server.upstream->header_secret_file);
    files.open("`client_certificate.certificate_file`" + of, server.upstream->client_certificate_file);
    files.secret("`client_certificate.key_file`" + of, server.upstream->client_key_file);
    if (server.upstream->oauth) files.secret("`oauth.client_secret_file`" + of, server.upstream->oauth->client_secret_file);
    if (server.upstream->program) {
      for (const auto& [name, path] : server.upstream->program->secret_environment) files.secret("the secret `" + name + "` of the program" + of, path);
    }
  }
  for (const auto& point : objects.decision_points) {
    if (point.active) files.secret("`header.secret_file` of decision point `" + point.id + "`", point.header_secret_file);
  }
  return files.take();
}

void judge_file(Report& report, const NamedFile& file, const FileFacts& facts, Instant now) {
  const std::string named = "`" + file.path + "` (" + file.what + ")";
  if (!facts.exists) return report.wrong(kArea, named + " is not there, or its folder is closed to you", "put it there, or correct its path");
  if (!facts.is_regular) return report.wrong(kArea, named + " is no regular file", "name a file");
  if (file.is_secret && (facts.mode & 077U) != 0) {
    return report.wrong(kArea, named + " holds a secret and is open to others (mode " + octal(facts.mode) + ")", "chmod 600 " + file.path);
  }
  if (!facts.is_readable) return report.wrong(kArea, named + " cannot be read by the user who asks", "run this as the user of the service, or give the file to that user");
  if (facts.bytes == 0) return report.wrong(kArea, named + " is empty", "write into it what it is for");
  const auto age = std::chrono::duration_cast<Seconds>(now - facts.changed);
  if (file.is_secret && age > kYear) return report.warning(kArea, named + " has not changed for " + days(age), "replace the secret: what was copied from it long ago still opens doors");
  report.good(kArea, named + (file.is_secret ? " is closed to others and changed " + days(std::max(age, Seconds{0})) + " ago" : " can be read"));
}

void judge_sealing_key(Report& report, const std::string& path, const FileFacts& facts, bool store_exists, bool one_of_several_nodes) {
  const std::string named = "the sealing key `" + path + "`";
  if (!facts.exists && one_of_several_nodes) return report.wrong(kArea, named + " is missing", "give each node the same 32 bytes there (head -c 32 /dev/urandom, mode 0600)");
  if (!facts.exists && store_exists) return report.wrong(kArea, named + " is missing, and what rests in the store was sealed under it", "put it back from where you keep its copy; a new one opens nothing");
  if (!facts.exists) return report.note(kArea, named + " is not there yet: the first start makes it");
  if (!facts.is_regular) return report.wrong(kArea, named + " is no regular file", "name a file");
  if ((facts.mode & 077U) != 0) return report.wrong(kArea, named + " is open to others (mode " + octal(facts.mode) + ")", "chmod 600 " + path);
  if (!facts.is_readable) return report.wrong(kArea, named + " cannot be read by the user who asks", "run this as the user of the service");
  if (facts.bytes != kSealingKeyBytes) {
    return report.wrong(kArea, named + " has " + std::to_string(facts.bytes) + " bytes: it must have " + std::to_string(kSealingKeyBytes), "put the right one back: without it nothing in the store opens");
  }
  report.good(kArea, named + " is there and closed to others; keep a copy of it apart from the backups");
}

void judge_key_age(Report& report, const SigningKeyFacts& key, Seconds rotate_after, Instant now) {
  constexpr Seconds kLate{7 * 86'400};   // a deployment that is not running rotates nothing
  const auto age = std::chrono::duration_cast<Seconds>(now - key.active_from);
  const std::string sentence = "the newest signing key of `" + key.use + "` has signed for " + days(std::max(age, Seconds{0}));
  if (age > rotate_after + kLate) return report.warning("keys", sentence + ", longer than `keys.rotate_after`", "a running server replaces it by itself; look into its log, or use `writ keys rotate`");
  report.good("keys", sentence);
}

}  // namespace writ::doctor
