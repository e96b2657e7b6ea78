#pragma once

// The authorization servers of upstream servers: what their metadata says (RFC 8414, OpenID Connect discovery), remembered for an hour, and requests
// to their token endpoints, authenticated as this deployment's client there. The issuer stands in the server's document and nowhere else (N1, MCPA-54);
// credentials go to endpoints of metadata that speaks for exactly this issuer (N6, MCPA-61).

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "client/metadata.h"
#include "client/token_request.h"
#include "upstreams/credentials/secret_files.h"
#include "upstreams/upstream.h"

namespace writ::upstreams {

using KnownServer = std::shared_ptr<const client::AuthorizationServer>;

struct TokenAnswer {
  Secret access_token;
  std::string refresh_token, id_token, scope;   // each may be empty
  Seconds lifetime{};                           // bounded
};
// The authorization server's own no, apart from everything that went wrong on the way.
struct TokenRefused {
  std::string error;        // OAuth error code, printable
  std::string sentence;     // for the log
  bool is_final = false;    // the grant itself is refused: asking again with it is of no use
};
using TokenProblem = std::variant<TokenRefused, Failure>;

// Safe to share between threads; outlives nobody who has a share of it.
class AuthorizationServers : public std::enable_shared_from_this<AuthorizationServers> {
 public:
  AuthorizationServers(http::Outgoing& outgoing, ReadSecret read_secret) : outgoing_(outgoing), read_secret_(std::move(read_secret)) {}

  // Nothing is sent any more: what is still under way ends as a failure. Before `outgoing` goes away.
  void close() { is_closed_ = true; }

  // Of `address.oauth`, which is there.
  Task<Result<KnownServer, Failure>> find(registry::UpstreamAddress address, Instant now);
  // `form` without client authentication.
  Task<Result<TokenAnswer, TokenProblem>> ask_token(registry::UpstreamAddress address, client::FormFields form, Instant now);
  // RFC 7009. False: the server has no such endpoint.
  Task<Result<bool, Failure>> revoke(registry::UpstreamAddress address, Secret token, std::string hint, Instant now);
  // GET with an access token, of a JSON object: userinfo.
  Task<Result<json::Value, Failure>> get(registry::UpstreamAddress address, std::string url, Secret access_token);

 private:
  struct Entry {
    KnownServer known;
    Instant fetched{};
    std::optional<Instant> failed;
    std::string detail;
  };
  std::optional<Result<KnownServer, Failure>> from_memory(const std::string& key, Instant now);
  Result<client::ClientCredentials, Failure> credentials(const registry::UpstreamAddress& address, const client::AuthorizationServer& server, const std::vector<std::string>& methods) const;

  http::Outgoing& outgoing_;
  ReadSecret read_secret_;
  std::atomic<bool> is_closed_{false};
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

// Refused or worse, as what the request failed of. `server`: the id of the MCP server, for the sentence.
Failure to_failure(const TokenProblem& problem, const std::string& server);
Failure credential_failure(std::string detail);

// The `resource` parameter for the server (RFC 8707); empty where it must not be sent.
std::string resource_parameter(const registry::UpstreamAddress& address);

// What an access token may be made of in a header field (RFC 6750 §2.1, a little wider: printable and without spaces).
bool is_bearer_value(std::string_view text);

}  // namespace writ::upstreams
