#include "adapters/log/audit_key.h"

#include <algorithm>

#include "adapters/log/checkpoint.h"
#include "adapters/log/files.h"
#include "encoding/base64url.h"
#include "registry/secret_file.h"

namespace writ::log {
namespace {

constexpr const char* kKeyFile = "audit.key";
constexpr const char* kPurpose = "audit key";

bool has_file(Files& files, const std::string& directory, const std::string& name) {
  const auto names = files.list(directory);
  return names && std::find(names->begin(), names->end(), name) != names->end();
}

jose::SigningKey named(crypto::PrivateKey key) {
  std::string kid = jose::thumbprint(key.public_key());
  return {std::move(kid), crypto::Algorithm::es256, std::move(key)};
}

Result<void, std::string> publish(Files& files, const std::string& directory, const jose::SigningKey& key) {
  std::vector<jose::Jwk> published;
  if (has_file(files, directory, kPublicKeys)) {
    const auto text = read_whole(files, directory + "/" + kPublicKeys);
    if (!text) return unexpected(text.error().detail);
    const auto known = jose::KeySet::parse(*text);
    if (!known) return unexpected("`" + directory + "/" + kPublicKeys + "` is no JWK set: it holds the public keys that checkpoints are checked with");
    published = known->keys();
  }
  for (const auto& jwk : published) {
    if (jwk.kid == key.kid) return {};
  }
  published.push_back(key.public_jwk());
  const auto written = replace_file(files, directory, kPublicKeys, json::write(jose::to_json(jose::KeySet(std::move(published)))) + "\n");
  if (!written) return unexpected(written.error().detail);
  return {};
}

Result<jose::SigningKey, std::string> read_key(Files& files, const std::string& path, const crypto::SealingKey& sealing_key) {
  TRY(registry::check_secret_file(path));
  auto text = read_whole(files, path);
  if (!text) return unexpected(text.error().detail);
  while (text->ends_with('\n')) text->pop_back();
  const auto sealed = base64url::decode(*text);
  const auto pem = sealed ? sealing_key.open(*sealed, kPurpose) : std::nullopt;
  if (!pem) return unexpected("`" + path + "` does not open with the configured sealing key: to begin with a new audit key, move it away");
  auto key = crypto::PrivateKey::from_pem(*pem);
  if (!key || !key->fits(crypto::Algorithm::es256)) return unexpected("`" + path + "` holds no P-256 key");
  return named(std::move(*key));
}

}  // namespace

Result<jose::SigningKey, std::string> open_audit_key(const std::string& directory, const crypto::SealingKey& sealing_key) {
  const auto files = system_files();
  const std::string path = directory + "/" + kKeyFile;
  if (!has_file(*files, directory, kKeyFile)) {
    auto made = named(crypto::PrivateKey::generate(crypto::Algorithm::es256));
    const Secret pem = made.key.to_pem();
    const auto written = replace_file(*files, directory, kKeyFile, base64url::encode(sealing_key.seal(pem.reveal(), kPurpose)) + "\n");
    if (!written) return unexpected(written.error().detail);
    TRY(publish(*files, directory, made));
    return made;
  }
  auto opened = TRY(read_key(*files, path, sealing_key));
  TRY(publish(*files, directory, opened));
  return opened;
}

Result<void, std::string> check_audit_key(const std::string& directory, const crypto::SealingKey& sealing_key) {
  TRY(read_key(*system_files(), directory + "/" + kKeyFile, sealing_key));
  return {};
}

}  // namespace writ::log
