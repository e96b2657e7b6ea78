#include "registry/credentials.h"

#include <algorithm>

namespace writ::registry {
namespace {

constexpr std::size_t kSecretBytesMin = 22;      // what 128 random bits need in base64url: below that a fast hash protects nothing
constexpr std::size_t kPasswordBytesMax = 1024;  // longer ones never verify (crypto/password.h)

bool is_sha256_hex(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char letter) {
           return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
         });
}

// A credential in clear text, or from a file. Absent when there is none or it cannot be read (reported).
std::optional<Secret> read_clear(Fields& fields, Reading& reading, std::string_view name, std::string_view file_name) {
  const Node* clear = fields.find(name);
  const Node* file = fields.find(file_name);
  if (clear && clear->kind != Node::Kind::text) return fields.wrong_type(name, *clear, "text"), std::nullopt;
  if (file && file->kind != Node::Kind::text) return fields.wrong_type(file_name, *file, "text"), std::nullopt;
  if (clear) {
    // A document with lines is a file, and files get copied about.
    if (clear->at.line > 0) {
      fields.warning(clear->at, "`" + std::string(name) + "` stands in clear in a file: fine for trying things out, otherwise write `" +
                                    std::string(file_name) + "` or the hash");
    }
    return Secret(clear->text);
  }
  if (!file) return std::nullopt;
  if (!reading.secret_file) return fields.error(file->at, "`" + std::string(file_name) + "` cannot be used here: send the value or its hash"), std::nullopt;
  auto content = reading.secret_file(file->text, file->at);
  if (!content) return fields.error(file->at, content.error()), std::nullopt;
  return std::move(content).value();
}

int count_of(Fields& fields, std::initializer_list<std::string_view> names) {
  return static_cast<int>(std::count_if(names.begin(), names.end(), [&](auto name) { return fields.has(name); }));
}

std::optional<std::string> read_hashed(Fields& fields, Reading& reading, std::string_view name, std::string_view file_name, std::string_view hash_name) {
  const auto clear = read_clear(fields, reading, name, file_name);
  const Node* hash = fields.find(hash_name);
  if (count_of(fields, {name, file_name, hash_name}) > 1) {
    fields.error(fields.at(hash ? hash_name : file_name),
                 "write only one of `" + std::string(name) + "`, `" + std::string(file_name) + "` and `" + std::string(hash_name) + "`");
    return std::nullopt;
  }
  if (clear) {
    if (clear->reveal().size() < kSecretBytesMin) {
      fields.error(fields.at(fields.has(name) ? name : file_name),
                   "`" + std::string(name) + "` is too short: at least " + std::to_string(kSecretBytesMin) + " random characters (128 bits)");
      return std::nullopt;
    }
    return sha256_hex(*clear);
  }
  if (!hash) return std::nullopt;
  const std::string text = fields.text(hash_name);
  if (!is_sha256_hex(text)) {
    fields.error(hash->at, "`" + std::string(hash_name) + "` must be 64 lower-case hexadecimal digits");
    return std::nullopt;
  }
  return text;
}

}  // namespace

void read_password(Fields& fields, Reading& reading, User& user, std::optional<Secret>& clear) {
  clear = read_clear(fields, reading, "password", "password_file");
  user.password_hash = fields.text("password_hash");
  if (count_of(fields, {"password", "password_file", "password_hash"}) > 1) {
    fields.error(fields.at("password_hash"), "write only one of `password`, `password_file` and `password_hash`");
  }
  if (!user.password_hash.empty() && !user.password_hash.starts_with("$argon2id$")) {
    fields.error(fields.at("password_hash"), "`password_hash` must be an Argon2id hash: $argon2id$v=19$...");
  }
  if (clear && (clear->empty() || clear->reveal().size() > kPasswordBytesMax)) {
    fields.error(fields.at(fields.has("password") ? "password" : "password_file"),
                 "a password has between 1 and " + std::to_string(kPasswordBytesMax) + " bytes");
    clear.reset();
  }
}

std::vector<ClientSecret> read_secrets(Fields& fields, Reading& reading) {
  std::vector<ClientSecret> secrets;
  if (auto single = read_hashed(fields, reading, "secret", "secret_file", "secret_sha256")) secrets.push_back({std::move(*single), std::nullopt});
  for (const Node& item : fields.list("secrets")) {
    Fields at(item, "a secret", reading.problems);
    auto hash = read_hashed(at, reading, "secret", "secret_file", "sha256");
    const auto expires = at.instant("expires");
    if (item.kind == Node::Kind::mapping && count_of(at, {"secret", "secret_file", "sha256"}) == 0) at.error(item.at, "a secret needs `sha256`");
    at.finish();
    if (hash) secrets.push_back({std::move(*hash), expires});
  }
  if (count_of(fields, {"secret", "secret_file", "secret_sha256"}) > 0 && fields.has("secrets")) {
    fields.error(fields.at("secrets"), "write either one secret or a list `secrets`, not both");
  }
  if (secrets.size() > 2) fields.error(fields.at("secrets"), "at most two secrets may be active at a time: the old and the new one");
  return secrets;
}

std::optional<Secret> read_client_secret(Fields& fields, IdentityConnector& connector) {
  std::optional<Secret> clear;
  if (const Node* node = fields.find("client_secret")) {
    if (node->kind != Node::Kind::text || node->text.empty() || node->text.size() > kPasswordBytesMax) {
      fields.error(node->at, "`client_secret` must be text of 1 to " + std::to_string(kPasswordBytesMax) + " bytes: the secret that the provider gave you");
    } else {
      if (node->at.line > 0) {
        fields.warning(node->at, "`client_secret` stands in clear in a file: fine for trying things out, otherwise write `client_secret_file`");
      }
      clear = Secret(node->text);
    }
  }
  connector.client_secret_file = fields.text("client_secret_file");
  connector.client_secret_sealed = fields.text("client_secret_sealed");
  fields.find("has_client_secret");   // what the admin API shows in its place
  if (count_of(fields, {"client_secret", "client_secret_file", "client_secret_sealed"}) > 1) {
    fields.error(fields.at("client_secret_file"), "write only one of `client_secret` and `client_secret_file`");
  }
  return clear;
}

void read_token(Fields& fields, Reading& reading, ApiToken& token) {
  auto hash = read_hashed(fields, reading, "token", "token_file", "token_sha256");
  if (hash) token.sha256_hex = std::move(*hash);
}

}  // namespace writ::registry
