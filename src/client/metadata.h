#pragma once

// Discovery: from a 401 of an MCP server to its protected resource metadata (RFC 9728) and the metadata of its authorization server
// (RFC 8414, OpenID Connect discovery). A document that speaks for somebody else is not used at all (MCPA-14, MCPA-52, threat B3, N6).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/challenge.h"
#include "client/failure.h"
#include "encoding/json.h"
#include "http/message.h"

namespace writ::client {

struct ProtectedResource {
  std::string resource;
  bool dpop_required = false;                           // dpop_bound_access_tokens_required: no other tokens are taken
  std::vector<std::string> authorization_servers;
  std::vector<std::string> scopes_supported;
};

struct AuthorizationServer {
  std::string issuer;
  std::string token_endpoint, authorization_endpoint, jwks_uri, userinfo_endpoint, revocation_endpoint, end_session_endpoint;
  std::string registration_endpoint, device_authorization_endpoint;
  std::vector<std::string> grant_types;
  std::vector<std::string> grant_profiles;              // authorization_grant_profiles_supported
  std::vector<std::string> dpop_algorithms;             // dpop_signing_alg_values_supported
  bool understands_dpop() const;                        // with the algorithm that this client proves with
  std::vector<std::string> code_challenge_methods, token_endpoint_auth_methods, scopes_supported;
  bool sends_iss = false;                               // authorization_response_iss_parameter_supported
  bool reads_client_metadata = false;                   // client_id_metadata_document_supported
  bool supports_id_jag() const;                         // EMA-6: by the grant profile alone
  bool has_jwt_bearer_grant() const;
};

// ---- pure judgements

// Whether a document of `from` may send this client to `url`: https, or http on loopback if `from` is on loopback, too. A server elsewhere has
// no business with what listens on this computer (MCPA-55, threat N1).
bool may_lead_to(std::string_view from, std::string_view url);

// `resource` is the URL of the call itself, or a path prefix of it on a segment boundary at the same origin (MCPA-15).
bool resource_covers(std::string_view resource, std::string_view called_url);
Result<ProtectedResource, Failure> read_protected_resource(std::string_view body, std::string_view called_url);
Result<AuthorizationServer, Failure> read_authorization_server(std::string_view body, std::string_view issuer);
// Where the documents may be, in the order in which they are tried (MCPA-13, MCPA-50, MCPA-51; never the root when there is a path).
std::vector<std::string> protected_resource_urls(std::string_view called_url, const Challenge& challenge);
std::vector<std::string> authorization_server_urls(std::string_view issuer);

// ---- fetching. Redirects are not followed, documents are bounded (http::OutgoingRequest).

Task<Result<ProtectedResource, Failure>> discover_protected_resource(http::Outgoing& outgoing, std::string called_url, Challenge challenge);
Task<Result<AuthorizationServer, Failure>> discover_authorization_server(http::Outgoing& outgoing, std::string issuer);
// The same; absent where every place that a document may be at says that there is none (404), and nothing points to another.
Task<Result<std::optional<ProtectedResource>, Failure>> find_protected_resource(http::Outgoing& outgoing, std::string called_url, Challenge challenge);
Task<Result<std::optional<AuthorizationServer>, Failure>> find_authorization_server(http::Outgoing& outgoing, std::string issuer);

}  // namespace writ::client
