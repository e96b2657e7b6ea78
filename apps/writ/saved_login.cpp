#include "saved_login.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "encoding/json.h"

namespace writ::cli {
namespace {

std::string path() { return config_directory() + "/login.json"; }

std::string text_of(const json::Value& document, std::string_view name) {
  const auto* text = document.find_string(name);
  return text ? *text : "";
}

}  // namespace

Result<std::optional<SavedLogin>, std::string> load_login() {
  const std::string file = path();
  const auto text = TRY(read_private_file(file));
  if (!text) return std::optional<SavedLogin>();
  const auto document = json::parse(*text);
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
  const json::Value document{{"idp", login.idp_issuer},
                             {"client_id", login.client_id},
                             {"device_id", login.device_id},
                             {"user", login.user},
                             {"device_key", std::string(login.device_key_pem.reveal())},
                             {"refresh_token", std::string(login.refresh_token.reveal())},
                             {"id_token", std::string(login.id_token.reveal())},
                             {"id_token_expires", to_unix_seconds(login.id_token_expires)}};
  return write_private_file(path(), json::write(document));
}

Result<void, std::string> forget_login() {
  if (::unlink(path().c_str()) != 0 && errno != ENOENT) return unexpected("cannot remove `" + path() + "`: " + std::strerror(errno));
  return {};
}

}  // namespace writ::cli
