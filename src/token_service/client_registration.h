#pragma once

// Clients that register themselves at an issuer, and read, change and remove what they registered (RFC 7591, RFC 7592). An opt-in of the configuration.
//
// Registering gives nothing: what a client becomes is an agent of the group `self-registered` that is switched off until an administrator enables it; then policy
// decides as for any other. What it changes afterwards switches it off again, since an administrator enabled what was there. An agent whom an administrator
// takes out of the group is an ordinary one from then on, and nobody's registration access token opens it.

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "audit/decisions_log.h"
#include "base/clock.h"
#include "base/secret.h"
#include "http/router.h"
#include "registry/snapshot.h"
#include "token_service/failure_throttle.h"

namespace writ::token_service {

inline constexpr const char* kSelfRegistered = "self-registered";   // agent group
inline constexpr const char* kRegistrationRole = "registration";    // of API tokens: initial access tokens (RFC 7591 §3)

// What a change of the objects came to, worked out when it is its turn.
struct AgentEdit {
  std::optional<registry::Agent> written;
  std::vector<std::string> removed;        // ids
};
struct EditRefused {
  enum class Why { full, gone, not_accepted } why;
};
using AgentEditing = std::function<Result<AgentEdit, EditRefused>(const registry::Snapshot&)>;

// The one way for changes of objects, as far as clients may have a say. Safe to share between threads.
class SelfRegisteredAgents {
 public:
  virtual ~SelfRegisteredAgents() = default;
  // Recorded, stored and seen by the roles when it completes. `author` is for the record. `not_accepted`: the objects would not be right with it.
  virtual Task<Result<void, std::variant<EditRefused, Unavailable>>> change(std::string author, std::string peer, std::string reason, AgentEditing editing) = 0;
};

struct ClientRegistrationRules {
  std::string issuer;
  bool at_idp = false;                     // else at the resource authorization server
  std::vector<std::string> grant_types;    // offered here
  bool without_token = false;              // no initial access token is asked for
  std::size_t waiting_max = 100;           // agents that nobody has enabled yet
  Seconds waiting_for{7 * 24 * 3600};      // and how long they are kept
  int per_hour = 10;                       // registrations from one address
};

// Safe to share between threads.
class ClientRegistration {
 public:
  // `key`: registration access tokens are made with it, 32 random bytes of this deployment. All references outlive this.
  ClientRegistration(ClientRegistrationRules rules, Secret key, audit::DecisionsLog& log, const registry::Current& registry, const Clock& clock, SelfRegisteredAgents& agents)
      : rules_(std::move(rules)), key_(std::move(key)), log_(log), registry_(registry), clock_(clock), agents_(agents),
        throttle_(ThrottleRules{.failures_max = rules_.per_hour, .window = Seconds{3600}}) {}

  // POST {issuer}/register
  Task<http::Response> register_client(const http::Request& request) const;
  // GET, PUT, DELETE {issuer}/register/{client_id}
  Task<http::Response> manage(const http::Request& request) const;
  // Removes agents of this issuer that waited too long. To be called every minute.
  Task<void> remove_waiting(Instant now) const;

  std::string access_token(std::string_view client_id) const;
  const ClientRegistrationRules& rules() const { return rules_; }

 private:
  struct Answer;
  Task<http::Response> refuse(const http::Request& request, std::string client_id, Answer answer) const;
  Task<http::Response> changed(const http::Request& request, std::string client_id, std::string author, const char* reason, AgentEditing editing, http::Response done) const;
  std::optional<std::string> authorized_client(const http::Request& request) const;
  http::Response describe(int status, const registry::Agent& agent, std::string secret) const;

  const ClientRegistrationRules rules_;
  const Secret key_;
  audit::DecisionsLog& log_;
  const registry::Current& registry_;
  const Clock& clock_;
  SelfRegisteredAgents& agents_;
  mutable FailureThrottle throttle_, guesses_;
};

// When a client of this name registered; absent: no such client is one of those.
std::optional<Instant> registered_at(std::string_view client_id);
// The registration of a self-registered agent at this issuer; null: it is none.
const registry::Registration* self_registration(const registry::Agent& agent, const ClientRegistrationRules& rules);

// The registration outlives the router.
void add_routes(http::Router& router, const ClientRegistration& registration);

}  // namespace writ::token_service
