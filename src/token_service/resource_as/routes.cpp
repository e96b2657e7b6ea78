#include "encoding/uri.h"
#include "token_service/resource_as/resource_authorization_server.h"

namespace writ::token_service::resource_as {
namespace {

constexpr std::string_view kNobodySignsIn =
    "Nobody signs in here.\n\n"
    "This authorization server gives access tokens only in exchange for an Identity Assertion JWT Authorization Grant (ID-JAG)\n"
    "from an identity provider of your organisation. If your agent opened this page, it does not support enterprise-managed\n"
    "authorization (io.modelcontextprotocol/enterprise-managed-authorization), or it does not know your identity provider.\n";

std::string path_of(const std::optional<std::string>& url) {
  const auto uri = url ? uri::parse(*url) : std::nullopt;
  assert(uri.has_value());   // made from an issuer, which is a URI
  return uri->path;
}

// What is the same for everyone and changes seldom: keys must be seen within five minutes of a rotation (rules §2).
http::Response cacheable(std::string document) {
  http::Response response = http::json(200, std::move(document));
  response.headers.set("Cache-Control", "public, max-age=300");
  return response;
}

Task<http::Response> metadata_document(const ResourceAuthorizationServer& server) { co_return cacheable(server.metadata_text(server.is_interactive())); }
Task<http::Response> key_set(const ResourceAuthorizationServer& server) { co_return cacheable(server.key_set_text()); }
Task<http::Response> explanation() { co_return http::no_store(http::text(400, std::string(kNobodySignsIn))); }

Task<http::Response> at_authorize(const ResourceAuthorizationServer& server, const http::Request& request) {
  return server.is_interactive() ? authorize(*server.interactive(), request) : explanation();
}
Task<http::Response> at_par(const ResourceAuthorizationServer& server, const http::Request& request) {
  return server.is_interactive() ? answer_pushed(*server.par(), request) : explanation();
}
Task<http::Response> at_callback(const ResourceAuthorizationServer& server, const http::Request& request) {
  return server.is_interactive() ? sign_in_callback(*server.interactive(), request) : explanation();
}

}  // namespace

void add_routes(http::Router& router, const ResourceAuthorizationServer& server) {
  const Settings& settings = server.settings();
  const auto at = [&](std::string_view name) { return path_of(endpoint_url(settings, name)); };

  // GET too, so that it is refused in words and on record (T1).
  for (const char* method : {"POST", "GET"}) {
    router.add(method, at("token"), [&server](const http::Request& request) { return server.token().handle(request); });
    router.add(method, at("introspect"), [&server](const http::Request& request) { return server.introspect().handle(request); });
    router.add(method, at("revoke"), [&server](const http::Request& request) { return server.revoke().handle(request); });
  }
  router.add("GET", at("jwks"), [&server](const http::Request&) { return key_set(server); });
  router.add("GET", at("authorize"), [&server](const http::Request& request) { return at_authorize(server, request); });
  router.add("POST", at("par"), [&server](const http::Request& request) { return at_par(server, request); });
  router.add("GET", at("callback"), [&server](const http::Request& request) { return at_callback(server, request); });

  // Both spellings: with the name between host and path (RFC 8414 §3.1), and behind the path, where older clients look.
  const std::string inserted = path_of(uri::well_known(settings.issuer, "oauth-authorization-server"));
  const std::string appended = path_of(uri::well_known_appended(settings.issuer, "oauth-authorization-server"));
  router.add("GET", inserted, [&server](const http::Request&) { return metadata_document(server); });
  if (appended != inserted) router.add("GET", appended, [&server](const http::Request&) { return metadata_document(server); });
}

}  // namespace writ::token_service::resource_as
