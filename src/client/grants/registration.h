#pragma once

// How this client is known at an authorization server (MCPA-60…73): entered there by an operator, by the URL of its client ID metadata
// document, or registered on the spot (RFC 7591). Credentials are bound to the issuer that they are of (MCPA-61).

#include <map>
#include <optional>
#include <string>

#include "client/credentials.h"
#include "client/failure.h"
#include "client/metadata.h"

namespace writ::client {

// What an operator entered: a secret, or a key, or neither (a public client).
struct PreRegistered {
  std::string client_id;
  Secret secret;
  std::optional<jose::SigningKey> key;
};

struct RegistrationSettings {
  // By issuer. With one entry this client is registered by hand: at an issuer that has none nothing else is tried (MCPA-62).
  std::map<std::string, PreRegistered> by_issuer;
  std::string client_id_metadata_url;        // MCPA-70; empty: none is published
  std::string client_name = "Writ";          // shown to the person by servers that we register at
  bool may_register = true;                  // RFC 7591 where the server offers it
};

struct Registration {
  enum class Kind { pre_registered, metadata_document, dynamic };
  Kind kind{};
  std::string issuer, redirect_uri;
  ClientCredentials credentials;
  std::optional<Instant> expires;            // of the secret
};

// ---- pure judgements

// The way of authenticating that the server takes, of those that `registered` can: its key, its secret by Basic or in the body, none.
Result<ClientCredentials, Failure> credentials_at(const AuthorizationServer& server, const PreRegistered& registered);
// MCPA-60, in this order; the failure says what an operator could do.
Result<Registration::Kind, Failure> choose_registration(const AuthorizationServer& server, const RegistrationSettings& settings);
// MCPA-70: https, with a path, without dot segments, fragment, query or user information.
bool is_client_id_metadata_url(std::string_view url);
// RFC 7591 §2 as a native program with a loopback redirect needs it (MCPA-63, MCPA-124).
json::Value registration_request(const AuthorizationServer& server, const std::string& client_name, const std::string& redirect_uri);
// RFC 7591 §3.2.1: a registration that is not what was asked for is not used.
Result<Registration, Failure> read_registration(const http::OutgoingResponse& answer, const AuthorizationServer& server, const std::string& redirect_uri);

// ---- asking

Task<Result<Registration, Failure>> register_client(http::Outgoing& outgoing, AuthorizationServer server, RegistrationSettings settings, std::string redirect_uri);

}  // namespace writ::client
