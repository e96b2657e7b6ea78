#include "client/grants/registration.h"

#include <algorithm>

#include "client/token_request.h"
#include "encoding/uri.h"

namespace writ::client {
namespace {

constexpr const char* kBasic = "client_secret_basic";
constexpr const char* kPost = "client_secret_post";
constexpr const char* kNone = "none";
constexpr const char* kPrivateKeyJwt = "private_key_jwt";

Unexpected<Failure> failed(FailureKind kind, std::string message) { return unexpected(Failure{kind, std::move(message), {}, {}, {}, {}}); }

// RFC 8414 §2: a list that is absent means client_secret_basic.
bool takes(const AuthorizationServer& server, std::string_view method) {
  const auto& methods = server.token_endpoint_auth_methods;
  return methods.empty() ? method == kBasic : std::find(methods.begin(), methods.end(), method) != methods.end();
}

std::string text_of(const json::Value& body, std::string_view name) {
  const auto* text = body.find_string(name);
  return text ? *text : std::string();
}

// RFC 6749 App. A.1: what a client_id is made of.
bool is_client_id(std::string_view text) {
  return !text.empty() && text.size() <= 2'000 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// MCPA-73: with the document as identity, the client is public or proves its key; a secret is impossible (MCPA-72).
bool takes_metadata_document(const AuthorizationServer& server, const RegistrationSettings& settings) {
  if (settings.client_id_metadata_url.empty() || !server.reads_client_metadata) return false;
  return server.token_endpoint_auth_methods.empty() || takes(server, kNone);
}

}  // namespace

Result<ClientCredentials, Failure> credentials_at(const AuthorizationServer& server, const PreRegistered& registered) {
  ClientCredentials credentials{registered.client_id, NoAuthentication{}};
  const bool says_which = !server.token_endpoint_auth_methods.empty();
  if (registered.key) {
    if (says_which && !takes(server, kPrivateKeyJwt)) return failed(FailureKind::configuration, server.issuer + " does not take private_key_jwt, which `" + registered.client_id + "` is set up with");
    credentials.method = PrivateKeyJwt{*registered.key};
    return credentials;
  }
  if (registered.secret.empty()) {
    if (says_which && !takes(server, kNone)) return failed(FailureKind::configuration, server.issuer + " takes no public clients: give a secret or a key for `" + registered.client_id + "`");
    return credentials;
  }
  if (takes(server, kBasic)) {
    credentials.method = ClientSecretBasic{registered.secret};
  } else if (takes(server, kPost)) {
    credentials.method = ClientSecretPost{registered.secret};
  } else {
    return failed(FailureKind::configuration, server.issuer + " takes neither client_secret_basic nor client_secret_post: a secret is of no use there");
  }
  return credentials;
}

bool is_client_id_metadata_url(std::string_view url) {
  const auto parsed = uri::parse(url);
  // is_resource: no dot segments, fragment or user information.
  return parsed && parsed->scheme == "https" && uri::is_resource(url) && !parsed->query && parsed->path.size() > 1;
}

Result<Registration::Kind, Failure> choose_registration(const AuthorizationServer& server, const RegistrationSettings& settings) {
  if (const auto found = settings.by_issuer.find(server.issuer); found != settings.by_issuer.end()) {
    TRY(credentials_at(server, found->second));
    return Registration::Kind::pre_registered;
  }
  if (!settings.by_issuer.empty()) {
    return failed(FailureKind::configuration, "this client is registered at " + settings.by_issuer.begin()->first + " and not at " + server.issuer + ", which the server names: an administrator must register it there");
  }
  if (takes_metadata_document(server, settings)) {
    if (!is_client_id_metadata_url(settings.client_id_metadata_url)) return failed(FailureKind::configuration, "`" + settings.client_id_metadata_url + "` can be no client ID metadata document: give an https URL with a path");
    return Registration::Kind::metadata_document;
  }
  if (settings.may_register && !server.registration_endpoint.empty()) return Registration::Kind::dynamic;
  return failed(FailureKind::configuration, "this client is not registered at " + server.issuer + ", which lets nobody register by itself: an administrator must register it there");
}

json::Value registration_request(const AuthorizationServer& server, const std::string& client_name, const std::string& redirect_uri) {
  // A program on a laptop keeps no secret (RFC 8252 §8.5), so it asks for none where it may.
  const char* method = takes(server, kNone) ? kNone : takes(server, kBasic) ? kBasic : kPost;
  return json::Value{{"client_name", client_name},
                     {"redirect_uris", json::Array{redirect_uri}},
                     {"grant_types", json::Array{"authorization_code", "refresh_token"}},
                     {"response_types", json::Array{"code"}},
                     {"token_endpoint_auth_method", method},
                     {"application_type", "native"}};
}

Result<Registration, Failure> read_registration(const http::OutgoingResponse& answer, const AuthorizationServer& server, const std::string& redirect_uri) {
  if (answer.status != 201 && answer.status != 200) {
    Failure refusal = read_refusal(answer, server.issuer);
    if (refusal.kind != FailureKind::unreachable) refusal.kind = FailureKind::configuration;
    refusal.message = "this client could not be registered: " + refusal.message;
    return unexpected(std::move(refusal));
  }
  const auto body = json::parse(answer.body);
  if (!body || !body->is_object()) return failed(FailureKind::protocol, "the registration at " + server.issuer + " was answered with something that is no JSON object");
  const std::string client_id = text_of(*body, "client_id");
  if (!is_client_id(client_id)) return failed(FailureKind::protocol, "the registration at " + server.issuer + " gave no usable client_id");
  if (const auto* uris = body->find("redirect_uris")) {
    const auto registered = json::to_strings(*uris);
    // The code would be sent to another place than this one.
    const bool is_ours = registered && (registered->empty() || (registered->size() == 1 && registered->front() == redirect_uri));
    if (!is_ours) return failed(FailureKind::protocol, server.issuer + " registered other redirect URIs than were asked for: the registration is not used");
  }
  Registration registration;
  registration.kind = Registration::Kind::dynamic;
  registration.issuer = server.issuer;
  registration.redirect_uri = redirect_uri;
  registration.credentials.client_id = client_id;
  const std::string secret = text_of(*body, "client_secret");
  const std::string method = text_of(*body, "token_endpoint_auth_method");
  // The registration's own word on the method, else what the server's metadata takes.
  AuthorizationServer narrowed = server;
  if (!method.empty()) narrowed.token_endpoint_auth_methods = {method};
  const bool has_use_for_secret = takes(narrowed, kBasic) || takes(narrowed, kPost);
  PreRegistered registered{client_id, has_use_for_secret ? Secret(secret) : Secret(), std::nullopt};
  if (has_use_for_secret && secret.empty() && !takes(narrowed, kNone)) {
    return failed(FailureKind::protocol, server.issuer + " registered this client for a secret and gave none");
  }
  registration.credentials = TRY(credentials_at(narrowed, registered));
  if (const auto* expires = body->find_int("client_secret_expires_at"); expires && *expires > 0) registration.expires = from_unix_seconds(*expires);
  return registration;
}

Task<Result<Registration, Failure>> register_client(http::Outgoing& outgoing, AuthorizationServer server, RegistrationSettings settings, std::string redirect_uri) {
  const auto kind = choose_registration(server, settings);
  if (!kind) co_return unexpected(kind.error());
  Registration registration;
  registration.kind = *kind;
  registration.issuer = server.issuer;
  registration.redirect_uri = redirect_uri;
  if (*kind == Registration::Kind::pre_registered) {
    auto credentials = credentials_at(server, settings.by_issuer.at(server.issuer));
    if (!credentials) co_return unexpected(credentials.error());
    registration.credentials = std::move(*credentials);
    co_return registration;
  }
  if (*kind == Registration::Kind::metadata_document) {
    registration.credentials.client_id = settings.client_id_metadata_url;
    co_return registration;
  }
  http::OutgoingRequest request;
  request.method = "POST";
  request.url = server.registration_endpoint;
  request.headers.add("Content-Type", "application/json");
  request.headers.add("Accept", "application/json");
  request.body = json::write(registration_request(server, settings.client_name, redirect_uri));
  request.timeout_ms = 30'000;
  const auto answer = co_await outgoing.fetch(std::move(request));
  if (!answer) co_return unexpected(Failure{FailureKind::unreachable, "cannot reach " + server.registration_endpoint + ": " + answer.error().detail, {}, {}, {}, {}});
  co_return read_registration(*answer, server, redirect_uri);
}

}  // namespace writ::client
