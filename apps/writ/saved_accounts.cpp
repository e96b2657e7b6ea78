#include "saved_accounts.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "encoding/json.h"
#include "private_file.h"

namespace writ::cli {
namespace {

constexpr json::Limits kLimits{1 << 20, 8, 10'000};

std::string path() { return config_directory() + "/accounts.json"; }

// Of one change, among processes. A lock that cannot be had does not keep the person from working: the file is replaced in one step all the same.
class Lock {
 public:
  Lock() : file_(::open((path() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    if (file_.is_open()) ::flock(file_.get(), LOCK_EX);
  }

 private:
  Descriptor file_;
};

std::string text_of(const json::Value& entry, std::string_view name) {
  const auto* text = entry.find_string(name);
  return text ? *text : "";
}

struct Kept {
  json::Array accounts;
  Secret proof_key;   // PEM; empty: none was needed yet
};

std::string damaged() { return "`" + path() + "` is damaged: remove it, and sign in at the servers again"; }

Result<Kept, std::string> read_all() {
  const auto text = TRY(read_private_file(path()));
  if (!text) return Kept{};
  auto document = json::parse(*text, kLimits);
  const auto* list = document ? document->find_array("accounts") : nullptr;
  if (!list) return unexpected(damaged());
  return Kept{*list, Secret(text_of(*document, "proof_key"))};
}

Result<void, std::string> write_all(Kept kept) {
  json::Value document{{"accounts", std::move(kept.accounts)}};
  if (!kept.proof_key.reveal().empty()) document.set("proof_key", std::string(kept.proof_key.reveal()));
  return write_private_file(path(), json::write(document));
}

bool is_of(const json::Value& entry, const std::string& signed_in, const std::string& issuer, const std::string& resource) {
  return text_of(entry, "signed_in") == signed_in && text_of(entry, "issuer") == issuer && text_of(entry, "resource") == resource;
}

client::ClientCredentials credentials_of(const json::Value& entry) {
  client::ClientCredentials credentials{text_of(entry, "client_id"), client::NoAuthentication{}};
  const std::string method = text_of(entry, "method");
  if (method == "client_secret_basic") credentials.method = client::ClientSecretBasic{Secret(text_of(entry, "client_secret"))};
  if (method == "client_secret_post") credentials.method = client::ClientSecretPost{Secret(text_of(entry, "client_secret"))};
  return credentials;
}

void set_method(json::Value& entry, const client::ClientCredentials& credentials) {
  if (const auto* basic = std::get_if<client::ClientSecretBasic>(&credentials.method)) {
    entry.set("method", "client_secret_basic");
    entry.set("client_secret", std::string(basic->secret.reveal()));
  } else if (const auto* post = std::get_if<client::ClientSecretPost>(&credentials.method)) {
    entry.set("method", "client_secret_post");
    entry.set("client_secret", std::string(post->secret.reveal()));
  } else {
    entry.set("method", "none");
  }
}

}  // namespace

std::optional<client::Account> SavedAccounts::find(const std::string& issuer, const std::string& resource) {
  const auto all = read_all();
  if (!all) return std::nullopt;   // then the person is asked, and saving says what is wrong
  for (const json::Value& entry : all->accounts) {
    if (!is_of(entry, signed_in_, issuer, resource)) continue;
    return client::Account{issuer, resource, credentials_of(entry), text_of(entry, "scope"), Secret(text_of(entry, "refresh_token"))};
  }
  return std::nullopt;
}

Result<void, client::Failure> SavedAccounts::save(const client::Account& account) {
  const Lock lock;
  const auto failed = [](std::string sentence) { return unexpected(client::Failure{client::FailureKind::configuration, std::move(sentence), {}, {}, {}, {}}); };
  auto all = read_all();
  if (!all) return failed(all.error());
  std::erase_if(all->accounts, [&](const json::Value& entry) { return is_of(entry, signed_in_, account.issuer, account.resource); });
  json::Value entry{{"signed_in", signed_in_}, {"issuer", account.issuer}, {"resource", account.resource}, {"client_id", account.credentials.client_id}, {"scope", account.scope},
                    {"refresh_token", std::string(account.refresh_token.reveal())}};
  set_method(entry, account.credentials);
  all->accounts.push_back(std::move(entry));
  const auto written = write_all(std::move(*all));
  if (!written) return failed(written.error());
  return {};
}

void SavedAccounts::forget(const client::Account& account) {
  const Lock lock;
  auto all = read_all();
  if (!all) return;
  // Another bridge may have been given a new one meanwhile.
  std::erase_if(all->accounts, [&](const json::Value& entry) {
    return is_of(entry, signed_in_, account.issuer, account.resource) && text_of(entry, "refresh_token") == account.refresh_token.reveal();
  });
  (void)write_all(std::move(*all));   // what stays is refused by its server again
}

Result<crypto::PrivateKey, std::string> account_proof_key() {
  const Lock lock;
  Kept kept = TRY(read_all());
  if (!kept.proof_key.reveal().empty()) {
    auto key = crypto::PrivateKey::from_pem(kept.proof_key);
    if (!key || !key->fits(crypto::Algorithm::es256)) return unexpected(damaged());
    return std::move(*key);
  }
  auto key = crypto::PrivateKey::generate(crypto::Algorithm::es256);
  kept.proof_key = key.to_pem();
  TRY(write_all(std::move(kept)));
  return key;
}

Result<void, std::string> forget_accounts() {
  if (::unlink(path().c_str()) != 0 && errno != ENOENT) return unexpected("cannot remove `" + path() + "`: " + std::strerror(errno));
  return {};
}

}  // namespace writ::cli
