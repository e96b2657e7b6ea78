#pragma once

// Grants without a person: a client that acts for itself (RFC 6749 §4.4), and a workload that its platform vouches for (RFC 7523 §2.1).
// A refusal ends it: no second request, no other grant.

#include <map>
#include <string>

#include "client/grants/grant.h"
#include "client/grants/registration.h"

namespace writ::client {

class ClientCredentialsGrant final : public Grant {
 public:
  ClientCredentialsGrant(http::Outgoing& outgoing, const Clock& clock, std::map<std::string, PreRegistered> by_issuer)
      : outgoing_(outgoing), clock_(clock), by_issuer_(std::move(by_issuer)) {}
  Result<void, Failure> check(const AuthorizationServer& server) const override;
  Task<Result<AccessToken, Failure>> obtain(GrantTarget target, GrantWish wish) override;

 private:
  http::Outgoing& outgoing_;
  const Clock& clock_;
  std::map<std::string, PreRegistered> by_issuer_;   // MCPA-61
};

// What the platform issued for the workload: read anew each time, because it is rotated (a projected file, a metadata service).
class WorkloadAssertion {
 public:
  virtual ~WorkloadAssertion() = default;
  virtual Task<Result<std::string, Failure>> current() = 0;
};

class WorkloadGrant final : public Grant {
 public:
  WorkloadGrant(http::Outgoing& outgoing, const Clock& clock, WorkloadAssertion& assertion, std::map<std::string, PreRegistered> by_issuer)
      : outgoing_(outgoing), clock_(clock), assertion_(assertion), by_issuer_(std::move(by_issuer)) {}
  Result<void, Failure> check(const AuthorizationServer& server) const override;
  Task<Result<AccessToken, Failure>> obtain(GrantTarget target, GrantWish wish) override;

 private:
  http::Outgoing& outgoing_;
  const Clock& clock_;
  WorkloadAssertion& assertion_;
  std::map<std::string, PreRegistered> by_issuer_;
};

// Whether the assertion is for this server and still good. It lets whoever has it in: to another server it is not sent at all.
Result<void, Failure> check_assertion(const std::string& assertion, const AuthorizationServer& server, Instant now);

}  // namespace writ::client
