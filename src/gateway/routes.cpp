#include "gateway/routes.h"

#include "gateway/protected_resource_metadata.h"

namespace writ::gateway {
namespace {

Task<http::Response> ready(http::Response response) { co_return response; }

}  // namespace

http::Router routes(Gateway& gateway, const Settings& settings) {
  const std::string root = path_of(settings.base), base = root + "/";
  const std::string well_known = "/.well-known/oauth-protected-resource" + base;
  const http::Handler endpoint = [&gateway, prefix = base.size()](const http::Request& request) {
    return gateway.handle(request, request.path.substr(prefix));
  };
  // The combined server whose resource is the base.
  const http::Handler root_endpoint = [&gateway](const http::Request& request) { return gateway.handle(request, ""); };
  const http::Handler root_metadata = [&gateway](const http::Request&) { return ready(gateway.metadata("")); };
  const http::Handler metadata = [&gateway, prefix = well_known.size()](const http::Request& request) {
    return ready(gateway.metadata(request.path.substr(prefix)));
  };
  http::Router router;
  router.add("GET", well_known + "*", metadata);
  if (!root.empty()) {
    router.add("GET", "/.well-known/oauth-protected-resource" + root, root_metadata);
    for (const char* method : {"POST", "GET", "DELETE"}) router.add(method, root, root_endpoint);
  }
  router.add("POST", base + "*", endpoint);
  router.add("GET", base + "*", endpoint);
  router.add("DELETE", base + "*", endpoint);
  return router;
}

}  // namespace writ::gateway
