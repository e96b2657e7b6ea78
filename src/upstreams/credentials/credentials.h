#pragma once

// The layer that gives a request the credential that its server wants (docs/reference/upstream-credentials.md): none, a fixed header field, a client
// certificate, an access token of the gateway's own, one for the person by ID-JAG, or one of an account that the person linked. Never the client's
// token: nothing of it comes this far (G5). A token is never used for another principal or person than it was got for (G13).

#include "upstreams/credentials/accounts.h"
#include "upstreams/credentials/core.h"

namespace writ::upstreams {

class Credentials final : public Upstream {
 public:
  // `accounts` null: nobody signs in here, so nobody can link an account.
  Credentials(Upstream& below, std::shared_ptr<Core> core, ReadSecret read_secret, std::shared_ptr<Accounts> accounts)
      : below_(below), core_(std::move(core)), read_secret_(std::move(read_secret)), accounts_(std::move(accounts)) {}

  ~Credentials() override { core_->servers->close(); }   // what is under way belongs to nobody who waits for it

  // A server that answers 401 has not processed the request: then, and only then, it is sent once more with a new token.
  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override;
  // Once a second: forgets what rests on sessions that have ended.
  void tick();

 private:
  Task<Result<http::UpstreamResponse, Failure>> send_with_token(Request request);
  Result<Wanted, Failure> wanted(const Request& request) const;

  Upstream& below_;
  std::shared_ptr<Core> core_;
  ReadSecret read_secret_;
  std::shared_ptr<Accounts> accounts_;
  std::atomic<std::uint64_t> swept_epoch_{0};
};

}  // namespace writ::upstreams
