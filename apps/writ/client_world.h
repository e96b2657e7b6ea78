#pragma once

// What the employee's commands work with: an event loop, ways out, and the signed-in person as the subject of leg 1.

#include <memory>
#include <string>

#include "adapters/net/event_loops.h"
#include "adapters/net/run_on.h"
#include "adapters/net/upstream.h"
#include "adapters/outgoing/curl_outgoing.h"
#include "client/access.h"
#include "command.h"
#include "saved_login.h"

namespace writ::cli {

// The person who signed in with `writ login`. Renews the ID token by the refresh token, and keeps what it gets.
class SignedInPerson final : public client::Subject {
 public:
  SignedInPerson(http::Outgoing& outgoing, const Clock& clock, SavedLogin login, jose::SigningKey device_key)
      : outgoing_(outgoing), clock_(clock), login_(std::move(login)), device_key_(std::move(device_key)) {}

  Task<Result<client::IdentityAssertion, client::Failure>> current(bool renew) override;
  // Opens the browser when that may be done, else says which command to run. One at a time: whoever waits meanwhile takes what it brought.
  Task<Result<void, client::Failure>> step_up(client::Failure needed) override;
  void may_open_browser(bool may) { may_open_browser_ = may; }
  // An access token of the IdP, for its catalogue and userinfo.
  Task<Result<std::string, client::Failure>> idp_access_token();
  client::ClientCredentials credentials() const { return {login_.client_id, client::PrivateKeyJwt{device_key_}}; }
  const SavedLogin& login() const { return login_; }

 private:
  Task<Result<client::SignInTokens, client::Failure>> refresh();
  // Somebody else on this device may have signed in anew: `writ login`, another bridge.
  void adopt_saved();
  http::Outgoing& outgoing_;
  const Clock& clock_;
  SavedLogin login_;
  jose::SigningKey device_key_;
  bool may_open_browser_ = false, signing_in_ = false;
  int sign_ins_ = 0;
};

struct World {
  SystemClock clock;
  net::EventLoops loops{1};
  outgoing::CurlOutgoing outgoing{outgoing::CurlOptions{}};
  net::PooledUpstream upstream{loops, net::UpstreamOptions{}};
  std::unique_ptr<SignedInPerson> person;    // after require_sign_in
};

// False after it told the person to sign in (exit 4) or what is wrong with the saved sign-in.
bool require_sign_in(World& world, Run& run);
void fail(Run& run, const client::Failure& failure);

template <class T>
T run_on(World& world, Task<T> task) {
  return net::run_on(world.loops, std::move(task));
}

}  // namespace writ::cli
