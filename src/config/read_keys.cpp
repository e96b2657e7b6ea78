#include "config/read_keys.h"

#include <algorithm>
#include <filesystem>

namespace writ::config {
namespace {

using crypto::Algorithm;
using registry::Fields;
using registry::Node;

constexpr Seconds kDay{86400}, kHour{3600};
const std::vector<std::pair<std::string, Algorithm>> kAlgorithms = {
    {"ES256", Algorithm::es256}, {"ES384", Algorithm::es384}, {"RS256", Algorithm::rs256}, {"PS256", Algorithm::ps256}, {"EdDSA", Algorithm::eddsa}};
// What a key for encryption is: the algorithm of the key that is made.
const std::vector<std::pair<std::string, Algorithm>> kEncryption = {{"ECDH-ES+A256KW", Algorithm::es256}, {"RSA-OAEP-256", Algorithm::rs256}};

std::string resolved(const std::string& file, const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

void read_use(Fields& keys, const char* name, const std::vector<std::pair<std::string, Algorithm>>& algorithms, Keys::Use& use, registry::Problems& problems, const Keys* may_be_in_token = nullptr) {
  const Node* node = keys.find(name);
  if (!node) return;
  const std::string what = "`" + std::string(name) + "` of `keys`";
  Fields fields(*node, what, problems);
  if (fields.has("algorithm")) use.algorithm = fields.choice<Algorithm>("algorithm", algorithms.front().second, algorithms);
  if (fields.has("rotate_after")) use.rotate_after = fields.duration("rotate_after", 90 * kDay, kHour, 3650 * kDay);
  if (may_be_in_token) {
    for (const char* member : {"pkcs11", "key_label"}) {
      if (fields.has(member) && !may_be_in_token->pkcs11) fields.error(fields.at(member), "`" + std::string(member) + "` needs `keys.pkcs11`, which says where the token is");
    }
    use.in_token = fields.flag("pkcs11", true);
    use.key_label = fields.text("key_label");
    if (!use.in_token && !use.key_label.empty()) fields.error(fields.at("key_label"), "`key_label` names a key in the token, and `pkcs11: false` says that there is none");
  }
  fields.finish();
}

// A name below the directory that systemd made, and no way out of it.
void check_credential(Fields& fields, const char* member, const std::string& name) {
  if (name.find('/') == std::string::npos && name != "..") return;
  fields.error(fields.at(member), "`" + std::string(member) + "` is the name of a credential of the systemd unit (LoadCredential=), not a path");
}

// The PIN itself stands nowhere here, and not in the environment, which programs that are started would inherit.
void read_pkcs11(Fields& keys, const std::string& file, Keys& out, registry::Problems& problems) {
  const Node* node = keys.find("pkcs11");
  if (!node) return;
  Fields fields(*node, "`pkcs11` of `keys`", problems);
  Keys::Pkcs11& token = out.pkcs11.emplace();
  token.module = fields.text("module");
  token.token = fields.text("token");
  token.serial = fields.text("serial");
  token.pin_file = resolved(file, fields.text("pin_file"));
  token.pin_credential = fields.text("pin_credential");
  // Not looked for along a search path: what is loaded runs with our rights.
  if (token.module.empty() || token.module.front() != '/') fields.error(fields.at("module"), "`module` must be the absolute path of the token's PKCS#11 library");
  if (token.token.empty() && token.serial.empty()) fields.error(fields.at("token"), "say which token is meant: `token` (its label) or `serial`");
  if (token.pin_file.empty() == token.pin_credential.empty()) fields.error(fields.at("pin_file"), "the PIN comes from one place: `pin_file` or `pin_credential`");
  check_credential(fields, "pin_credential", token.pin_credential);
  fields.finish();
}

void read_sealing_key(Fields& fields, const std::string& file, Keys& keys) {
  const std::string usual = keys.sealing_key_file;
  keys.sealing_key_file = resolved(file, fields.text("sealing_key_file"));
  keys.sealing_key_env = fields.text("sealing_key_env");
  keys.sealing_key_credential = fields.text("sealing_key_credential");
  const std::string* named[] = {&keys.sealing_key_file, &keys.sealing_key_env, &keys.sealing_key_credential};
  const auto count = std::count_if(std::begin(named), std::end(named), [](const std::string* text) { return !text->empty(); });
  if (count > 1) fields.error(fields.at("sealing_key_file"), "the sealing key comes from one place: write only one of `sealing_key_file`, `sealing_key_env` and `sealing_key_credential`");
  if (count == 0) keys.sealing_key_file = usual;
  check_credential(fields, "sealing_key_credential", keys.sealing_key_credential);
  keys.previous_sealing_key_file = resolved(file, fields.text("previous_sealing_key_file"));
  if (!keys.previous_sealing_key_file.empty() && keys.previous_sealing_key_file == keys.sealing_key_file) {
    fields.error(fields.at("previous_sealing_key_file"), "`previous_sealing_key_file` is the present one: name the file of the key before, and remove this when the server has started once");
  }
}

}  // namespace

void read_keys(const Node& node, Config& config, registry::Problems& problems) {
  Fields fields(node, "`keys`", problems);
  Keys& keys = config.keys;
  keys.algorithm = fields.choice<Algorithm>("algorithm", keys.algorithm, kAlgorithms);
  keys.rotate_after = fields.duration("rotate_after", keys.rotate_after, kHour, 3650 * kDay);
  keys.publish_before = fields.duration("publish_before", keys.publish_before, Seconds{0}, 7 * kDay);
  keys.keep_after = fields.duration("keep_after", keys.keep_after, Seconds{0}, 365 * kDay);
  // A token must not outlive the key that verifies it.
  const Seconds longest = std::max({config.idp.id_token_lifetime, config.idp.access_token_lifetime, config.idp.id_jag_lifetime_max, config.resource_as.access_token_lifetime});
  if (keys.keep_after < longest + config.skew) {
    fields.error(fields.at("keep_after"), "`keep_after` is shorter than what is signed lives: at least " + std::to_string((longest + config.skew).count()) + "s with these lifetimes");
  }
  if (keys.publish_before >= keys.rotate_after) fields.error(fields.at("publish_before"), "`publish_before` must be shorter than `rotate_after`");
  read_pkcs11(fields, config.file, keys, problems);
  read_use(fields, "idp", kAlgorithms, keys.idp, problems, &keys);
  read_use(fields, "ras", kAlgorithms, keys.ras, problems, &keys);
  read_use(fields, "encryption", kEncryption, keys.encryption, problems);
  for (const Keys::Use* use : {&keys.idp, &keys.ras, &keys.encryption}) {
    if (use->rotate_after && *use->rotate_after <= keys.publish_before) fields.error(fields.at("publish_before"), "`publish_before` must be shorter than every `rotate_after`");
  }
  read_sealing_key(fields, config.file, keys);
  keys.issuer_tables = fields.flag("issuer_tables", false);
  fields.finish();
}

}  // namespace writ::config
