#pragma once

// Access tokens by a grant other than the enterprise's: discovery, choice of the authorization server, scopes, cache, and an end to asking.
//
//   AuthorizationCodeGrant grant(outgoing, clock, browser, accounts, settings);
//   GrantAccess access(outgoing, clock, grant, {});
//   McpHttp http(upstream, access, url);
//
// Used on one executor; requests that arrive side by side are answered one after the other, so that a person is asked once.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "client/grants/grant.h"
#include "client/grants/turns.h"
#include "client/token_source.h"

namespace writ::client {

struct GrantAccessSettings {
  std::string scope;                     // asked for when the challenge names none
  // For servers from before protected resource metadata (2025-03-26): where nothing at all is published, the server's own origin is its
  // authorization server, with that revision's default endpoints.
  bool accept_2025_03_26 = false;
  // The key that is proved where that is wanted; requests then go through ProvingUpstream. Null: none is. Outlives the object.
  Possession* possession = nullptr;
};

class GrantAccess final : public TokenSource {
 public:
  GrantAccess(http::Outgoing& outgoing, const Clock& clock, Grant& grant, GrantAccessSettings settings);

  Task<Result<GrantedAccess, Failure>> token_for(std::string url, Challenge challenge, std::string rejected, StepUp step_up = StepUp::may) override;

 private:
  struct Server {
    GrantTarget target;
    std::string requested_scope;
    std::optional<GrantedAccess> access;
    Instant granted{};
    // What could not be had is not asked for again at once: a host repeats its request, and would ask the person each time.
    std::optional<Failure> failure;
    GrantWish failed_wish;
    Instant failed{};
    std::vector<Instant> rejections;     // of tokens that had not expired, the last ones
  };
  Task<Result<GrantedAccess, Failure>> answer(std::string url, Challenge challenge, std::string rejected, StepUp step_up);
  std::optional<Result<GrantedAccess, Failure>> from_memory(Server& server, const Challenge& challenge, const std::string& rejected, const GrantWish& wish) const;
  void remember(Server& server, const Failure& failure, const GrantWish& wish) const;
  bool is_rejected_too_often(Server& server) const;
  Task<Result<GrantedAccess, Failure>> ask(Server* server, GrantWish wish, bool held_is_good);
  Task<Result<Server*, Failure>> find_server(std::string url, Challenge challenge, bool look_again);
  Task<Result<Server, Failure>> discover(std::string url, Challenge challenge);
  Task<Result<GrantTarget, Failure>> choose(std::string url, ProtectedResource resource);

  http::Outgoing& outgoing_;
  const Clock& clock_;
  Grant& grant_;
  GrantAccessSettings settings_;
  Turns turns_;
  std::map<std::string, Server> servers_;   // by called URL
};

// What a server of 2025-03-26 that publishes nothing is taken to offer: the default endpoints at its origin.
AuthorizationServer default_authorization_server(const std::string& origin);

}  // namespace writ::client
