#include "own_account.h"

#include "encoding/uri.h"

namespace writ::cli {

Result<client::RegistrationSettings, std::string> registration_settings(const OwnAccountOptions& options) {
  client::RegistrationSettings settings;
  if (!options.client_metadata.empty() && !client::is_client_id_metadata_url(options.client_metadata)) {
    return unexpected("`" + options.client_metadata + "` can be no client ID metadata document: give an https URL with a path and without a query");
  }
  settings.client_id_metadata_url = options.client_metadata;
  if (options.client_id.empty() != options.client_issuer.empty()) return unexpected(std::string("`--client-id` and `--client-issuer` go together: credentials are for one authorization server"));
  if (options.client_id.empty()) {
    if (!options.client_secret_file.empty()) return unexpected(std::string("`--client-secret-file` is for a client that is registered: give `--client-id` and `--client-issuer`, too"));
    return settings;
  }
  if (!uri::is_issuer(options.client_issuer)) return unexpected("`" + options.client_issuer + "` is no issuer: give an https URL without query and fragment");
  client::PreRegistered registered{options.client_id, Secret(), std::nullopt};
  if (!options.client_secret_file.empty()) {
    auto secret = TRY(read_private_file(options.client_secret_file));
    if (!secret) return unexpected("there is no file `" + options.client_secret_file + "`");
    while (secret->ends_with('\n') || secret->ends_with('\r')) secret->pop_back();
    if (secret->empty()) return unexpected("`" + options.client_secret_file + "` is empty");
    registered.secret = Secret(std::move(*secret));
  }
  settings.by_issuer.emplace(options.client_issuer, std::move(registered));
  return settings;
}

}  // namespace writ::cli
