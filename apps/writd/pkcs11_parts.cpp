// The PKCS#11 token of the configuration. Its PIN is read from a file or a systemd credential at each log-in, and kept nowhere.

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "key_parts.h"
#include "registry/secret_file.h"

namespace writ::writd {
namespace {

constexpr std::size_t kPinBytesMax = 256;

Result<Secret, std::string> read_pin(const config::Keys::Pkcs11& token) {
  std::string path = token.pin_file;
  if (!token.pin_credential.empty()) {
    const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
    if (!directory) return unexpected("`pin_credential` needs a systemd unit with LoadCredential=" + token.pin_credential + ": $CREDENTIALS_DIRECTORY is not set");
    path = std::string(directory) + "/" + token.pin_credential;   // systemd made it for this service alone, with modes of its own
  } else {
    TRY(registry::check_secret_file(path));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return unexpected("cannot read the PIN of the PKCS#11 token from `" + path + "`");
  std::string pin((std::istreambuf_iterator<char>(file)), {});
  while (!pin.empty() && (pin.back() == '\n' || pin.back() == '\r')) pin.pop_back();
  Secret read(std::move(pin));
  if (read.empty() || read.reveal().size() > kPinBytesMax) return unexpected("`" + path + "` holds no PIN: one line with it is expected");
  return read;
}

}  // namespace

Result<std::shared_ptr<crypto::Pkcs11Token>, std::string> open_token(const config::Keys& keys) {
  if (!keys.pkcs11) return std::shared_ptr<crypto::Pkcs11Token>();
  const config::Keys::Pkcs11& token = *keys.pkcs11;
  return crypto::Pkcs11Token::open({token.module, token.token, token.serial, [token] { return read_pin(token); }});
}

}  // namespace writ::writd
