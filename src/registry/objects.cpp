#include "registry/objects.h"

namespace writ::registry {

std::string_view to_string(ClientAuthentication method) {
  switch (method) {
    case ClientAuthentication::none: return "none";
    case ClientAuthentication::client_secret: return "client_secret";
    case ClientAuthentication::private_key_jwt: return "private_key_jwt";
    case ClientAuthentication::tls_client_auth: return "tls_client_auth";
    case ClientAuthentication::self_signed_tls_client_auth: return "self_signed_tls_client_auth";
  }
  return "unknown";
}

}  // namespace writ::registry
