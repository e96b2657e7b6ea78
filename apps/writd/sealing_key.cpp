#include "sealing_key.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "crypto/random.h"
#include "crypto/seal.h"
#include "encoding/base64url.h"
#include "encoding/json.h"
#include "registry/secret_file.h"

namespace writ::writd {
namespace {

constexpr std::size_t kBytes = 32;
constexpr const char *kName = "root", *kPurpose = "the deployment's own key";
const Instant kFarAway = from_unix_seconds(253'402'300'799);

// Written beside its place and moved there, so that a crash leaves either no key or a whole one.
Result<void, std::string> write_new_secret(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return unexpected("cannot write `" + path + "`: " + std::strerror(errno));
  const bool written = ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && ::fsync(file) == 0;
  ::close(file);
  if (!written || std::rename(temporary.c_str(), path.c_str()) != 0) return unexpected("cannot write `" + path + "`: " + std::strerror(errno));
  return {};
}

Result<Secret, std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  if (bytes.size() != kBytes) return unexpected("`" + path + "` is no sealing key: it must hold exactly 32 bytes");
  return Secret(std::move(bytes));
}

// systemd made the directory for this service alone, and takes it away with it: its files have modes of their own.
Result<Secret, std::string> read_credential(const std::string& name) {
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (!directory) return unexpected("`sealing_key_credential` needs a systemd unit with LoadCredential=" + name + ": $CREDENTIALS_DIRECTORY is not set");
  return read_file(std::string(directory) + "/" + name);
}

Result<Secret, std::string> read_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value) return unexpected("the environment variable `" + name + "` of `sealing_key_env` is not set");
  auto bytes = base64::decode(value);
  if (!bytes) bytes = base64url::decode(value);
  // Not for the programs that the gateway runs, nor for whoever reads /proc.
  ::unsetenv(name.c_str());
  if (!bytes || bytes->size() != kBytes) return unexpected("the environment variable `" + name + "` is no sealing key: it must be the base64 of 32 bytes");
  return Secret(std::move(*bytes));
}

Result<Secret, std::string> read_present(const SealingKeySource& source) {
  if (!source.environment.empty()) return read_environment(source.environment);
  if (!source.credential.empty()) return read_credential(source.credential);
  if (!std::filesystem::exists(source.file)) TRY(write_new_secret(source.file, crypto::random_bytes(kBytes)));
  TRY(registry::check_secret_file(source.file));
  return read_file(source.file);
}

std::string sealed_under(const Secret& key, const Secret& root) {
  return base64url::encode(crypto::SealingKey(key).seal(root.reveal(), kPurpose));
}

std::optional<Secret> opened_with(const Secret& key, const registry::Document& document) {
  const auto parsed = json::parse(document.json);
  const auto* text = parsed ? parsed->find_string("sealed") : nullptr;
  const auto sealed = text && !key.empty() ? base64url::decode(*text) : std::nullopt;
  return sealed ? crypto::SealingKey(key).open(*sealed, kPurpose) : std::nullopt;
}

}  // namespace

Result<GivenKeys, std::string> read_sealing_keys(const SealingKeySource& source) {
  GivenKeys given;
  if (!source.previous_file.empty()) {
    TRY(registry::check_secret_file(source.previous_file));
    given.previous = TRY(read_file(source.previous_file));
  }
  given.present = TRY(read_present(source));
  return given;
}

Result<RootKey, std::string> find_root_key(const std::vector<registry::Document>& stored, const GivenKeys& given) {
  const auto found = std::find_if(stored.begin(), stored.end(), [](const auto& document) { return document.table == kRootKeyTable && document.key == kName; });
  if (found == stored.end()) {
    if (given.previous.empty()) return RootKey{given.present, true};
    return RootKey{given.previous, false};
  }
  if (auto root = opened_with(given.present, *found)) return RootKey{std::move(*root), true};
  if (auto root = opened_with(given.previous, *found)) return RootKey{std::move(*root), false};
  return unexpected(std::string("the sealing key does not open what rests in the store: give the one that it was sealed under, or that one as `previous_sealing_key_file`"));
}

Result<Secret, std::string> open_root_key(registry::Documents& documents, const GivenKeys& given) {
  const auto stored = documents.load(kRootKeyTable);
  if (!stored) return unexpected(std::string("cannot read the deployment's own key: ") + stored.error().what);
  auto root = TRY(find_root_key(*stored, given));
  if (root.is_under_present) return std::move(root.key);
  const auto found = std::find_if(stored->begin(), stored->end(), [](const auto& document) { return document.key == kName; });
  const json::Value value{{"sealed", sealed_under(given.present, root.key)}};
  registry::Document document{kRootKeyTable, kName, found == stored->end() ? 1 : found->version + 1, kFarAway, json::write(value)};
  QueueExecutor executor;   // start-up: no event loop yet
  const auto written = run(executor, documents.put(std::move(document)));
  if (!written) return unexpected(std::string("cannot store the deployment's own key: ") + written.error().what);
  return std::move(root.key);
}

}  // namespace writ::writd
