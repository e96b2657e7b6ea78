#pragma once

// A client ID metadata document: what a client says of itself at the address that is its `client_id` (spec catalogue, MCPA-70 to MCPA-78). It never says what
// the client may have: that an administrator's objects and policy say. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "registry/objects.h"

namespace writ::client_metadata {

inline constexpr std::size_t kDocumentBytesMax = 5 * 1024;   // MCPA-77

struct ClientDocument {
  std::string client_id, client_name;
  std::vector<std::string> redirect_uris;
  registry::ClientAuthentication authentication = registry::ClientAuthentication::none;
  std::string jwks, jwks_uri;           // of private_key_jwt: one of the two
};

enum class DocumentProblem {
  not_an_address,        // the client_id is none that a document could stand at
  unreachable,
  status,                // anything but 200; redirects are not followed
  not_json,              // neither application/json nor another type of JSON, or malformed
  client_id_mismatch,    // it speaks of another client than the one whose address it stands at
  no_client_name,
  no_redirect_uris,
  redirect_uri,          // one that may not be registered
  secret,                // a document that everybody reads holds no secret
  authentication_method, // symmetric, or none that is offered here
  keys,                  // private_key_jwt without public keys, with both kinds, or with keys that are not public
  weaker_than_registered,   // the administrator asks for keys, and it has none
};
std::string_view to_string(DocumentProblem problem);

// An https URL with a path, without dot segments, fragment, user or password; http only on loopback, where that is allowed (tests, development).
bool is_client_id_url(std::string_view text, bool loopback_allowed = false);

Result<ClientDocument, DocumentProblem> parse_client_document(std::string_view body, std::string_view url);

// The administrator's registration with what the document says: redirect URIs and keys. The stricter of the two methods counts.
Result<registry::Registration, DocumentProblem> described(const registry::Registration& registered, const ClientDocument& document);

}  // namespace writ::client_metadata
