#include "client/metadata.h"

#include <algorithm>

#include "encoding/uri.h"
#include "oauth/identifiers.h"

namespace writ::client {
namespace {

Unexpected<Failure> bad_metadata(std::string message) { return unexpected(Failure{FailureKind::bad_metadata, std::move(message), {}, {}, {}, {}}); }

std::vector<std::string> strings(const json::Value& document, std::string_view name) {
  std::vector<std::string> result;
  const json::Value* member = document.find(name);
  if (member == nullptr || member->as_array() == nullptr) return result;
  for (const auto& element : *member->as_array()) {
    if (const auto* text = element.as_string()) result.push_back(*text);
  }
  return result;
}

std::string string_or_empty(const json::Value& document, std::string_view name) {
  const auto* text = document.find_string(name);
  return text ? *text : std::string();
}

// Of a longer list the rest is not looked at: each entry costs requests to servers that a stranger chose.
constexpr std::size_t kAuthorizationServersMax = 8;

bool says_there_is_none(int status) { return status == 404 || status == 410; }

// One document of several places: how the search goes on after each.
Task<Result<http::OutgoingResponse, Failure>> fetch_document(http::Outgoing& outgoing, std::string url) {
  http::OutgoingRequest request;
  request.url = url;
  request.headers.add("Accept", "application/json");
  auto answer = co_await outgoing.fetch(std::move(request));
  if (!answer) co_return unexpected(Failure{FailureKind::unreachable, "cannot read " + url + ": " + answer.error().detail, {}, {}, {}, {}});
  co_return std::move(*answer);
}

Failure no_document(const std::string& whose, const std::string& what, const std::string& url, int status) {
  const FailureKind kind = status >= 500 ? FailureKind::unreachable : FailureKind::bad_metadata;
  return Failure{kind, whose + " publishes no " + what + ": " + url + " answered " + std::to_string(status), {}, {}, {}, {}};
}

std::string without_query(std::string_view url) { return std::string(url.substr(0, url.find('?'))); }

}  // namespace

bool AuthorizationServer::supports_id_jag() const {
  return std::find(grant_profiles.begin(), grant_profiles.end(), oauth::kGrantProfileIdJag) != grant_profiles.end();
}

bool AuthorizationServer::has_jwt_bearer_grant() const {
  return std::find(grant_types.begin(), grant_types.end(), oauth::kGrantJwtBearer) != grant_types.end();
}

bool AuthorizationServer::understands_dpop() const { return std::find(dpop_algorithms.begin(), dpop_algorithms.end(), "ES256") != dpop_algorithms.end(); }

bool may_lead_to(std::string_view from, std::string_view url) {
  const auto source = uri::parse(from);
  const auto target = uri::parse(url);
  if (!source || !target || !uri::is_secure_or_loopback(*target) || target->has_userinfo || target->fragment) return false;
  return source->is_loopback() || !target->is_loopback();
}

bool resource_covers(std::string_view resource, std::string_view called_url) {
  if (resource == called_url) return true;
  const auto identifier = uri::parse(resource);
  const auto called = uri::parse(called_url);
  if (!identifier || !called || identifier->query || identifier->fragment) return false;
  if (identifier->scheme != called->scheme || identifier->host != called->host || identifier->effective_port() != called->effective_port()) {
    return false;
  }
  std::string_view prefix = identifier->path;
  if (prefix.empty() || prefix == "/") return true;
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  const std::string_view path = called->path;
  return path == prefix || (path.starts_with(prefix) && path[prefix.size()] == '/');
}

Result<ProtectedResource, Failure> read_protected_resource(std::string_view body, std::string_view called_url) {
  const auto parsed = json::parse(body);
  if (!parsed || !parsed->is_object()) return bad_metadata("the protected resource metadata of " + std::string(called_url) + " is no JSON object");
  ProtectedResource result;
  result.resource = string_or_empty(*parsed, "resource");
  if (!uri::is_resource(result.resource) || !resource_covers(result.resource, called_url)) {
    return bad_metadata("the protected resource metadata of " + std::string(called_url) + " is for another resource: it was not used");
  }
  result.authorization_servers = strings(*parsed, "authorization_servers");
  result.scopes_supported = strings(*parsed, "scopes_supported");
  if (const auto* required = parsed->find_bool("dpop_bound_access_tokens_required")) result.dpop_required = *required;
  std::erase_if(result.authorization_servers, [&](const std::string& issuer) { return !uri::is_issuer(issuer) || !may_lead_to(called_url, issuer); });
  if (result.authorization_servers.size() > kAuthorizationServersMax) result.authorization_servers.resize(kAuthorizationServersMax);
  if (result.authorization_servers.empty()) {
    return bad_metadata("the protected resource metadata of " + std::string(called_url) + " names no usable authorization server");
  }
  return result;
}

Result<AuthorizationServer, Failure> read_authorization_server(std::string_view body, std::string_view issuer) {
  const auto parsed = json::parse(body);
  const std::string of = "the metadata of the authorization server " + std::string(issuer);
  if (!parsed || !parsed->is_object()) return bad_metadata(of + " is no JSON object");
  AuthorizationServer result;
  result.issuer = string_or_empty(*parsed, "issuer");
  // RFC 8414 §3.3: byte for byte, or whoever serves this document could take another server's tokens.
  if (result.issuer != issuer) return bad_metadata(of + " names another issuer: it was not used");
  const auto endpoint = [&](std::string_view name) {
    std::string url = string_or_empty(*parsed, name);
    return may_lead_to(issuer, url) ? url : std::string();
  };
  result.token_endpoint = endpoint("token_endpoint");
  result.authorization_endpoint = endpoint("authorization_endpoint");
  result.jwks_uri = endpoint("jwks_uri");
  result.userinfo_endpoint = endpoint("userinfo_endpoint");
  result.revocation_endpoint = endpoint("revocation_endpoint");
  result.end_session_endpoint = endpoint("end_session_endpoint");
  result.registration_endpoint = endpoint("registration_endpoint");
  result.device_authorization_endpoint = endpoint("device_authorization_endpoint");
  if (result.token_endpoint.empty()) return bad_metadata(of + " has no token_endpoint over https");
  result.grant_types = strings(*parsed, "grant_types_supported");
  result.grant_profiles = strings(*parsed, "authorization_grant_profiles_supported");
  result.dpop_algorithms = strings(*parsed, "dpop_signing_alg_values_supported");
  result.code_challenge_methods = strings(*parsed, "code_challenge_methods_supported");
  result.token_endpoint_auth_methods = strings(*parsed, "token_endpoint_auth_methods_supported");
  result.scopes_supported = strings(*parsed, "scopes_supported");
  const auto is_true = [&](std::string_view name) {
    const auto* flag = parsed->find_bool(name);
    return flag && *flag;
  };
  result.sends_iss = is_true("authorization_response_iss_parameter_supported");
  result.reads_client_metadata = is_true("client_id_metadata_document_supported");
  return result;
}

std::vector<std::string> protected_resource_urls(std::string_view called_url, const Challenge& challenge) {
  if (const std::string named = challenge.parameter("resource_metadata"); !named.empty()) return {named};
  std::vector<std::string> urls;
  const auto called = uri::parse(called_url);
  if (!called) return urls;
  if (auto inserted = uri::well_known(without_query(called_url), "oauth-protected-resource")) urls.push_back(*inserted);
  const std::string root = called->origin() + "/.well-known/oauth-protected-resource";
  if (urls.empty() || urls.front() != root) urls.push_back(root);
  return urls;
}

std::vector<std::string> authorization_server_urls(std::string_view issuer) {
  std::vector<std::string> urls;
  const auto parsed = uri::parse(issuer);
  if (!parsed) return urls;
  std::string path = parsed->path;
  if (path.ends_with('/')) path.pop_back();
  const std::string origin = parsed->origin();
  urls.push_back(origin + "/.well-known/oauth-authorization-server" + path);
  urls.push_back(origin + "/.well-known/openid-configuration" + path);
  if (!path.empty()) urls.push_back(origin + path + "/.well-known/openid-configuration");
  return urls;
}

Task<Result<std::optional<ProtectedResource>, Failure>> find_protected_resource(http::Outgoing& outgoing, std::string called_url, Challenge challenge) {
  const std::string named = challenge.parameter("resource_metadata");
  if (!named.empty() && !may_lead_to(called_url, named)) {
    co_return bad_metadata(called_url + " says that its metadata is at `" + printable(named) + "`, which is no https URL that it may send anybody to: it was not read");
  }
  std::optional<Failure> last;
  for (const std::string& url : protected_resource_urls(called_url, challenge)) {
    const auto answer = co_await fetch_document(outgoing, url);
    if (!answer) {
      last = answer.error();
      continue;
    }
    if (answer->status != 200) {
      if (!says_there_is_none(answer->status) || !named.empty()) last = no_document(called_url, "protected resource metadata", url, answer->status);
      continue;
    }
    auto document = read_protected_resource(answer->body, called_url);
    // A document that was found and is wrong ends the search: the next place could only be chosen by the same server.
    if (!document) co_return unexpected(document.error());
    co_return std::optional<ProtectedResource>(std::move(*document));
  }
  if (last) co_return unexpected(std::move(*last));
  co_return std::optional<ProtectedResource>();
}

Task<Result<std::optional<AuthorizationServer>, Failure>> find_authorization_server(http::Outgoing& outgoing, std::string issuer) {
  std::optional<Failure> last;
  for (const std::string& url : authorization_server_urls(issuer)) {
    const auto answer = co_await fetch_document(outgoing, url);
    if (!answer) {
      last = answer.error();
      continue;
    }
    if (answer->status != 200) {
      if (!says_there_is_none(answer->status)) last = no_document("the authorization server " + issuer, "metadata", url, answer->status);
      continue;
    }
    auto document = read_authorization_server(answer->body, issuer);
    if (!document) co_return unexpected(document.error());
    co_return std::optional<AuthorizationServer>(std::move(*document));
  }
  if (last) co_return unexpected(std::move(*last));
  co_return std::optional<AuthorizationServer>();
}

Task<Result<ProtectedResource, Failure>> discover_protected_resource(http::Outgoing& outgoing, std::string called_url, Challenge challenge) {
  auto found = co_await find_protected_resource(outgoing, called_url, challenge);
  if (!found) co_return unexpected(found.error());
  if (!*found) co_return bad_metadata(called_url + " publishes no protected resource metadata");
  co_return std::move(**found);
}

Task<Result<AuthorizationServer, Failure>> discover_authorization_server(http::Outgoing& outgoing, std::string issuer) {
  auto found = co_await find_authorization_server(outgoing, issuer);
  if (!found) co_return unexpected(found.error());
  if (!*found) co_return bad_metadata("the authorization server " + issuer + " publishes no metadata");
  co_return std::move(**found);
}

}  // namespace writ::client
