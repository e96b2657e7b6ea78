#pragma once

// The admin API, /admin/v1: what the console, the command line and other programs use. It is served by the admin listener and the local
// socket alone; the public listener has no such path (A5). Requests are JSON with a bearer API token (no cookie, so nothing to forge
// across sites, A1), or come over the local socket as the service's own user. Errors are problem details (RFC 9457).

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/administration.h"
#include "approvals/requests.h"
#include "http/router.h"
#include "policy/shadow_counts.h"

namespace writ::linked_accounts {
class LinkedAccounts;
}

namespace writ::admin {

// Signing keys of the roles, as administrators see them. The program implements it over its roles; safe to share between threads.
struct KeySummary {
  std::string use;              // "idp", "ras"
  std::string kid, algorithm;
  Instant created{}, active_from{};
  bool active = false, published = false;
  bool in_token = false;        // PKCS#11; else it is sealed in the store
};
class KeyAdministration {
 public:
  virtual ~KeyAdministration() = default;
  virtual std::vector<KeySummary> list(Instant now) const = 0;
  // The new key's id; absent when there is no such use.
  virtual Task<Result<std::optional<std::string>, Unavailable>> rotate(std::string use, bool at_once, Instant now) = 0;
  // Somebody else has the key: gone at once, and everything that it signed is refused. Absent when there is no such key.
  struct Withdrawn {
    std::string use, successor;   // the kid that signs now
  };
  virtual Task<Result<std::optional<Withdrawn>, Unavailable>> withdraw(std::string kid, Instant now) = 0;
};

struct SessionInfo {
  std::string sid, user, user_name;
  Instant created{}, last_used{}, expires{};
  std::vector<std::string> devices;
};
class SessionAdministration {
 public:
  virtual ~SessionAdministration() = default;
  virtual std::vector<SessionInfo> list(std::string_view user_id) const = 0;   // live ones; empty: everybody's
  // These write their own records. Ending what has ended succeeds.
  virtual Task<Result<void, Unavailable>> end(std::string sid, std::string actor, std::string peer) = 0;
  virtual Task<Result<void, Unavailable>> end_of_user(std::string user_id, std::string actor, std::string peer) = 0;
  // The person's second factor is forgotten, the next sign-in that needs one enrols again. False: there was none.
  virtual Task<Result<bool, Unavailable>> reset_factor(std::string user_id, std::string actor, std::string peer) = 0;
};

// How the servers behind the gateway do, from what was sent to them. The program implements it over the gateway's layers; safe to share
// between threads.
struct UpstreamState {
  std::string server;
  std::string circuit;          // closed | open | half_open
  int failures = 0;             // in a row
  std::optional<Instant> failing_since, retry_at;
  std::string last_failure;     // "connect", "tls", "timeout"; empty: it does not fail
  std::size_t waiting = 0;      // requests whose answer has not begun
  std::uint64_t requests = 0, failed = 0, turned_away = 0;   // since the process started
};
class UpstreamStates {
 public:
  virtual ~UpstreamStates() = default;
  virtual std::vector<UpstreamState> list(Instant now) const = 0;
};

// Who gets security events from here, and whose are asked for. The program implements it; safe to share between threads.
struct EventStream {
  std::string id, audience, delivery, endpoint_url, status, reason, description, last_problem;
  std::vector<std::string> events;
  bool held_by_administrator = false, receiver_known = false;
  std::size_t waiting = 0;
  int failures = 0;             // in a row
  Instant created{};
  std::optional<Instant> last_delivery, next_attempt;
};
struct EventSubscription {
  std::string issuer, delivery, stream_id, last_problem;
  bool verified = false;
  std::optional<Instant> last_success;
};
class SignalAdministration {
 public:
  virtual ~SignalAdministration() = default;
  virtual std::vector<EventStream> streams() const = 0;
  virtual std::vector<EventSubscription> subscriptions() const = 0;
  // These write their own records. False: there is no such stream. `status`: enabled, paused, disabled.
  virtual Task<Result<bool, Unavailable>> set_status(std::string stream, std::string status, std::string reason, std::string actor, std::string peer) = 0;
  virtual Task<Result<bool, Unavailable>> remove(std::string stream, std::string actor, std::string peer) = 0;
};

struct Api {
  Administration& administration;
  KeyAdministration* keys = nullptr;           // null: this process signs nothing
  SessionAdministration* sessions = nullptr;   // null: no sessions here
  // Waits on the calling event loop, for `tail`. Empty: requests never wait.
  std::function<Task<void>(Milliseconds)> pause;
  const policy::ShadowCounts* shadow_counts = nullptr;   // null: disagreements are recorded and not counted
  approvals::Requests* approvals = nullptr;              // null: nothing is held here
  const UpstreamStates* upstreams = nullptr;             // null: no gateway here
  SignalAdministration* signals = nullptr;               // null: no security events here
  linked_accounts::LinkedAccounts* accounts = nullptr;   // null: nobody is linked here
};

// Who may call an operation. Everything needs a known caller.
enum class Needs { auditor, admin };

// One row of the API: the router, the authorization and the OpenAPI document are made from it, so that none of them can lag behind.
struct Operation {
  const char* method;
  const char* path;             // /admin/v1/{collection}/{key}
  Needs needs;
  const char* name;             // operationId
  const char* summary;
  const char* parameters = "";  // of the query, comma-separated
  bool has_body = false;
};
const std::vector<Operation>& operations();
std::string openapi();          // the document that /admin/openapi.json serves

// The routes of the admin listener. `api` and what it refers to outlive them.
http::Router routes(const Api& api);

// `inner`, for auditors and administrators alone: others are refused and recorded as everywhere in the API. `api` outlives the handler.
http::Handler for_auditors(const Api& api, http::Handler inner);

// /a/{b}/c against a path; the values of the braces, decoded. Absent: it does not match.
std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path);

}  // namespace writ::admin
