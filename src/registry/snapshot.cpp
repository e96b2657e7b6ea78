#include "registry/snapshot.h"

#include <algorithm>

#include "registry/combined_server.h"

namespace writ::registry {
namespace {

// Several parts as one key; each with its length, so that no two lists of parts share a key.
std::string joined(std::initializer_list<std::string_view> parts) {
  std::string key;
  for (const auto part : parts) {
    key += std::to_string(part.size());
    key += ':';
    key += part;
  }
  return key;
}

template <class Object, class Index>
const Object* look_up(const std::vector<Object>& objects, const Index& index, std::string_view key) {
  const auto found = index.find(std::string(key));
  return found == index.end() ? nullptr : &objects[found->second];
}

}  // namespace

Snapshot::Snapshot(Objects objects, std::uint64_t sequence, Definitions definitions)
    : indexed_(std::make_shared<const Indexed>(std::move(objects))), definitions_(std::move(definitions)), sequence_(sequence) {}

Snapshot::Snapshot(Objects objects, PeopleIndex people, std::uint64_t sequence, Definitions definitions)
    : indexed_(std::make_shared<const Indexed>(std::move(objects), std::move(people))), definitions_(std::move(definitions)), sequence_(sequence) {}

Snapshot::Snapshot(const Snapshot& before, Definitions definitions, std::uint64_t sequence)
    : indexed_(before.indexed_), definitions_(std::move(definitions)), sequence_(sequence) {}

Snapshot::Indexed::Indexed(Objects all) : Indexed(all, PeopleIndex(all.users, all.groups, all.identity_connectors)) {}

Snapshot::Indexed::Indexed(Objects all, PeopleIndex people_index) : objects(std::move(all)), people(std::move(people_index)) {
  derive_scopes(objects.servers);
  const auto index_by = [](auto& index, const auto& list, auto key) {
    for (std::size_t i = 0; i < list.size(); ++i) index.emplace(key(list[i]), i);
  };
  index_by(agents, objects.agents, [](const Agent& agent) { return agent.id; });
  index_by(servers, objects.servers, [](const Server& server) { return server.id; });
  index_by(servers_by_resource, objects.servers, [](const Server& server) { return server.resource; });
  index_by(resource_as, objects.resource_authorization_servers, [](const ResourceAs& ras) { return ras.issuer; });
  index_by(trusted_issuers, objects.trusted_issuers, [](const TrustedIssuer& issuer) { return issuer.issuer; });
  index_by(api_tokens, objects.api_tokens, [](const ApiToken& token) { return token.sha256_hex; });
  index_by(connectors, objects.identity_connectors, [](const IdentityConnector& connector) { return connector.id; });
  index_by(connectors_by_issuer, objects.identity_connectors, [](const IdentityConnector& connector) { return connector.issuer; });

  std::sort(objects.authentication_levels.begin(), objects.authentication_levels.end(),
            [](const AuthenticationLevel& a, const AuthenticationLevel& b) { return a.strength < b.strength; });
  for (std::size_t i = 0; i < objects.agents.size(); ++i) {
    const Agent& agent = objects.agents[i];
    if (agent.idp) agents_at_idp.emplace(agent.idp->client_id, i);
    for (std::size_t j = 0; j < agent.resource_as.size(); ++j) {
      const auto& at = agent.resource_as[j];
      agents_at_ras.emplace(joined({at.issuer, at.registration.client_id}), std::pair{i, j});
    }
  }
}

const Agent* Snapshot::agent(std::string_view id) const { return look_up(indexed_->objects.agents, indexed_->agents, id); }
const Agent* Snapshot::agent_at_idp(std::string_view client_id) const {
  return look_up(indexed_->objects.agents, indexed_->agents_at_idp, client_id);
}
Snapshot::AtResourceAs Snapshot::agent_at_resource_as(std::string_view ras_issuer, std::string_view client_id) const {
  const auto found = indexed_->agents_at_ras.find(joined({ras_issuer, client_id}));
  if (found == indexed_->agents_at_ras.end()) return {};
  const Agent& agent = indexed_->objects.agents[found->second.first];
  return {&agent, &agent.resource_as[found->second.second].registration};
}
const Registration* Snapshot::registration_at(const Agent& agent, std::string_view ras_issuer) const {
  for (const auto& at : agent.resource_as) {
    if (at.issuer == ras_issuer) return &at.registration;
  }
  return nullptr;
}
const Server* Snapshot::server(std::string_view id) const { return look_up(indexed_->objects.servers, indexed_->servers, id); }
const Server* Snapshot::server_by_resource(std::string_view resource) const {
  return look_up(indexed_->objects.servers, indexed_->servers_by_resource, resource);
}
std::vector<const Server*> Snapshot::servers_of(std::string_view ras_issuer) const {
  std::vector<const Server*> found;
  for (const Server& server : indexed_->objects.servers) {
    if (server.resource_as == ras_issuer) found.push_back(&server);
  }
  return found;
}
const ResourceAs* Snapshot::resource_as(std::string_view issuer) const {
  return look_up(indexed_->objects.resource_authorization_servers, indexed_->resource_as, issuer);
}
const TrustedIssuer* Snapshot::trusted_issuer(std::string_view issuer) const {
  return look_up(indexed_->objects.trusted_issuers, indexed_->trusted_issuers, issuer);
}
const ApiToken* Snapshot::api_token(std::string_view sha256_hex) const {
  return look_up(indexed_->objects.api_tokens, indexed_->api_tokens, sha256_hex);
}

const IdentityConnector* Snapshot::identity_connector(std::string_view id) const { return look_up(indexed_->objects.identity_connectors, indexed_->connectors, id); }
const IdentityConnector* Snapshot::identity_connector_of(std::string_view issuer) const {
  return look_up(indexed_->objects.identity_connectors, indexed_->connectors_by_issuer, issuer);
}

std::vector<const DecisionPoint*> Snapshot::decision_points_for(std::string_view server_id) const {
  std::vector<const DecisionPoint*> found;
  for (const DecisionPoint& point : indexed_->objects.decision_points) {
    const bool asks = point.all_servers || std::find(point.servers.begin(), point.servers.end(), server_id) != point.servers.end();
    if (point.active && asks) found.push_back(&point);
  }
  std::sort(found.begin(), found.end(), [](const DecisionPoint* a, const DecisionPoint* b) { return a->id < b->id; });
  return found;
}

}  // namespace writ::registry
