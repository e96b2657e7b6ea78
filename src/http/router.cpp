#include "http/router.h"

#include <algorithm>

namespace writ::http {
namespace {

bool path_matches(std::string_view route, bool wildcard, std::string_view path) {
  if (!wildcard) return route == path;
  // `route` keeps its last slash: "/a/*" is stored as "/a/" and needs at least one more byte.
  return path.size() > route.size() && path.substr(0, route.size()) == route;
}

Task<Response> answer(Response response) { co_return response; }

}  // namespace

void Router::add(std::string method, std::string path, Handler handler) {
  const bool wildcard = path.size() >= 2 && path.ends_with("/*");
  std::string written = path;
  if (wildcard) path.pop_back();
  routes_.push_back({std::move(method), std::move(path), wildcard, std::move(handler), "", std::move(written)});
}

void Router::add_all(const Router& other, std::string_view role) {
  for (const Route& route : other.routes_) {
    routes_.push_back(route);
    if (!role.empty()) routes_.back().role = role;
  }
}

const Router::Route* Router::find(std::string_view path) const {
  const Route* best = nullptr;
  for (const Route& route : routes_) {
    if (!path_matches(route.path, route.wildcard, path)) continue;
    const bool better = !best || (best->wildcard && (!route.wildcard || route.path.size() > best->path.size()));
    if (better) best = &route;
  }
  return best;
}

Router::Place Router::place_of(std::string_view path) const {
  const Route* route = find(path);
  return route ? Place{route->role, route->written} : Place{};
}

Task<Response> Router::handle(const Request& request) const {
  // The most specific path decides first, the method second: a path that is known answers 405 and never falls through to a wider
  // wildcard, so that one role cannot be reached under another role's path by way of an unusual method.
  const Route* best = find(request.path);
  if (!best) return answer(text(404, "not found\n"));
  const std::string_view path = best->path;
  const bool wildcard = best->wildcard;
  std::string allowed;
  for (const Route& route : routes_) {
    if (route.path != path || route.wildcard != wildcard) continue;
    if (route.method == request.method) return route.handler(request);
    if (!allowed.empty()) allowed += ", ";
    allowed += route.method;
  }
  Response response = text(405, "method not allowed\n");
  response.headers.add("Allow", std::move(allowed));
  return answer(std::move(response));
}

}  // namespace writ::http
