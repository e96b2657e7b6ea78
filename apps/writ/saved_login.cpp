#include "saved_login.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "encoding/json.h"

namespace writ::cli {
namespace {

std::string path() { return config_directory() + "/login.json"; }

std::string text_of(const json::Value& document, std::string_view name) {
  const auto* text = document.find_string(name);
  return text ? *text : "";
}

std::string error_text() { return std::strerror(errno); }

}  // namespace

std::string config_directory() {
  if (const char* directory = std::getenv("WRIT_CONFIG_DIR"); directory && *directory) return directory;
  if (const char* directory = std::getenv("XDG_CONFIG_HOME"); directory && *directory) return std::string(directory) + "/writ";
  const char* home = std::getenv("HOME");
  return std::string(home ? home : ".") + "/.config/writ";
}

Result<std::optional<SavedLogin>, std::string> load_login() {
  const std::string file = path();
  struct stat status{};
  if (stat(file.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::optional<SavedLogin>();
    return unexpected("cannot read `" + file + "`: " + error_text());
  }
  if ((status.st_mode & 077) != 0) return unexpected("`" + file + "` is open to other users: run `chmod 600 " + file + "`, or sign in again");
  std::ifstream stream(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  const auto document = json::parse(text);
  if (!document || !document->is_object()) return unexpected("`" + file + "` is damaged: sign in again with `writ login`");
  SavedLogin login;
  login.idp_issuer = text_of(*document, "idp");
  login.client_id = text_of(*document, "client_id");
  login.device_id = text_of(*document, "device_id");
  login.user = text_of(*document, "user");
  login.device_key_pem = Secret(text_of(*document, "device_key"));
  login.refresh_token = Secret(text_of(*document, "refresh_token"));
  login.id_token = Secret(text_of(*document, "id_token"));
  if (const auto* expires = document->find_int("id_token_expires")) login.id_token_expires = from_unix_seconds(*expires);
  return std::optional(std::move(login));
}

Result<void, std::string> save_login(const SavedLogin& login) {
  std::error_code failed;
  std::filesystem::create_directories(config_directory(), failed);
  if (failed) return unexpected("cannot make `" + config_directory() + "`: " + failed.message());
  ::chmod(config_directory().c_str(), 0700);
  const json::Value document{{"idp", login.idp_issuer},
                             {"client_id", login.client_id},
                             {"device_id", login.device_id},
                             {"user", login.user},
                             {"device_key", std::string(login.device_key_pem.reveal())},
                             {"refresh_token", std::string(login.refresh_token.reveal())},
                             {"id_token", std::string(login.id_token.reveal())},
                             {"id_token_expires", to_unix_seconds(login.id_token_expires)}};
  const std::string text = json::write(document);
  const std::string temporary = path() + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return unexpected("cannot write `" + temporary + "`: " + error_text());
  const bool written = ::fchmod(file, 0600) == 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  ::close(file);
  if (!written || std::rename(temporary.c_str(), path().c_str()) != 0) return unexpected("cannot write `" + path() + "`: " + error_text());
  return {};
}

Result<void, std::string> forget_login() {
  if (::unlink(path().c_str()) != 0 && errno != ENOENT) return unexpected("cannot remove `" + path() + "`: " + error_text());
  return {};
}

}  // namespace writ::cli
