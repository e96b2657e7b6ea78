#pragma once

// A protected MCP server, its authorization servers and a person with a browser, as scripts: tests change one thing and look at what was asked.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/grants/authorization_code_grant.h"
#include "encoding/form.h"
#include "encoding/json.h"

namespace writ::client {

inline constexpr const char* kUrl = "https://mcp.example/mcp";
inline constexpr const char* kResourceDocument = "https://mcp.example/.well-known/oauth-protected-resource/mcp";
inline constexpr const char* kIssuer = "https://as.example";
inline constexpr const char* kServerDocument = "https://as.example/.well-known/oauth-authorization-server";
inline constexpr const char* kRedirectUri = "http://127.0.0.1:4711/callback";

class SettableClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  Instant now_ = from_unix_seconds(1'795'000'000);
};

inline json::Value server_metadata(const std::string& issuer = kIssuer) {
  return json::Value{{"issuer", issuer},
                     {"authorization_endpoint", issuer + "/authorize"},
                     {"token_endpoint", issuer + "/token"},
                     {"registration_endpoint", issuer + "/register"},
                     {"response_types_supported", json::Array{"code"}},
                     {"grant_types_supported", json::Array{"authorization_code", "client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"}},
                     {"code_challenge_methods_supported", json::Array{"S256"}},
                     {"token_endpoint_auth_methods_supported", json::Array{"none", "client_secret_basic"}},
                     {"authorization_response_iss_parameter_supported", true}};
}

// Answers by URL; what is not there is 404. Keeps what was asked.
class ScriptedServers final : public http::Outgoing {
 public:
  ScriptedServers() {
    resource.set("resource", kUrl);
    resource.set("authorization_servers", json::Array{kIssuer});
    add_authorization_server(kIssuer);
  }
  void add_authorization_server(const std::string& issuer) {
    metadata[issuer] = server_metadata(issuer);
    pages[issuer + "/register"] = {201, {}, R"({"client_id":"of-)" + issuer + R"("})"};
    pages[issuer + "/token"] = {200, {}, R"({"access_token":"at-1","token_type":"Bearer","expires_in":3600})"};
  }

  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override {
    requests.push_back(request);
    const auto found = pages.find(request.url);
    http::OutgoingResponse answer{404, {}, ""};
    if (found != pages.end()) {
      answer = found->second;
    } else if (request.url == kResourceDocument) {
      answer = {200, {}, json::write(resource)};
    } else {
      for (const auto& [issuer, document] : metadata) {
        if (request.url == issuer + "/.well-known/oauth-authorization-server") answer = {200, {}, json::write(document)};
      }
    }
    if (answer.body.size() > request.response_bytes_max) co_return unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::too_large, "the answer is too large"});
    const auto hook = on_answer;   // it may take itself away
    if (hook) hook(request);
    co_return answer;
  }

  int count(const std::string& url) const {
    int n = 0;
    for (const auto& request : requests) n += request.url == url ? 1 : 0;
    return n;
  }
  const http::OutgoingRequest* last(const std::string& url) const {
    const http::OutgoingRequest* found = nullptr;
    for (const auto& request : requests) found = request.url == url ? &request : found;
    return found;
  }
  std::string last_parameter(const std::string& url, const std::string& name) const {
    const auto* request = last(url);
    const auto parameters = request ? form::parse(request->body) : form::parse("");
    const auto* value = parameters ? parameters->find(name) : nullptr;
    return value ? *value : "";
  }
  // Every host that a request went to, in order and once.
  std::vector<std::string> hosts() const {
    std::vector<std::string> seen;
    for (const auto& request : requests) {
      const std::string host = request.url.substr(0, request.url.find('/', 8));
      if (std::find(seen.begin(), seen.end(), host) == seen.end()) seen.push_back(host);
    }
    return seen;
  }

  json::Value resource;
  std::map<std::string, json::Value> metadata;             // by issuer
  std::map<std::string, http::OutgoingResponse> pages;     // by URL; before everything else
  std::function<void(const http::OutgoingRequest&)> on_answer;
  std::vector<http::OutgoingRequest> requests;
};

// Comes back at once, with the code and the issuer that the script says.
class ScriptedBrowser final : public UserAgent {
 public:
  Result<std::string, Failure> redirect_uri() override { return uri; }
  Task<Result<std::string, Failure>> visit(std::string url) override {
    visited.push_back(url);
    if (refuses) co_return unexpected(Failure{FailureKind::sign_in_needed, "nobody came", {}, {}, {}, {}});
    FormFields answer{{"code", "the-code"}, {"state", parameter("state")}};
    const std::string from = issuer.empty() ? url.substr(0, url.find("/authorize")) : issuer;
    if (sends_iss) answer.emplace_back("iss", from);
    co_return query.empty() ? form::write(answer) : query;
  }
  // Of the last visit.
  std::string parameter(const std::string& name) const {
    if (visited.empty()) return "";
    const auto parameters = form::parse(visited.back().substr(visited.back().find('?') + 1));
    const auto* value = parameters ? parameters->find(name) : nullptr;
    return value ? *value : "";
  }

  std::string uri = kRedirectUri, issuer, query;
  bool sends_iss = true, refuses = false;
  std::vector<std::string> visited;
};

}  // namespace writ::client
