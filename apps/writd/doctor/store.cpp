#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "../key_parts.h"
#include "../place.h"
#include "../sealing_key.h"
#include "adapters/log/audit_key.h"
#include "adapters/log/verify.h"
#include "adapters/postgresql/inspection.h"
#include "adapters/sqlite/inspection.h"
#include "doctor/files.h"
#include "look.h"

namespace writ::writd {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSigningKeyTable = "signing_keys";
constexpr std::size_t kSegmentsLookedAt = 2;   // some 128 MB; `writ audit verify` looks at all

// What was read, for those who open documents: nothing can be put.
class ReadDocuments final : public registry::Documents {
 public:
  explicit ReadDocuments(std::vector<registry::Document> documents) : documents_(std::move(documents)) {}
  Result<std::vector<registry::Document>, Unavailable> load(std::string_view table) override {
    std::vector<registry::Document> found;
    std::copy_if(documents_.begin(), documents_.end(), std::back_inserter(found), [table](const auto& document) { return document.table == table; });
    return found;
  }
  Task<Result<void, Unavailable>> put(registry::Document) override { co_return unexpected(Unavailable{"nothing is changed"}); }
  Task<Result<void, Unavailable>> forget_expired(Instant) override { co_return unexpected(Unavailable{"nothing is changed"}); }

 private:
  std::vector<registry::Document> documents_;
};

// The newest key of each use, by what its document says in clear.
std::map<std::string, Instant> newest_keys(const std::vector<registry::Document>& documents) {
  std::map<std::string, Instant> newest;
  for (const auto& document : documents) {
    if (document.table != kSigningKeyTable) continue;
    const auto parsed = json::parse(document.json);
    const auto* use = parsed ? parsed->find_string("use") : nullptr;
    const auto* from = parsed ? parsed->find_int("active_from") : nullptr;
    if (!use || !from || parsed->find("withdrawn")) continue;
    const Instant active_from{Milliseconds{*from}};
    const auto [at, is_new] = newest.emplace(*use, active_from);
    if (!is_new) at->second = std::max(at->second, active_from);
  }
  return newest;
}

std::optional<GivenKeys> given_keys(const Place& place, doctor::Report& report) {
  const SealingKeySource& source = place.sealing_key;
  // Reading makes the file where there is none.
  if (source.environment.empty() && source.credential.empty() && !fs::exists(source.file)) return std::nullopt;
  auto given = read_sealing_keys(source);
  if (given) return std::move(*given);
  report.wrong("keys", given.error(), "without the sealing key nothing in the store opens");
  return std::nullopt;
}

// Of a node among several the log of its own; a process alone on PostgreSQL has none.
std::string trail_of(const config::Config& config) { return config.data_directory + (config.store.nodes ? "/spool" : "/audit"); }
bool has_trail(const config::Config& config) { return config.store.postgresql.empty() || config.store.nodes; }

// Whether what rests in the store opens with the key that the configuration gives; the ages of the signing keys.
void look_at_keys(const config::Config& config, const std::vector<registry::Document>& documents, const Clock& clock, doctor::Report& report) {
  const auto given = given_keys(place_of(config), report);
  if (!given) return;
  const auto root = find_root_key(documents, *given);
  if (!root) return report.wrong("keys", root.error(), "until then `writ serve` refuses to start");
  if (!root->is_under_present) report.note("keys", "what rests in the store is sealed under the previous sealing key: the next start seals it under the present one");
  std::shared_ptr<crypto::Pkcs11Token> token;
  if (config.keys.pkcs11) {
    auto opened = open_token(config.keys);
    if (!opened) return report.wrong("keys", opened.error(), "the keys of the roles are in that token: without it nothing is signed");
    token = std::move(*opened);
    report.good("keys", "the PKCS#11 token answers and takes the PIN");
  }
  ReadDocuments stored(documents);
  for (const auto& [use, active_from] : newest_keys(documents)) {
    const auto& wanted = use == "idp" ? config.keys.idp : use == "ras" ? config.keys.ras : config.keys.encryption;
    const auto rules = use == "encryption" ? encryption_rules(config.keys) : signing_rules(config.keys, wanted, token);
    const auto keys = token_service::RotatingKeys::open(stored, crypto::SealingKey(root->key), use, rules, clock.now());
    if (!keys) {
      report.wrong("keys", "the keys of `" + use + "`: " + keys.error().what, "give the sealing key that they were sealed under");
      continue;
    }
    doctor::judge_key_age(report, {use, active_from}, std::chrono::duration_cast<Seconds>(rules.age_max), clock.now());
  }
  const std::string audit = trail_of(config);
  if (has_trail(config) && fs::exists(audit + "/audit.key")) {
    if (const auto opens = log::check_audit_key(audit, crypto::SealingKey(root->key)); !opens) report.wrong("keys", opens.error(), "give the sealing key that it was sealed under");
    else report.good("keys", "the audit key opens with the sealing key");
  }
}

// Who holds the lock of this file, from the kernel's list: taking it, even to let it go at once, could make a server's start fail.
pid_t holder_of(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return 0;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    // 1: FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF
    std::istringstream words(line);
    std::string number, kind, mandatory, mode, where;
    pid_t process = 0;
    words >> number >> kind >> mandatory >> mode >> process >> where;
    if (kind != "FLOCK" || process <= 0 || !where.ends_with(":" + std::to_string(about.st_ino))) continue;
    std::error_code failed;
    bool has_it_open = false;
    for (fs::directory_iterator entry("/proc/" + std::to_string(process) + "/fd", failed), end; !failed && entry != end; entry.increment(failed)) {
      std::error_code ignored;
      has_it_open = has_it_open || fs::equivalent(entry->path(), path, ignored);
    }
    if (has_it_open || failed) return process;   // `failed`: it is somebody else's process, and its inode's number must do
  }
  return 0;
}

void look_at_audit(const std::string& directory, bool is_running, doctor::Report& report) {
  std::error_code ignored;
  if (!fs::exists(directory, ignored)) return report.note("audit", "there is no audit trail yet");
  const pid_t holder = holder_of(directory + "/lock");
  if (holder > 0 && !is_running) {
    report.wrong("store", "process " + std::to_string(holder) + " uses `" + directory + "`, and it is no server that answers on this configuration's socket",
                 "stop it, or give this deployment a data directory of its own");
  } else if (holder == 0 && is_running) {
    report.wrong("store", "a server answers on the socket, but nobody holds the lock of `" + directory + "`: it keeps things elsewhere", "name the same data directory as the server (`--data`)");
  } else {
    report.good("store", holder > 0 ? "the server holds the lock of `" + directory + "`" : "nobody uses `" + directory + "`");
  }
  const auto files = log::system_files();
  const auto verified = log::verify_directory(*files, directory, std::nullopt, kSegmentsLookedAt);
  if (!verified) return report.wrong("audit", "the audit trail cannot be read: " + verified.error(), "run this as the user of the service; `writ audit verify` tells more");
  for (const auto& finding : verified->findings) report.wrong("audit", finding.sentence, "`writ audit verify` looks at the whole trail; what a backup holds tells what is missing");
  if (!verified->good()) return;
  if (verified->last_position == 0) return report.good("audit", "the audit trail is empty and whole");
  report.good("audit", "the end of the audit trail is whole: records " + std::to_string(verified->first_position) + " to " + std::to_string(verified->last_position) + ", signed up to " +
                           std::to_string(verified->signed_to));
}

FoundStore look_at_folder(const config::Config& config, bool is_running, const Clock& clock, doctor::Report& report) {
  const std::string& data = config.data_directory;
  struct stat about {};
  if (::stat(data.c_str(), &about) != 0) {
    const fs::path parent = fs::absolute(data).lexically_normal().parent_path();
    if (::access(parent.c_str(), F_OK) == 0 && ::access(parent.c_str(), W_OK) != 0) report.wrong("store", "`" + data + "` is not there, and this user may not make it in `" + parent.string() + "`", "make it, and give it to the user of the service (mode 0700)");
    else report.note("store", "there is no `" + data + "` yet: the first start makes it");
    return {true, std::nullopt};
  }
  if (!S_ISDIR(about.st_mode)) return report.wrong("store", "`" + data + "` is no folder", "name one in `data`"), FoundStore{};
  if (::access(data.c_str(), R_OK | W_OK | X_OK) != 0) return report.wrong("store", "the folder `" + data + "` is closed to this user", "run this as the user of the service, or give the folder to that user"), FoundStore{};
  if ((about.st_mode & 077U) != 0) report.warning("store", "the folder `" + data + "` is open to others", "chmod 700 " + data + "; the next start does it, too");
  else report.good("store", "the folder `" + data + "` is closed to others");

  look_at_audit(trail_of(config), is_running, report);
  FoundStore found{true, std::nullopt};
  std::vector<registry::Document> documents;
  for (const char* name : {"state.db", "objects.db"}) {
    const std::string path = config.database_file(name);
    if (::access(path.c_str(), F_OK) != 0) continue;
    const auto checked = sqlite::check_database(path);
    if (!checked || *checked != "ok") {
      report.wrong("store", "`" + path + "` " + (checked ? "is damaged: " + *checked : "cannot be read: " + checked.error().detail), "stop the server and restore a backup (`writ restore`)");
      found.is_readable = false;
      continue;
    }
    report.good("store", "`" + path + "` is whole");
    if (std::string_view(name) == "state.db") {
      auto read = sqlite::inspect_documents(path, {kRootKeyTable, kSigningKeyTable});
      if (read) documents = std::move(*read);
      else report.wrong("store", "`" + path + "`: " + read.error().detail, "it is no store of this version of Writ");
      continue;
    }
    auto read = sqlite::inspect_objects(path);
    if (read) found.catalogue = std::move(*read);
    else report.wrong("store", "`" + path + "`: " + read.error().detail, "use the version of Writ that wrote it"), found.is_readable = false;
  }
  look_at_keys(config, documents, clock, report);
  return found;
}

FoundStore look_at_database(const config::Config& config, bool is_running, const Clock& clock, doctor::Report& report) {
  if (has_trail(config)) look_at_audit(trail_of(config), is_running, report);
  postgresql::Address address{config.store.postgresql, config.store.password_file};
  const auto inspected = postgresql::inspect(address, {kRootKeyTable, kSigningKeyTable});
  if (!inspected) {
    report.wrong("postgresql", inspected.error().detail, "check `store.postgresql`, the password file, pg_hba.conf, and that the server runs");
    return {};
  }
  report.good("postgresql", "PostgreSQL " + inspected->version + " answers");
  if (const auto refusal = postgresql::refusal_of(inspected->durability); !refusal.empty()) {
    report.wrong("postgresql", "this database must not be used: " + refusal, "until then `writ serve` refuses to start");
  } else if (const auto warning = postgresql::warning_of(inspected->durability); !warning.empty()) {
    report.warning("postgresql", warning, "docs/reference/nodes.md, \"The database\", says what is at stake");
  } else {
    report.good("postgresql", postgresql::waits_for_standbys(inspected->durability) ? "commits are on the disk of a standby, too, before they are acknowledged (`synchronous_commit` " + inspected->durability.synchronous_commit + ")"
                                                                                   : "commits are on the disk before they are acknowledged; no standby follows");
  }
  const std::string is = "the tables have schema " + std::to_string(inspected->schema), newest = std::to_string(inspected->newest_schema);
  if (inspected->schema == 0) return report.note("postgresql", "there are no tables yet: the first start makes them"), FoundStore{true, std::nullopt};
  if (inspected->schema > inspected->newest_schema) {
    report.wrong("postgresql", is + ", this program knows up to " + newest, "use the newer Writ that has changed them: to leave out what it means could be to leave out a restriction");
    return {};
  }
  if (inspected->schema < inspected->newest_schema) {
    report.note("postgresql", is + ": the next start takes them to " + newest, "make a backup first: there is no way back");
    return {};
  }
  report.good("postgresql", is + ", the newest");
  if (inspected->head != inspected->newest_record) {
    report.wrong("audit", "the log says that it has reached position " + std::to_string(inspected->head) + ", and its newest record is " + std::to_string(inspected->newest_record),
                 "records were removed, or the database was restored in part: restore a whole backup");
  } else {
    report.good("audit", "the newest record, " + std::to_string(inspected->head) + ", is where the log says it is");
  }
  look_at_keys(config, inspected->documents, clock, report);
  return {true, inspected->catalogue};
}

}  // namespace

FoundStore look_at_store(const config::Config& config, bool is_running, const Clock& clock, doctor::Report& report) {
  return config.store.postgresql.empty() ? look_at_folder(config, is_running, clock, report) : look_at_database(config, is_running, clock, report);
}

}  // namespace writ::writd
