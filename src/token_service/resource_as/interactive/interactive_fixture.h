#pragma once

// For tests only: the deployment of world_fixture.h with an IdP that people sign in at. Its token endpoint is played here; browsers are maps of cookies.

#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service::resource_as::test {

inline constexpr std::string_view kVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
inline constexpr std::string_view kRedirect = "http://127.0.0.1:7777/callback";

// The IdP's token endpoint: gives the ID token that the test put there for the code.
class PlayedIdp final : public http::Outgoing {
 public:
  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override {
    requests.push_back(request);
    if (unreachable) co_return unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::connect, "refused"});
    http::OutgoingResponse response;
    response.status = status;
    response.body = json::write(json::Value{{"id_token", id_token}, {"access_token", "x"}, {"token_type", "Bearer"}});
    co_return response;
  }
  std::vector<http::OutgoingRequest> requests;
  std::string id_token;
  int status = 200;
  bool unreachable = false;
};

inline std::map<std::string, std::string> query_of(const std::string& location) {
  std::map<std::string, std::string> all;
  const auto mark = location.find('?');
  if (mark == std::string::npos) return all;
  const auto parsed = form::parse(location.substr(mark + 1));
  if (parsed) for (const auto& [name, value] : parsed->pairs()) all[name] = value;
  return all;
}

// A browser and a client, each with its side of the conversation.
class InteractiveWorld {
 public:
  PlayedIdp idp;
  World world{[](Settings& settings) {
                settings.sign_in = Settings::SignIn{"ras", Secret(std::string("a client secret of the RAS")), std::string(kIdp) + "/authorize", std::string(kIdp) + "/token"};
              },
              &idp};

  InteractiveWorld() {
    world.change_objects([](registry::Objects& objects) {
      registry::Agent ras{.id = "ras"};
      ras.idp = registry::Registration{.client_id = "ras-at-idp", .redirect_uris = {std::string(kRas) + "/callback"}};
      objects.agents.push_back(ras);
      for (auto& agent : objects.agents) {
        if (agent.id == "open" || agent.id == "cursor") agent.resource_as.front().registration.redirect_uris = {"http://127.0.0.1/callback"};
      }
      objects.servers.front().interactive_grant = true;
    });
  }

  Form good_request() const {
    return {{"response_type", "code"},
            {"client_id", "open-at-ras"},
            {"redirect_uri", std::string(kRedirect)},
            {"code_challenge", base64url::encode(crypto::sha256_bytes(kVerifier))},
            {"code_challenge_method", "S256"},
            {"state", "client-state"},
            {"resource", std::string(kNotes)},
            {"scope", "notes:read notes:write offline_access"}};
  }
  http::Response get(const std::string& path, const Form& query) {
    http::Request request;
    request.method = "GET";
    request.path = path;
    request.query = form::write(query);
    request.peer.address = "192.0.2.7";
    std::string cookies;
    for (const auto& [name, value] : jar) cookies += (cookies.empty() ? "" : "; ") + name + "=" + value;
    if (!cookies.empty()) request.headers.add("Cookie", cookies);
    auto response = run(world.router.handle(request));
    for (const auto field : response.headers.find_all("Set-Cookie")) {
      const std::string text(field);
      const auto equals = text.find('='), end = text.find(';');
      jar[text.substr(0, equals)] = text.substr(equals + 1, end - equals - 1);
      if (text.find("Max-Age=0") != std::string::npos) jar.erase(text.substr(0, equals));
    }
    return response;
  }
  static std::string location(const http::Response& response) {
    const auto* field = response.headers.find("Location");
    return field ? *field : std::string();
  }

  json::Value good_id_token(const std::string& nonce, const std::string& user = "usr_alice") const {
    return {{"iss", kIdp}, {"sub", user}, {"aud", "ras-at-idp"}, {"iat", world.clock.seconds}, {"exp", world.clock.seconds + 3600},
            {"nonce", nonce}, {"auth_time", world.clock.seconds - 60}, {"acr", "urn:pwd"}, {"amr", json::Array{"pwd"}}, {"sid", "ses_1"}};
  }
  // The client sends the person here; what the IdP is asked.
  std::map<std::string, std::string> begin(const Form& request) {
    const auto response = get("/authorize", request);
    return query_of(location(response));
  }
  // The person signs in as `user`, and comes back.
  http::Response come_back(const std::map<std::string, std::string>& asked, const std::string& user = "usr_alice") {
    idp.id_token = jose::sign(key_named("idp"), oauth::kTypIdToken, good_id_token(asked.at("nonce"), user));
    return get("/callback", {{"code", "code-of-the-idp"}, {"state", asked.at("state")}, {"iss", std::string(kIdp)}});
  }
  std::map<std::string, std::string> sign_in(const Form& request, const std::string& user = "usr_alice") { return query_of(location(come_back(begin(request), user))); }

  Form redemption(const std::string& code) const {
    return {{"grant_type", "authorization_code"}, {"client_id", "open-at-ras"}, {"code", code}, {"redirect_uri", std::string(kRedirect)}, {"code_verifier", std::string(kVerifier)}, {"resource", std::string(kNotes)}};
  }
  Answer redeem(const Form& form) { return world.send(World::post("/token", form)); }

  std::map<std::string, std::string> jar;
};

}  // namespace writ::token_service::resource_as::test
