#pragma once

// Token introspection (RFC 7662): a resource server asks about a token meant for it, or a client about its own.

#include <memory>

#include "registry/revocations.h"
#include "token_service/client_authentication.h"
#include "token_service/grant.h"
#include "token_service/resource_as/access_token.h"
#include "token_service/resource_as/settings.h"

namespace writ::token_service::resource_as {

// The resource servers of the configuration in the shape of clients, so that one piece of code authenticates both.
class ResourceServers {
 public:
  explicit ResourceServers(const Settings& settings);
  registry::Snapshot::AtResourceAs find(std::string_view id) const;   // null members when there is none
  // Whether this agent is one of them, and may see tokens for that resource.
  bool is_one(const registry::Agent& agent) const;
  bool may_see(const registry::Agent& agent, std::string_view resource) const;

 private:
  struct Entry {
    registry::Agent agent;
    std::vector<std::string> resources;
  };
  std::vector<Entry> entries_;   // INVARIANT: never changes, so pointers into it stay valid
};

// Whether a token still counts: signed here, in time, not revoked, its session not ended, and everyone in it still allowed to be.
// The reason when it does not, for audit.
std::optional<std::string_view> inactive_because(const OwnToken& token, const registry::Snapshot& snapshot,
                                                 const registry::Revocations& revocations, const Settings& settings, Instant now);

class Introspection final : public Grant {
 public:
  Introspection(const Settings& settings, const ResourceServers& resource_servers, const SigningKeys& signing_keys,
                const registry::Revocations& revocations);

  std::string_view grant_type() const override { return ""; }
  audit::Event event() const override { return audit::Event::introspection; }
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  const Settings& settings_;
  const ResourceServers& resource_servers_;
  const SigningKeys& signing_keys_;
  const registry::Revocations& revocations_;
};

}  // namespace writ::token_service::resource_as
