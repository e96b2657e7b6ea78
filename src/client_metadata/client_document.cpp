#include "client_metadata/client_document.h"

#include <algorithm>

#include "encoding/json.h"
#include "encoding/uri.h"
#include "jose/jwk.h"
#include "registry/redirect_uri.h"

namespace writ::client_metadata {
namespace {

using registry::ClientAuthentication;
constexpr json::Limits kLimits{.bytes_max = kDocumentBytesMax, .depth_max = 8, .members_max = 300};
constexpr std::size_t kRedirectUrisMax = 20;

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(std::min(path.find('/'), path.size()));
  }
  return false;
}

Result<std::vector<std::string>, DocumentProblem> read_redirect_uris(const json::Value& document) {
  const auto* listed = document.find_array("redirect_uris");
  if (!listed || listed->empty() || listed->size() > kRedirectUrisMax) return unexpected(DocumentProblem::no_redirect_uris);
  std::vector<std::string> uris;
  for (const auto& one : *listed) {
    const auto* uri = one.as_string();
    if (!uri || !registry::is_redirect_uri(*uri)) return unexpected(DocumentProblem::redirect_uri);
    uris.push_back(*uri);
  }
  return uris;
}

Result<ClientAuthentication, DocumentProblem> read_method(const json::Value& document) {
  const auto* member = document.find("token_endpoint_auth_method");
  // RFC 7591's default is a method with a secret, which no document can have: what says nothing says none.
  if (!member) return document.find("jwks") || document.find("jwks_uri") ? ClientAuthentication::private_key_jwt : ClientAuthentication::none;
  const auto* method = member->as_string();
  if (method && *method == "none") return ClientAuthentication::none;
  if (method && *method == "private_key_jwt") return ClientAuthentication::private_key_jwt;
  return unexpected(DocumentProblem::authentication_method);
}

Result<void, DocumentProblem> read_keys(const json::Value& document, ClientDocument& client) {
  const auto *jwks = document.find("jwks"), *jwks_uri = document.find("jwks_uri");
  if (client.authentication == ClientAuthentication::none) return {};
  if (!jwks == !jwks_uri) return unexpected(DocumentProblem::keys);
  if (jwks_uri) {
    const auto* text = jwks_uri->as_string();
    const auto uri = text ? uri::parse(*text) : std::nullopt;
    if (!uri || uri->scheme != "https" || uri->has_userinfo || uri->fragment) return unexpected(DocumentProblem::keys);
    client.jwks_uri = *text;
    return {};
  }
  const auto* keys = jwks->find_array("keys");
  if (!keys) return unexpected(DocumentProblem::keys);
  for (const auto& key : *keys) {
    if (key.find("d") || key.find("k")) return unexpected(DocumentProblem::keys);
  }
  client.jwks = json::write(*jwks);
  const auto parsed = jose::KeySet::parse(client.jwks);
  if (!parsed || parsed->empty()) return unexpected(DocumentProblem::keys);
  return {};
}

}  // namespace

std::string_view to_string(DocumentProblem problem) {
  switch (problem) {
    case DocumentProblem::not_an_address: return "client_document_address";
    case DocumentProblem::unreachable: return "client_document_unreachable";
    case DocumentProblem::status: return "client_document_status";
    case DocumentProblem::not_json: return "client_document_not_json";
    case DocumentProblem::client_id_mismatch: return "client_document_of_another";
    case DocumentProblem::no_client_name: return "client_document_without_name";
    case DocumentProblem::no_redirect_uris: return "client_document_without_redirect_uris";
    case DocumentProblem::redirect_uri: return "client_document_redirect_uri";
    case DocumentProblem::secret: return "client_document_secret";
    case DocumentProblem::authentication_method: return "client_document_method";
    case DocumentProblem::keys: return "client_document_keys";
    case DocumentProblem::weaker_than_registered: return "client_document_weaker_than_registered";
  }
  return "client_document_not_json";
}

bool is_client_id_url(std::string_view text, bool loopback_allowed) {
  if (text.size() > 256) return false;
  const auto url = uri::parse(text);
  if (!url || url->has_userinfo || url->fragment || url->path.size() < 2 || has_dot_segment(url->path)) return false;
  if (url->scheme == "https") return loopback_allowed || !url->is_loopback();
  return loopback_allowed && uri::is_secure_or_loopback(*url);
}

Result<ClientDocument, DocumentProblem> parse_client_document(std::string_view body, std::string_view url) {
  const auto document = json::parse(body, kLimits);
  if (!document || !document->is_object()) return unexpected(DocumentProblem::not_json);
  ClientDocument client;
  const auto* client_id = document->find_string("client_id");
  if (!client_id || *client_id != url) return unexpected(DocumentProblem::client_id_mismatch);   // simple string comparison (MCPA-71)
  client.client_id = *client_id;
  if (document->find("client_secret") || document->find("client_secret_expires_at")) return unexpected(DocumentProblem::secret);   // MCPA-72
  const auto* name = document->find_string("client_name");
  if (!name || name->empty() || name->size() > 200) return unexpected(DocumentProblem::no_client_name);
  client.client_name = *name;
  client.redirect_uris = TRY(read_redirect_uris(*document));
  client.authentication = TRY(read_method(*document));
  TRY(read_keys(*document, client));
  return client;
}

Result<registry::Registration, DocumentProblem> described(const registry::Registration& registered, const ClientDocument& document) {
  if (registered.authentication == ClientAuthentication::private_key_jwt && document.authentication == ClientAuthentication::none) {
    return unexpected(DocumentProblem::weaker_than_registered);
  }
  registry::Registration whole = registered;
  whole.authentication = document.authentication;
  whole.redirect_uris = document.redirect_uris;
  whole.jwks = document.jwks;
  whole.jwks_uri = document.jwks_uri;
  return whole;
}

}  // namespace writ::client_metadata
