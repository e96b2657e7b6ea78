#include "token_service/idp/routes.h"

#include <algorithm>

#include "encoding/uri.h"
#include "jose/jwk.h"
#include "registry/details_types.h"
#include "token_service/idp/approvals.h"
#include "token_service/idp/authorization_code_grant.h"
#include "token_service/idp/authorize.h"
#include "token_service/idp/client_request.h"
#include "token_service/idp/device_grant/device_authorization.h"
#include "token_service/idp/device_grant/device_page.h"
#include "token_service/idp/federation/authentication_request.h"
#include "token_service/idp/federation/callback.h"
#include "token_service/idp/federation/upstream_logout.h"
#include "token_service/idp/logout.h"
#include "token_service/idp/metadata.h"
#include "token_service/idp/pages.h"
#include "token_service/idp/refresh_grant.h"
#include "token_service/idp/second_factor_sign_in.h"
#include "token_service/idp/token_exchange_grant.h"
#include "token_service/idp/token_operations.h"
#include "token_service/idp/userinfo.h"
#include "token_service/pushed_authorization.h"

namespace writ::token_service::idp {
namespace {

Task<http::Response> no_such_page(const Idp& idp) {
  co_return message_page(404, idp.settings.organisation, "There is nothing here", "Go back to the application and start again.");
}

// {issuer}/federation/...: the way to upstream providers and back. The id of a connector has no slash in it.
Task<http::Response> at_federation(const Idp& idp, const http::Request& request) {
  const auto begin = idp.settings.endpoint("federation").size() - (uri::parse(idp.settings.issuer)->origin()).size() + 1;
  const std::string rest = request.path.substr(std::min(begin, request.path.size()));
  const auto slash = rest.find('/');
  const std::string connector = rest.substr(0, slash), leaf = slash == std::string::npos ? std::string() : rest.substr(slash + 1);
  if (idp.federation && request.method == "GET" && leaf == "callback") return federation_callback(idp, request, connector);
  if (idp.federation && request.method == "GET" && leaf == "signed-out") return signed_out_upstream(idp, request, connector);
  if (idp.federation && request.method == "POST" && leaf == "backchannel-logout") return backchannel_logout(idp, request, connector);
  if (idp.federation && request.method == "GET" && rest == "start") return start_federated_sign_in(idp, request);
  return no_such_page(idp);
}

// The grants and operations, and the endpoints that they are plugged into. Shared by the handlers, so it lives as long as they do.
struct Endpoints {
  explicit Endpoints(const Idp& idp) : code(idp), refresh(idp), exchange(idp), revocation(idp), introspection(idp), device_page{idp, *idp.devices}, device_authorization(idp, *idp.devices), device(*idp.devices, code),
        pushed(*idp.pushed, [&idp](const form::Parameters& parameters, const registry::Snapshot& snapshot, Instant now) { return check_pushed_request(idp, parameters, snapshot, now); }),
        parts(idp.endpoints) {}
  AuthorizationCodeGrant code;
  RefreshGrant refresh;
  TokenExchangeGrant exchange;
  RevocationOperation revocation;
  IntrospectionOperation introspection;
  DevicePage device_page;
  DeviceAuthorization device_authorization;
  DeviceCodeGrant device;
  PushedAuthorization pushed;
  EndpointParts parts;
  TokenEndpoint token{parts, {&code, &refresh, &exchange, &device}};
  TokenEndpoint revoke = TokenEndpoint::for_operation(parts, revocation);
  TokenEndpoint introspect = TokenEndpoint::for_operation(parts, introspection);
  TokenEndpoint par = TokenEndpoint::for_operation(parts, pushed);
  TokenEndpoint begin_device = TokenEndpoint::for_operation(parts, device_authorization);
};

// Others keep it for five minutes at most, so that a withdrawn key is gone by then.
http::Response published(std::string body) {
  auto response = http::json(200, std::move(body));
  response.headers.set("Cache-Control", "public, max-age=300");
  return response;
}

Task<http::Response> show_metadata(const Idp& idp) { 
  const auto snapshot = idp.registry.get();
  json::Value document = metadata(idp.settings, snapshot->authentication_levels());
  if (const auto types = registry::details_types(*snapshot); !types.empty()) document.set(registry::kDetailsTypesSupported, json::from_strings(types));
  co_return published(json::write(document));
}

Task<http::Response> show_keys(const Idp& idp) {
  const auto keys = idp.keys.current();
  co_return published(json::write(jose::to_json(keys->published)));
}

}  // namespace

http::Router routes(const Idp& idp) {
  const auto issuer = uri::parse(idp.settings.issuer);
  const std::string base = issuer ? issuer->path : std::string();
  const auto endpoints = std::make_shared<Endpoints>(idp);
  const auto by = [&idp](Task<http::Response> (*handle)(const Idp&, const http::Request&)) {
    return [&idp, handle](const http::Request& request) { return handle(idp, request); };
  };

  http::Router router;
  for (const char* document : {"openid-configuration", "oauth-authorization-server"}) {
    const std::string well_known = std::string("/.well-known/") + document;
    const auto show = [&idp](const http::Request&) { return show_metadata(idp); };
    router.add("GET", base + well_known, show);                       // OIDC Discovery §4: appended
    if (!base.empty()) router.add("GET", well_known + base, show);    // RFC 8414 §3.1: inserted
  }
  router.add("GET", base + "/jwks", [&idp](const http::Request&) { return show_keys(idp); });

  router.add("GET", base + "/authorize", by(authorize));
  router.add("POST", base + "/authorize", by(authorize));
  router.add("GET", base + "/sign-in", by(show_sign_in));
  router.add("POST", base + "/sign-in", by(sign_in));
  router.add("GET", base + "/federation/*", by(at_federation));
  router.add("POST", base + "/federation/*", by(at_federation));
  router.add("POST", base + "/sign-in/factor", by(second_factor));
  router.add("GET", base + "/logout", by(logout));
  router.add("POST", base + "/logout", by(logout));

  router.add("POST", base + "/token", [endpoints](const http::Request& request) { return endpoints->token.handle(request); });
  router.add("POST", base + "/revoke", [endpoints](const http::Request& request) { return endpoints->revoke.handle(request); });
  router.add("POST", base + "/introspect", [endpoints](const http::Request& request) { return endpoints->introspect.handle(request); });

  router.add("POST", base + "/par", [endpoints](const http::Request& request) { return answer_pushed(endpoints->par, request); });
  router.add("POST", base + "/device_authorization", [endpoints](const http::Request& request) { return endpoints->begin_device.handle(request); });
  router.add("GET", "/device", [endpoints](const http::Request& request) { return show_device_page(endpoints->device_page, request); });
  router.add("POST", "/device", [endpoints](const http::Request& request) { return answer_device_page(endpoints->device_page, request); });

  router.add("GET", base + "/userinfo", by(userinfo));
  router.add("POST", base + "/userinfo", by(userinfo));
  router.add("GET", base + "/catalog", by(catalog));
  router.add("GET", base + "/approvals", by(list_approvals));
  router.add("GET", base + "/approvals/*", by(show_approval));
  router.add("POST", base + "/approvals/*", by(decide_approval));
  return router;
}

}  // namespace writ::token_service::idp
