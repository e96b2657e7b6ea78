#pragma once

// All objects at one moment, indexed and immutable. A request takes one snapshot at its start and uses it to its end, so it sees the
// objects before a change or after it, never a mixture.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/shared_cell.h"
#include "registry/identity_connector.h"
#include "registry/definitions.h"
#include "registry/objects.h"
#include "registry/people_index.h"
#include "registry/shared_list.h"

namespace writ::registry {

struct Objects {
  SharedList<User> users;      // these two can be very many: copies share what they have in common
  SharedList<Group> groups;
  std::vector<Agent> agents;
  std::vector<Server> servers;
  std::vector<ResourceAs> resource_authorization_servers;
  std::vector<TrustedIssuer> trusted_issuers;
  std::vector<ApiToken> api_tokens;
  std::vector<IdentityConnector> identity_connectors;
  std::vector<AuthenticationLevel> authentication_levels;   // in a snapshot: the weakest first
  std::vector<DecisionPoint> decision_points;
  std::vector<Limit> limits;
};

class Snapshot {
 public:
  // Precondition: the objects passed check_objects (check.h): references exist, keys are unique, groups have no cycle.
  Snapshot(Objects objects, std::uint64_t sequence, Definitions definitions = {});
  // `people` is the index of these objects, which somebody has already: it followed from the one before (change_objects.h).
  Snapshot(Objects objects, PeopleIndex people, std::uint64_t sequence, Definitions definitions);
  // Other definitions with the same objects, which are shared: a server that changes its tools must not cost what ten thousand users cost.
  Snapshot(const Snapshot& before, Definitions definitions, std::uint64_t sequence);

  const Objects& objects() const { return indexed_->objects; }
  const PeopleIndex& people() const { return indexed_->people; }
  std::uint64_t sequence() const { return sequence_; }     // counts changes; audit records name it

  // All of these return null when there is none; they also find inactive objects: the caller refuses those with their own reason.
  const User* user(std::string_view id) const { return people().user(id); }
  const User* user_by_name(std::string_view name) const { return people().user_by_name(name); }
  const User* user_by_link(std::string_view issuer, std::string_view tenant, std::string_view subject) const { return people().user_by_link(issuer, tenant, subject); }
  const Group* group(std::string_view id) const { return people().group(id); }
  const Agent* agent(std::string_view id) const;
  const Agent* agent_at_idp(std::string_view client_id) const;
  // The agent and its registration at a resource authorization server.
  struct AtResourceAs {
    const Agent* agent = nullptr;
    const Registration* registration = nullptr;
  };
  AtResourceAs agent_at_resource_as(std::string_view ras_issuer, std::string_view client_id) const;
  const Registration* registration_at(const Agent& agent, std::string_view ras_issuer) const;
  const Server* server(std::string_view id) const;
  const Server* server_by_resource(std::string_view resource) const;
  std::vector<const Server*> servers_of(std::string_view ras_issuer) const;
  const ResourceAs* resource_as(std::string_view issuer) const;
  const TrustedIssuer* trusted_issuer(std::string_view issuer) const;
  const ApiToken* api_token(std::string_view sha256_hex) const;
  const IdentityConnector* identity_connector(std::string_view id) const;
  const IdentityConnector* identity_connector_of(std::string_view issuer) const;

  // The weakest first.
  const std::vector<AuthenticationLevel>& authentication_levels() const { return indexed_->objects.authentication_levels; }
  // The active ones that are asked about this server, by id.
  std::vector<const DecisionPoint*> decision_points_for(std::string_view server_id) const;
  // What servers say about themselves (definitions.h). Null when nobody has seen it yet.
  const Definitions& definitions() const { return definitions_; }
  std::shared_ptr<const Definition> tool(std::string_view server, std::string_view name) const { return definitions_.find(ObjectKind::tool, server, name); }
  std::shared_ptr<const Definition> prompt(std::string_view server, std::string_view name) const { return definitions_.find(ObjectKind::prompt, server, name); }
  std::shared_ptr<const Definition> instructions(std::string_view server) const { return definitions_.find(ObjectKind::instructions, server, ""); }

  // Direct and inherited groups of a user, each once. Groups that an upstream provider said count as long as its connector is active and
  // still maps something to them.
  const std::vector<std::string>& groups_of(const User& user) const { return people().groups_of(user.id); }

 private:
  using Index = std::unordered_map<std::string, std::size_t>;
  struct Indexed {
    explicit Indexed(Objects all);
    Indexed(Objects all, PeopleIndex people);
    Objects objects;
    PeopleIndex people;
    Index agents, agents_at_idp, servers, servers_by_resource, resource_as, trusted_issuers, api_tokens, connectors, connectors_by_issuer;
    std::unordered_map<std::string, std::pair<std::size_t, std::size_t>> agents_at_ras;
  };
  std::shared_ptr<const Indexed> indexed_;
  Definitions definitions_;
  std::uint64_t sequence_;
};

// The current snapshot, shared by all threads. Readers never wait.
class Current {
 public:
  explicit Current(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}
  std::shared_ptr<const Snapshot> get() const { return snapshot_.load(); }
  void set(std::shared_ptr<const Snapshot> snapshot) { snapshot_.store(std::move(snapshot)); }

 private:
  SharedCell<const Snapshot> snapshot_;
};

}  // namespace writ::registry
