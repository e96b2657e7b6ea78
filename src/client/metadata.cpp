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

// An endpoint we would send credentials to: https, or http on loopback (EMA-11, B1).
bool is_usable_endpoint(const std::string& url) {
  const auto parsed = uri::parse(url);
  return parsed && uri::is_secure_or_loopback(*parsed) && !parsed->has_userinfo && !parsed->fragment;
}

std::string without_query(std::string_view url) { return std::string(url.substr(0, url.find('?'))); }

}  // namespace

bool AuthorizationServer::supports_id_jag() const {
  return std::find(grant_profiles.begin(), grant_profiles.end(), oauth::kGrantProfileIdJag) != grant_profiles.end();
}

bool AuthorizationServer::has_jwt_bearer_grant() const {
  return std::find(grant_types.begin(), grant_types.end(), oauth::kGrantJwtBearer) != grant_types.end();
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
  std::erase_if(result.authorization_servers, [](const std::string& issuer) { return !uri::is_issuer(issuer); });
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
    return is_usable_endpoint(url) ? url : std::string();
  };
  result.token_endpoint = endpoint("token_endpoint");
  result.authorization_endpoint = endpoint("authorization_endpoint");
  result.jwks_uri = endpoint("jwks_uri");
  result.userinfo_endpoint = endpoint("userinfo_endpoint");
  result.revocation_endpoint = endpoint("revocation_endpoint");
  result.end_session_endpoint = endpoint("end_session_endpoint");
  if (result.token_endpoint.empty()) return bad_metadata(of + " has no token_endpoint over https");
  result.grant_types = strings(*parsed, "grant_types_supported");
  result.grant_profiles = strings(*parsed, "authorization_grant_profiles_supported");
  result.code_challenge_methods = strings(*parsed, "code_challenge_methods_supported");
  result.token_endpoint_auth_methods = strings(*parsed, "token_endpoint_auth_methods_supported");
  result.scopes_supported = strings(*parsed, "scopes_supported");
  if (const auto* iss = parsed->find("authorization_response_iss_parameter_supported")) {
    result.sends_iss = iss->as_bool() && *iss->as_bool();
  }
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

Task<Result<ProtectedResource, Failure>> discover_protected_resource(http::Outgoing& outgoing, std::string called_url, Challenge challenge) {
  Failure last{FailureKind::bad_metadata, called_url + " publishes no protected resource metadata", {}, {}, {}, {}};
  for (const std::string& url : protected_resource_urls(called_url, challenge)) {
    http::OutgoingRequest request;
    request.url = url;
    request.headers.add("Accept", "application/json");
    const auto answer = co_await outgoing.fetch(std::move(request));
    if (!answer) {
      last = Failure{FailureKind::unreachable, "cannot read " + url + ": " + answer.error().detail, {}, {}, {}, {}};
      continue;
    }
    if (answer->status != 200) continue;
    auto document = read_protected_resource(answer->body, called_url);
    // A document that was found and is wrong ends the search: the next place could only be chosen by the same server.
    co_return document;
  }
  co_return unexpected(std::move(last));
}

Task<Result<AuthorizationServer, Failure>> discover_authorization_server(http::Outgoing& outgoing, std::string issuer) {
  Failure last{FailureKind::bad_metadata, "the authorization server " + issuer + " publishes no metadata", {}, {}, {}, {}};
  for (const std::string& url : authorization_server_urls(issuer)) {
    http::OutgoingRequest request;
    request.url = url;
    request.headers.add("Accept", "application/json");
    const auto answer = co_await outgoing.fetch(std::move(request));
    if (!answer) {
      last = Failure{FailureKind::unreachable, "cannot read " + url + ": " + answer.error().detail, {}, {}, {}, {}};
      continue;
    }
    if (answer->status != 200) continue;
    auto document = read_authorization_server(answer->body, issuer);
    co_return document;
  }
  co_return unexpected(std::move(last));
}

}  // namespace writ::client
