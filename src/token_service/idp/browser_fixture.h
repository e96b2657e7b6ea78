#pragma once

// A browser and a client in front of an IdP in memory. For tests only.

#include <map>

#include "encoding/uri.h"
#include "token_service/idp/idp_fixture.h"
#include "token_service/idp/routes.h"

namespace writ::token_service::idp {

inline std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const auto begin = text.find(from);
  if (begin == std::string::npos) return {};
  const auto end = text.find(to, begin + from.size());
  return text.substr(begin + from.size(), end - begin - from.size());
}

inline std::string unescaped(std::string text) {
  for (const auto& [entity, plain] : Pairs{{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}}) {
    for (std::size_t at; (at = text.find(entity)) != std::string::npos;) text.replace(at, entity.size(), plain);
  }
  return text;
}

// A browser: keeps cookies, fills in forms, does not follow redirects.
class Browser {
 public:
  explicit Browser(const World& world, const http::Router& router) : origin_(uri::parse(world.idp.settings.issuer)->origin()), router_(router) {}

  http::Response get(const std::string& path, const std::string& query = {}) { return send("GET", path, query, {}); }
  http::Response post(const std::string& path, const Pairs& form) { return send("POST", path, {}, form::write(form)); }
  // Sends the page's form with these values instead of, or in addition to, what it holds.
  http::Response submit(const http::Response& page, const Pairs& filled) {
    Pairs pairs;
    for (std::size_t at = 0; (at = page.body.find("<input", at)) != std::string::npos; ++at) {
      const std::string tag = page.body.substr(at, page.body.find('>', at) - at);
      pairs.emplace_back(between(tag, "name=\"", "\""), unescaped(between(tag, "value=\"", "\"")));
    }
    for (const auto& [name, value] : filled) {
      std::erase_if(pairs, [&, &field = name](const auto& pair) { return pair.first == field; });
      pairs.emplace_back(name, value);
    }
    return post(uri::parse(between(page.body, "action=\"", "\""))->path, pairs);
  }

  std::map<std::string, std::string> cookies;
  std::string peer = "192.0.2.7";
  std::optional<std::string> origin;   // absent: the page's own
  std::vector<std::string> set_cookies;   // of the last response

 private:
  http::Response send(std::string method, const std::string& path, const std::string& query, std::string body) {
    http::Request request;
    request.method = method, request.path = path, request.query = query, request.body = std::move(body);
    request.peer.address = peer;
    std::string cookie;
    for (const auto& [name, value] : cookies) cookie += (cookie.empty() ? "" : "; ") + name + "=" + value;
    if (!cookie.empty()) request.headers.add("Cookie", cookie);
    if (method == "POST") {
      request.headers.add("Content-Type", "application/x-www-form-urlencoded");
      request.headers.add("Origin", origin.value_or(origin_));
    }
    auto response = run(router_.handle(request));
    set_cookies.clear();
    for (const auto text : response.headers.find_all("Set-Cookie")) {
      set_cookies.emplace_back(text);
      const std::string name(text.substr(0, text.find('='))), value(text.substr(name.size() + 1, text.find(';') - name.size() - 1));
      if (value.empty()) cookies.erase(name);
      else cookies[name] = value;
    }
    return response;
  }

  std::string origin_;
  const http::Router& router_;
};

struct Site {
  explicit Site(const char* issuer = kIssuer) : world(good_settings(issuer)) {}
  World world;
  http::Router router = routes(world.idp);
  Browser browser{world, router};

  Pairs asked{{"response_type", "code"},      {"client_id", "cursor-idp"}, {"redirect_uri", kCallback},
              {"scope", "openid email offline_access"}, {"state", "st"},   {"nonce", "n"},
              {"code_challenge", kChallenge}, {"code_challenge_method", "S256"}};

  std::string base() const { return uri::parse(world.idp.settings.issuer)->path; }
  http::Response ask(Pairs more = {}) {
    Pairs pairs = asked;
    pairs.insert(pairs.end(), more.begin(), more.end());
    return browser.get(base() + "/authorize", form::write(pairs));
  }
  http::Response sign_in(const char* user = "alice", const char* password = "wonderland", Pairs more = {}) {
    return browser.submit(ask(more), {{"username", user}, {"password", password}});
  }
  http::Response token(Pairs parameters, const char* client = "cursor") {
    http::Request request;
    request.method = "POST", request.path = base() + "/token", request.peer.address = "192.0.2.7";
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    parameters.emplace_back("client_id", std::string(client) + "-idp");
    parameters.emplace_back("client_secret", std::string(client) + "-secret");
    request.body = form::write(parameters);
    return run(router.handle(request));
  }
  http::Response with_bearer(const char* path, const std::string& token) {
    http::Request request;
    request.method = "GET", request.path = base() + path;
    request.headers.add("Authorization", "Bearer " + token);
    return run(router.handle(request));
  }
  std::size_t recorded(audit::Event event, std::string_view reason) const {
    std::size_t count = 0;
    for (const auto& record : world.log.records()) count += record.event == event && record.reason == reason;
    return count;
  }
};

inline std::string location(const http::Response& response) {
  const auto* found = response.headers.find("Location");
  return found ? *found : std::string();
}
inline std::string in_location(const http::Response& response, const char* name) {
  const std::string text = location(response);
  const auto parameters = form::parse(text.substr(text.find('?') + 1));
  const auto* value = parameters ? parameters->find(name) : nullptr;
  return value ? *value : std::string();
}
inline json::Value body(const http::Response& response) {
  auto value = json::parse(response.body);
  EXPECT_TRUE(value) << response.body;
  return value ? *value : json::Value();
}

}  // namespace writ::token_service::idp
