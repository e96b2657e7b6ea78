#pragma once

// Path and method to handler, on one screen per role: add() in the order in which one wants to read them.

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace writ::http {

class Router {
 public:
  // `path` is exact bytes; a trailing "/*" matches any rest of one or more bytes. An exact match wins over a wildcard, a longer wildcard
  // over a shorter one.
  void add(std::string method, std::string path, Handler handler);
  // `role` names the part of the program that these belong to, in logs and metrics.
  void add_all(const Router& other, std::string_view role = {});

  // Which route answers a path, as it was added; empty: none does. Views into the router.
  struct Place {
    std::string_view role, path;
  };
  Place place_of(std::string_view path) const;

  // 404 for an unknown path, 405 with Allow for a known one; OPTIONS and HEAD get no special treatment (T10: no CORS).
  Task<Response> handle(const Request& request) const;

 private:
  struct Route {
    std::string method, path;
    bool wildcard;
    Handler handler;
    std::string role{}, written{};   // the path as it was added
  };
  const Route* find(std::string_view path) const;
  std::vector<Route> routes_;
};

}  // namespace writ::http
