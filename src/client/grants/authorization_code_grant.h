#pragma once

// The person's own access by the authorization code grant (RFC 6749 §4.1, RFC 7636, RFC 8252): for servers that know nothing of the
// enterprise's identity provider, and only where somebody asked for this way (docs/decisions/0038).

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "client/grants/grant.h"
#include "client/grants/registration.h"

namespace writ::client {

// The person's browser, seen from here.
class UserAgent {
 public:
  virtual ~UserAgent() = default;
  // Where it will come back to, on loopback (RFC 8252 §7.3). Asked once before each visit.
  virtual Result<std::string, Failure> redirect_uri() = 0;
  // Shows `url` and waits: the query with which the browser came back.
  virtual Task<Result<std::string, Failure>> visit(std::string url) = 0;
};

// What is kept of an authorization, so that the person is not asked again at the next start.
struct Account {
  std::string issuer, resource;              // the key (MCPA-61)
  ClientCredentials credentials;
  std::string scope;
  Secret refresh_token;
};
class Accounts {
 public:
  virtual ~Accounts() = default;
  virtual std::optional<Account> find(const std::string& issuer, const std::string& resource) = 0;
  // Before anything else is done with a rotated token: the old one is spent.
  virtual Result<void, Failure> save(const Account& account) = 0;
  // This one, with this refresh token; another may have come in its place meanwhile.
  virtual void forget(const Account& account) = 0;
};
// For one process.
class AccountsInMemory final : public Accounts {
 public:
  std::optional<Account> find(const std::string& issuer, const std::string& resource) override;
  Result<void, Failure> save(const Account& account) override;
  void forget(const Account& account) override;

 private:
  std::map<std::pair<std::string, std::string>, Account> accounts_;
};

class AuthorizationCodeGrant final : public Grant {
 public:
  // All of them outlive this object.
  AuthorizationCodeGrant(http::Outgoing& outgoing, const Clock& clock, UserAgent& browser, Accounts& accounts, RegistrationSettings settings)
      : outgoing_(outgoing), clock_(clock), browser_(browser), accounts_(accounts), settings_(std::move(settings)) {}

  Result<void, Failure> check(const AuthorizationServer& server) const override;
  // By the refresh token that is there if it does; else the person is asked, once.
  Task<Result<AccessToken, Failure>> obtain(GrantTarget target, GrantWish wish) override;

 private:
  // Absent: there is no account that would do, and the person must be asked.
  Task<Result<std::optional<AccessToken>, Failure>> by_refresh_token(GrantTarget target, GrantWish wish);
  Task<Result<AccessToken, Failure>> refresh(GrantTarget target, Account account);
  Task<Result<AccessToken, Failure>> ask_person(GrantTarget target, GrantWish wish);
  Task<Result<Registration, Failure>> registration_at(AuthorizationServer server, std::string redirect_uri);
  Result<void, Failure> keep(const GrantTarget& target, const ClientCredentials& credentials, const std::string& scope, const AccessToken& token);

  http::Outgoing& outgoing_;
  const Clock& clock_;
  UserAgent& browser_;
  Accounts& accounts_;
  RegistrationSettings settings_;
  std::map<std::string, Registration> registrations_;   // by issuer
};

// MCPA-124: `offline_access` beside other scopes, where the server lists it. Alone it would displace the server's default scopes.
std::string with_offline_access(const std::string& scope, const AuthorizationServer& server);

}  // namespace writ::client
