#include "registry/snapshot.h"

#include <algorithm>
#include <set>

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

// A walk over the parents; a group is visited once, so it ends even where check_objects was not asked.
std::vector<std::string> with_parents(const std::vector<std::string>& direct, const std::vector<Group>& groups,
                                      const std::unordered_map<std::string, std::size_t>& index) {
  std::vector<std::string> found;
  std::set<std::string> seen;
  std::vector<std::string> pending(direct.rbegin(), direct.rend());
  while (!pending.empty()) {
    std::string id = std::move(pending.back());
    pending.pop_back();
    const auto group = index.find(id);
    // A group that does not exist gives nobody anything.
    if (group == index.end() || !seen.insert(id).second) continue;
    const auto& parents = groups[group->second].parents;
    pending.insert(pending.end(), parents.rbegin(), parents.rend());
    found.push_back(std::move(id));
  }
  return found;
}

}  // namespace

namespace {

// What is kept on a link is a copy of what a provider said under the allow-list of then; the list of now decides whether it counts.
template <class FindConnector>
void add_link_groups(const User& user, const FindConnector& connector_of, std::vector<std::string>& groups) {
  for (const auto& link : user.links) {
    const IdentityConnector* connector = link.groups.empty() ? nullptr : connector_of(link.issuer);
    if (!connector || !connector->active) continue;
    for (const std::string& group : link.groups) {
      const bool is_mapped = std::any_of(connector->groups.begin(), connector->groups.end(), [&](const auto& row) { return row.second == group; });
      if (is_mapped) groups.push_back(group);
    }
  }
}

}  // namespace

Snapshot::Snapshot(Objects objects, std::uint64_t sequence, Definitions definitions)
    : indexed_(std::make_shared<const Indexed>(std::move(objects))), definitions_(std::move(definitions)), sequence_(sequence) {}

Snapshot::Snapshot(const Snapshot& before, Definitions definitions, std::uint64_t sequence)
    : indexed_(before.indexed_), definitions_(std::move(definitions)), sequence_(sequence) {}

Snapshot::Indexed::Indexed(Objects all) : objects(std::move(all)) {
  derive_scopes(objects.servers);
  const auto index_by = [](auto& index, const auto& list, auto key) {
    for (std::size_t i = 0; i < list.size(); ++i) index.emplace(key(list[i]), i);
  };
  index_by(users_by_id, objects.users, [](const User& user) { return user.id; });
  index_by(users_by_name, objects.users, [](const User& user) { return user.name; });
  index_by(groups, objects.groups, [](const Group& group) { return group.id; });
  index_by(agents, objects.agents, [](const Agent& agent) { return agent.id; });
  index_by(servers, objects.servers, [](const Server& server) { return server.id; });
  index_by(servers_by_resource, objects.servers, [](const Server& server) { return server.resource; });
  index_by(resource_as, objects.resource_authorization_servers, [](const ResourceAs& ras) { return ras.issuer; });
  index_by(trusted_issuers, objects.trusted_issuers, [](const TrustedIssuer& issuer) { return issuer.issuer; });
  index_by(api_tokens, objects.api_tokens, [](const ApiToken& token) { return token.sha256_hex; });
  index_by(connectors, objects.identity_connectors, [](const IdentityConnector& connector) { return connector.id; });
  index_by(connectors_by_issuer, objects.identity_connectors, [](const IdentityConnector& connector) { return connector.issuer; });
  const auto connector_of = [this](const std::string& issuer) { return look_up(objects.identity_connectors, connectors_by_issuer, issuer); };

  std::sort(objects.authentication_levels.begin(), objects.authentication_levels.end(),
            [](const AuthenticationLevel& a, const AuthenticationLevel& b) { return a.strength < b.strength; });
  for (std::size_t i = 0; i < objects.users.size(); ++i) {
    const User& user = objects.users[i];
    for (const auto& link : user.links) users_by_link.emplace(joined({link.issuer, link.tenant, link.subject}), i);
    std::vector<std::string> direct = user.groups;
    add_link_groups(user, connector_of, direct);
    groups_of.emplace(user.id, with_parents(direct, objects.groups, groups));
  }
  for (std::size_t i = 0; i < objects.agents.size(); ++i) {
    const Agent& agent = objects.agents[i];
    if (agent.idp) agents_at_idp.emplace(agent.idp->client_id, i);
    for (std::size_t j = 0; j < agent.resource_as.size(); ++j) {
      const auto& at = agent.resource_as[j];
      agents_at_ras.emplace(joined({at.issuer, at.registration.client_id}), std::pair{i, j});
    }
  }
}

const User* Snapshot::user(std::string_view id) const { return look_up(indexed_->objects.users, indexed_->users_by_id, id); }
const User* Snapshot::user_by_name(std::string_view name) const { return look_up(indexed_->objects.users, indexed_->users_by_name, name); }
const User* Snapshot::user_by_link(std::string_view issuer, std::string_view tenant, std::string_view subject) const {
  return look_up(indexed_->objects.users, indexed_->users_by_link, joined({issuer, tenant, subject}));
}
const Group* Snapshot::group(std::string_view id) const { return look_up(indexed_->objects.groups, indexed_->groups, id); }
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

const std::vector<std::string>& Snapshot::groups_of(const User& user) const {
  static const std::vector<std::string> none;
  const auto found = indexed_->groups_of.find(user.id);
  return found == indexed_->groups_of.end() ? none : found->second;
}

}  // namespace writ::registry
