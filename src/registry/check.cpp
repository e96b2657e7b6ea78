#include "registry/check.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>

#include "encoding/uri.h"
#include "oauth/scope.h"
#include "registry/authorization_options.h"
#include "registry/check_connector.h"
#include "registry/combined_server.h"
#include "registry/provisioning.h"
#include "registry/resource_as_options.h"
#include "registry/signals.h"
#include "registry/redirect_uri.h"
#include "registry/sender_constraint.h"
#include "registry/step_up_objects.h"
#include "registry/tls_client.h"
#include "registry/trust_rules.h"
#include "registry/upstream_oauth.h"
#include "registry/upstream_program.h"
#include "registry/upstream_transport.h"

namespace writ::registry {
namespace {

bool is_alphanumeric(char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9'); }
bool is_lower_or_digit(char letter) { return is_alphanumeric(letter) && !(letter >= 'A' && letter <= 'Z'); }
bool all_of(std::string_view text, bool (*predicate)(char)) { return std::all_of(text.begin(), text.end(), predicate); }
std::string lower(std::string text) {
  for (char& letter : text) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  return text;
}
std::string shown(std::string_view text) {
  std::string out = "`";
  for (const char letter : text.substr(0, 100)) out += static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F ? '?' : letter;
  return out + "`";
}

// Printable ASCII without space: what a client_id may be made of here (RFC 6749 appendix A.1 less the space, which form readers disagree on).
bool is_client_id(std::string_view text) {
  return !text.empty() && text.size() <= 256 && all_of(text, [](char letter) { return letter > 0x20 && letter < 0x7F; });
}

// A name that people type and read: no control characters, no space at the ends.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text.front() != ' ' && text.back() != ' ' &&
         all_of(text, [](char letter) { return static_cast<unsigned char>(letter) >= 0x20 && letter != 0x7F; });
}

// What may be released as `sub` or `aud_sub`.
bool is_subject_choice(std::string_view text) {
  if (text == "user_id" || text == "email" || text == "upstream_sub" || text == "pairwise") return true;
  return text.starts_with("attribute:") && text.size() > 10 &&
         all_of(text.substr(10), [](char letter) { return is_alphanumeric(letter) || letter == '_'; });
}

class Check {
 public:
  Check(const Objects& objects, const PeopleIndex& people, const Places& places) : objects_(objects), people_(people), places_(places) {
    collect(objects.agents, ids_.agents, [](const Agent& agent) { return agent.id; });
    collect(objects.servers, ids_.servers, [](const Server& server) { return server.id; });
    collect(objects.resource_authorization_servers, ids_.resource_as, [](const ResourceAs& ras) { return ras.issuer; });
  }

  Problems everything() {
    for (const Group& group : objects_.groups) {
      unique(ObjectKind::group, group.id, "id", "group", group.id, "the id " + shown(group.id));
      check(group);
    }
    check_cycles();
    for (const User& user : objects_.users) {
      unique(ObjectKind::user, user.id, "id", "user", user.id, "the id " + shown(user.id));
      // Without regard to case: `Alice` beside `alice` would be an invitation to confuse them.
      unique(ObjectKind::user, user.id, "name", "user name", lower(user.name), the_name(user));
      for (std::size_t i = 0; i < user.links.size(); ++i) {
        const auto& link = user.links[i];
        unique(ObjectKind::user, user.id, "links/" + std::to_string(i), "link", link.issuer + "\n" + link.tenant + "\n" + link.subject, kThisLink);
      }
      check(user);
    }
    check_others();
    return std::move(problems_);
  }

  Problems of(const ChangedObjects& changed) {
    // What was touched, and what refers to it or has to share a name with it; each once, in the order of the lists.
    std::map<std::string_view, const User*> users;
    std::map<std::string_view, const Group*> groups;
    const auto suspect = [&](const auto& list, auto& suspects) {
      for (const auto* one : list) suspects.emplace(one->id, one);
    };
    bool is_group_gone = false;
    for (const std::string& id : changed.groups) {
      if (const Group* group = people_.group(id)) {
        groups.emplace(group->id, group);
        continue;
      }
      is_group_gone = true;
      suspect(people_.children_of(id), groups);
      suspect(people_.members_of(id), users);
    }
    for (const std::string& id : changed.users) {
      suspect(people_.owned_by(id), users);
      const User* user = people_.user(id);
      if (!user) continue;
      users.emplace(user->id, user);
      suspect(people_.namesakes(user->name), users);
      for (const auto& link : user->links) suspect(people_.linked_to(link.issuer, link.tenant, link.subject), users);
    }
    for (const auto& [id, group] : groups) check(*group);
    if (std::any_of(groups.begin(), groups.end(), [&](const auto& group) { return contains_itself(*group.second); })) check_cycles();
    for (const auto& [id, user] : users) check_shared_names(*user), check(*user);
    if (changed.others) {
      check_others();
    } else if (is_group_gone) {
      for (const IdentityConnector& connector : objects_.identity_connectors) check(connector);
      for (const Limit& limit : objects_.limits) check(limit);
    }
    return std::move(problems_);
  }

 private:
  static constexpr const char* kThisLink = "this link (issuer, tenant, subject)";
  static std::string the_name(const User& user) { return "the name " + shown(user.name); }

  void check_others() {
    for (const ResourceAs& ras : objects_.resource_authorization_servers) check(ras);
    for (const Agent& agent : objects_.agents) check(agent);
    for (const Server& server : objects_.servers) check(server);
    for (const TrustedIssuer& issuer : objects_.trusted_issuers) check(issuer);
    for (const ApiToken& token : objects_.api_tokens) check(token);
    for (const IdentityConnector& connector : objects_.identity_connectors) check(connector);
    check_step_up_objects();
    for (const Limit& limit : objects_.limits) check(limit);
  }

  template <class List, class Key>
  static void collect(const List& list, std::vector<std::string>& out, Key key) {
    for (const auto& object : list) out.push_back(key(object));
  }

  void error(ObjectKind kind, const std::string& key, const std::string& path, std::string message) {
    problems_.push_back({places_.of(kind, key, path), std::move(message)});
  }
  // A second object with the same value of something unique.
  void unique(ObjectKind kind, const std::string& key, const std::string& path, const std::string& space, const std::string& value, const std::string& what) {
    const auto [first, is_new] = seen_.emplace(space + "\n" + value, key);
    if (!is_new) taken(kind, key, path, what, first->second);
  }
  void taken(ObjectKind kind, const std::string& key, const std::string& path, const std::string& what, std::string_view by) {
    error(kind, key, path, what + " is taken already by " + std::string(noun(kind)) + " " + shown(by));
  }
  // As unique() has it for everybody: the first in the list has it, and the others are told so.
  void check_shared_names(const User& user) {
    if (const User* first = people_.namesakes(user.name).front(); first->id != user.id) taken(ObjectKind::user, user.id, "name", the_name(user), first->id);
    for (std::size_t i = 0; i < user.links.size(); ++i) {
      const auto& link = user.links[i];
      const auto is_same = [&](const User::Link& other) { return other.issuer == link.issuer && other.tenant == link.tenant && other.subject == link.subject; };
      const User* first = people_.linked_to(link.issuer, link.tenant, link.subject).front();
      const bool is_twice = std::any_of(user.links.begin(), user.links.begin() + static_cast<std::ptrdiff_t>(i), is_same);
      if (first->id != user.id || is_twice) taken(ObjectKind::user, user.id, "links/" + std::to_string(i), kThisLink, first->id);
    }
  }
  void reference(ObjectKind kind, const std::string& key, const std::string& path, ObjectKind to, const std::string& value, const std::vector<std::string>& known) {
    if (std::find(known.begin(), known.end(), value) != known.end()) return;
    std::string message = "there is no " + std::string(noun(to)) + " " + shown(value);
    if (const std::string meant = nearest(value, known); !meant.empty()) message += "; did you mean `" + meant + "`?";
    error(kind, key, path, std::move(message));
  }
  void references(ObjectKind kind, const std::string& key, const std::string& path, ObjectKind to, const std::vector<std::string>& values, const std::vector<std::string>& known) {
    for (std::size_t i = 0; i < values.size(); ++i) reference(kind, key, path + "/" + std::to_string(i), to, values[i], known);
  }

  // The ids of all people or groups are wanted for what was probably meant, and for nothing else.
  void group_reference(ObjectKind kind, const std::string& key, const std::string& path, const std::string& value) {
    if (people_.group(value)) return;
    if (ids_.groups.empty()) collect(objects_.groups, ids_.groups, [](const Group& group) { return group.id; });
    reference(kind, key, path, ObjectKind::group, value, ids_.groups);
  }
  void group_references(ObjectKind kind, const std::string& key, const std::string& path, const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) group_reference(kind, key, path + "/" + std::to_string(i), values[i]);
  }

  void check(const Group& group) {
    constexpr auto kind = ObjectKind::group;
    if (!is_group_id(group.id)) error(kind, group.id, "id", "a group's `id` has up to 64 letters, digits and _ . @ -, and starts with a letter or digit");
    group_references(kind, group.id, "parents", group.parents);
    for (auto& [path, message] : problems_of_provisioning(group, objects_.identity_connectors)) error(kind, group.id, path, std::move(message));
  }

  bool contains_itself(const Group& group) const {
    std::set<const Group*> seen;
    std::vector<const Group*> pending{&group};
    while (!pending.empty()) {
      const Group* one = pending.back();
      pending.pop_back();
      for (const std::string& id : one->parents) {
        const Group* parent = people_.group(id);
        if (parent == &group) return true;
        if (parent && seen.insert(parent).second) pending.push_back(parent);
      }
    }
    return false;
  }

  void check_cycles() {
    std::unordered_map<std::string, const Group*> by_id;
    for (const Group& group : objects_.groups) by_id.emplace(group.id, &group);
    enum class Mark { fresh, open, done };
    std::unordered_map<std::string, Mark> marks;
    for (const Group& start : objects_.groups) {
      // Depth first without recursion: a directory can be as deep as somebody likes.
      std::vector<std::pair<const Group*, std::size_t>> path;
      if (marks[start.id] != Mark::fresh) continue;
      path.push_back({by_id[start.id], 0});
      marks[start.id] = Mark::open;
      while (!path.empty()) {
        auto& [group, next] = path.back();
        if (next == group->parents.size()) {
          marks[group->id] = Mark::done;
          path.pop_back();
          continue;
        }
        const std::size_t index = next++;
        const auto parent = by_id.find(group->parents[index]);
        if (parent == by_id.end()) continue;
        Mark& mark = marks[parent->first];
        if (mark == Mark::open) {
          std::string cycle;
          bool inside = false;
          for (const auto& [member, ignored] : path) {
            inside = inside || member->id == parent->first;
            if (inside) cycle += member->id + " → ";
          }
          error(ObjectKind::group, group->id, "parents/" + std::to_string(index), "groups contain each other: " + cycle + parent->first);
        } else if (mark == Mark::fresh) {
          mark = Mark::open;
          path.push_back({parent->second, 0});
        }
      }
    }
  }

  void check(const User& user) {
    constexpr auto kind = ObjectKind::user;
    if (!is_user_id(user.id)) error(kind, user.id, "id", "a user's `id` is usr_ and up to 64 letters, digits, _ and -");
    if (!is_name(user.name)) error(kind, user.id, "name", "a user's `name` has 1 to 128 characters, no control characters and no space at its ends");
    group_references(kind, user.id, "groups", user.groups);
    if (user.kind == User::Kind::service) {
      if (user.owner.empty()) {
        error(kind, user.id, "kind", "a service account needs `owner`: the id of the person who answers for it");
      } else {
        const User* owner = people_.user(user.owner);
        if (!owner) {
          if (ids_.users.empty()) collect(objects_.users, ids_.users, [](const User& other) { return other.id; });
          reference(kind, user.id, "owner", ObjectKind::user, user.owner, ids_.users);
        } else if (owner->kind == User::Kind::service) {
          error(kind, user.id, "owner", "the owner of a service account must be a person, not another service account");
        }
      }
    } else if (!user.owner.empty()) {
      error(kind, user.id, "owner", "only a service account has an `owner`");
    }
    for (std::size_t i = 0; i < user.links.size(); ++i) {
      const auto& link = user.links[i];
      const std::string path = "links/" + std::to_string(i);
      if (!uri::is_issuer(link.issuer)) error(kind, user.id, path + "/issuer", not_an_issuer(link.issuer));
    }
    for (auto& [path, message] : problems_of_provisioning(user, objects_.identity_connectors)) error(kind, user.id, path, std::move(message));
  }

  static std::string not_an_issuer(const std::string& text) {
    return "an issuer must be an https URL (http only on loopback) without query, fragment or user information, not " + shown(text);
  }

  void check(const ResourceAs& ras) {
    constexpr auto kind = ObjectKind::resource_as;
    if (!uri::is_issuer(ras.issuer)) error(kind, ras.issuer, "issuer", not_an_issuer(ras.issuer));
    unique(kind, ras.issuer, "issuer", "ras", ras.issuer, "the issuer " + shown(ras.issuer));
    constexpr const char* kChoices = " must be user_id, email, upstream_sub, pairwise or attribute:NAME, not ";
    if (!is_subject_choice(ras.subject)) error(kind, ras.issuer, "subject", "`subject`" + std::string(kChoices) + shown(ras.subject));
    if (!ras.tenant.empty() && !is_name(ras.tenant)) error(kind, ras.issuer, "tenant", "a tenant has up to 128 printable characters, not " + shown(ras.tenant));
    if (!ras.aud_sub.empty() && !is_subject_choice(ras.aud_sub)) error(kind, ras.issuer, "aud_sub", "`aud_sub`" + std::string(kChoices) + shown(ras.aud_sub));
    for (const auto& [path, message] : problems_of_options(ras, is_subject_choice)) error(kind, ras.issuer, path, message);
  }

  void check_registration(const std::string& agent, const std::string& path, const Registration& registration, bool at_idp) {
    constexpr auto kind = ObjectKind::agent;
    const auto at = [&](const char* member) { return path + "/" + member; };
    if (!is_client_id(registration.client_id)) error(kind, agent, at("client_id"), "a `client_id` has up to 256 printable ASCII characters without spaces");
    if (registration.device_keys && registration.authentication == ClientAuthentication::client_secret) {
      error(kind, agent, at("authentication"), "`device_keys` does not go with `client_secret`: each device brings its own key");
    }
    if (const std::string problem = constraint_problem(registration, at_idp); !problem.empty()) error(kind, agent, at(kDpopBound), problem);
    if (registration.authentication != ClientAuthentication::client_secret && !registration.secrets.empty()) {
      error(kind, agent, at("authentication"), "secrets are of no use with this `authentication`: remove them, or write `authentication: client_secret`");
    }
    if (registration.authentication != ClientAuthentication::private_key_jwt && (!registration.jwks.empty() || !registration.jwks_uri.empty())) {
      error(kind, agent, at("authentication"), "keys are of no use with this `authentication`: write `authentication: private_key_jwt`");
    }
    for (auto& [member, sentence] : problems_with_tls_client(registration)) error(kind, agent, path + "/" + member, std::move(sentence));
    for (auto& sentence : problems_with_authorization_options(registration)) error(kind, agent, at("metadata_document"), std::move(sentence));
    if (registration.authentication == ClientAuthentication::private_key_jwt && !registration.device_keys && !registration.metadata_document) {
      // At somebody else's authorization server only the client_id counts; at the IdP there must be something to check against.
      if (at_idp && registration.jwks.empty() && registration.jwks_uri.empty()) {
        error(kind, agent, at("authentication"), "`private_key_jwt` needs the public keys: `jwks` or `jwks_uri`");
      }
      if (!registration.jwks.empty() && !registration.jwks_uri.empty()) error(kind, agent, at("jwks_uri"), "write either `jwks` or `jwks_uri`, not both");
    }
    if (!registration.jwks_uri.empty()) {
      const auto parsed = uri::parse(registration.jwks_uri);
      if (!parsed || !uri::is_secure_or_loopback(*parsed)) {
        error(kind, agent, at("jwks_uri"), "`jwks_uri` must be an https URL (http only on loopback), not " + shown(registration.jwks_uri));
      }
    }
    for (std::size_t i = 0; i < registration.redirect_uris.size(); ++i) {
      if (is_redirect_uri(registration.redirect_uris[i])) continue;
      error(kind, agent, at("redirect_uris/") + std::to_string(i),
            "a redirect URI must be https, http on loopback, or a private scheme such as com.example.app:/callback; exact, without `*` or fragment, not " +
                shown(registration.redirect_uris[i]));
    }
  }

  void check(const Agent& agent) {
    constexpr auto kind = ObjectKind::agent;
    if (!is_agent_id(agent.id)) error(kind, agent.id, "id", "an agent's `id` has up to 64 lower-case letters, digits, _ and -, and starts with a letter or digit");
    unique(kind, agent.id, "id", "agent", agent.id, "the id " + shown(agent.id));
    if (agent.idp) {
      check_registration(agent.id, "idp", *agent.idp, true);
      unique(kind, agent.id, "idp/client_id", "client at idp", agent.idp->client_id, "the client_id " + shown(agent.idp->client_id) + " at the identity provider");
    }
    for (std::size_t i = 0; i < agent.resource_as.size(); ++i) {
      const auto& at = agent.resource_as[i];
      const std::string path = "resource_authorization_servers/" + std::to_string(i);
      reference(kind, agent.id, path + "/issuer", ObjectKind::resource_as, at.issuer, ids_.resource_as);
      check_registration(agent.id, path, at.registration, false);
      for (std::size_t j = 0; j < i; ++j) {
        if (agent.resource_as[j].issuer == at.issuer) error(kind, agent.id, path + "/issuer", "the agent is registered twice at " + shown(at.issuer));
      }
      // Two agents behind one client_id could not be told apart (IDJAG-53).
      unique(kind, agent.id, path + "/client_id", "client at " + at.issuer, at.registration.client_id,
             "the client_id " + shown(at.registration.client_id) + " at " + shown(at.issuer));
    }
  }

  void check(const Server& server) {
    constexpr auto kind = ObjectKind::server;
    if (!is_server_id(server.id)) error(kind, server.id, "id", "a server's `id` has up to 32 lower-case letters, digits and -");
    unique(kind, server.id, "id", "server", server.id, "the id " + shown(server.id));
    if (!uri::is_resource(server.resource)) {
      error(kind, server.id, "resource", "`resource` must be an https URL (http only on loopback) without fragment or user information, not " + shown(server.resource));
    }
    unique(kind, server.id, "resource", "resource", server.resource, "the resource " + shown(server.resource));
    reference(kind, server.id, "resource_authorization_server", ObjectKind::resource_as, server.resource_as, ids_.resource_as);
    if (server.upstream) {
      for (auto& [path, message] : problems_of_transport(*server.upstream)) error(kind, server.id, "upstream/" + path, std::move(message));
      for (auto& [path, message] : problems_of_program(*server.upstream)) error(kind, server.id, "upstream/" + path, std::move(message));
      for (const auto& [path, message] : problems_of_credentials(server, ids_.resource_as)) error(kind, server.id, "upstream/" + path, message);
    }
    references(kind, server.id, "members", ObjectKind::server, server.members, ids_.servers);
    for (auto& [path, message] : problems_of_combined(server, objects_.servers)) error(kind, server.id, path, std::move(message));
    std::vector<std::string> names;
    for (const Scope& scope : server.scopes) names.push_back(scope.name);
    for (auto& [path, message] : problems_of_details_types(server)) error(kind, server.id, path, std::move(message));
    for (std::size_t i = 0; i < server.scopes.size(); ++i) {
      const Scope& scope = server.scopes[i];
      const std::string path = "scopes/" + std::to_string(i);
      const auto parsed = oauth::ScopeSet::parse(scope.name);
      if (!parsed || parsed->values().size() != 1) error(kind, server.id, path + "/name", "a scope is one word of printable ASCII without quotes and backslashes, not " + shown(scope.name));
      if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), scope.name) != names.begin() + static_cast<std::ptrdiff_t>(i)) {
        error(kind, server.id, path + "/name", "the scope " + shown(scope.name) + " is there twice");
      }
      for (std::size_t j = 0; j < scope.implies.size(); ++j) {
        if (std::find(names.begin(), names.end(), scope.implies[j]) != names.end()) continue;
        std::string message = "this server has no scope " + shown(scope.implies[j]);
        if (const std::string meant = nearest(scope.implies[j], names); !meant.empty()) message += "; did you mean `" + meant + "`?";
        error(kind, server.id, path + "/implies/" + std::to_string(j), std::move(message));
      }
    }
  }

  void check(const TrustedIssuer& issuer) {
    constexpr auto kind = ObjectKind::trusted_issuer;
    if (!uri::is_issuer(issuer.issuer)) error(kind, issuer.issuer, "issuer", not_an_issuer(issuer.issuer));
    unique(kind, issuer.issuer, "issuer", "trusted issuer", issuer.issuer, "the issuer " + shown(issuer.issuer));
    if (!issuer.jwks_uri.empty()) {
      const auto parsed = uri::parse(issuer.jwks_uri);
      if (!parsed || !uri::is_secure_or_loopback(*parsed)) error(kind, issuer.issuer, "jwks_uri", "`jwks_uri` must be an https URL (http only on loopback), not " + shown(issuer.jwks_uri));
    }
    references(kind, issuer.issuer, "clients", ObjectKind::agent, issuer.clients, ids_.agents);
    for (auto& [path, message] : problems_of_trust_rules(issuer, ids_.agents)) error(kind, issuer.issuer, path, std::move(message));
    if (!issuer.all_clients && issuer.clients.empty()) {
      problems_.push_back({places_.of(kind, issuer.issuer, "clients"), "no agent may redeem ID-JAGs of this issuer: an empty list names nobody; name agents, or write `clients: all`", true});
    }
  }

  void check_step_up_objects() {
    for (const AuthenticationLevel& level : objects_.authentication_levels) {
      constexpr auto kind = ObjectKind::authentication_level;
      if (!is_agent_id(level.id)) error(kind, level.id, "id", "an authentication level's `id` has up to 64 lower-case letters, digits, _ and -");
      unique(kind, level.id, "id", "authentication level", level.id, "the id " + shown(level.id));
      unique(kind, level.id, "strength", "strength", std::to_string(level.strength), "the strength " + std::to_string(level.strength));
      for (const auto& [path, message] : problems_of(level)) error(kind, level.id, path, message);
    }
    std::vector<std::string> servers;
    collect(objects_.servers, servers, [](const Server& server) { return server.id; });
    for (const DecisionPoint& point : objects_.decision_points) {
      constexpr auto kind = ObjectKind::decision_point;
      if (!is_agent_id(point.id)) error(kind, point.id, "id", "a decision point's `id` has up to 64 lower-case letters, digits, _ and -");
      unique(kind, point.id, "id", "decision point", point.id, "the id " + shown(point.id));
      references(kind, point.id, "servers", ObjectKind::server, point.servers, servers);
      for (const auto& [path, message] : problems_of(point)) error(kind, point.id, path, message);
      if (!point.all_servers && point.servers.empty()) {
        problems_.push_back({places_.of(kind, point.id, "servers"), "this decision point is asked about nothing: name servers, or write `servers: all`", true});
      }
    }
  }

  void check(const ApiToken& token) {
    constexpr auto kind = ObjectKind::api_token;
    if (!is_agent_id(token.id)) error(kind, token.id, "id", "an API token's `id` has up to 64 lower-case letters, digits, _ and -");
    unique(kind, token.id, "id", "api token", token.id, "the id " + shown(token.id));
    if (token.sha256_hex.empty()) {
      error(kind, token.id, "", "an API token needs `token_file` or `token_sha256`");
    } else {
      unique(kind, token.id, "", "api token value", token.sha256_hex, "this token's value");
    }
    for (auto& [path, message] : problems_of_provisioning(token, objects_.identity_connectors)) error(kind, token.id, path, std::move(message));
    for (const auto& [path, message] : problems_of_signals(token, ids_.resource_as)) error(kind, token.id, path, message);
  }

  void check(const IdentityConnector& connector) {
    constexpr auto kind = ObjectKind::identity_connector;
    if (!is_agent_id(connector.id)) error(kind, connector.id, "id", "an identity connector's `id` has up to 64 lower-case letters, digits, _ and -");
    unique(kind, connector.id, "id", "connector", connector.id, "the id " + shown(connector.id));
    if (!uri::is_issuer(connector.issuer)) error(kind, connector.id, "issuer", not_an_issuer(connector.issuer));
    // A token of this issuer must lead to one connector, and an address to one provider.
    unique(kind, connector.id, "issuer", "connector issuer", connector.issuer, "the issuer " + shown(connector.issuer));
    for (std::size_t i = 0; i < connector.domains.size(); ++i) {
      unique(kind, connector.id, "domains/" + std::to_string(i), "connector domain", connector.domains[i], "the domain " + shown(connector.domains[i]));
    }
    for (const auto& [value, group] : connector.groups) group_reference(kind, connector.id, "groups/" + value, group);
    for (const auto& [client, agent] : connector.subject_clients) reference(kind, connector.id, "subject_clients/" + client, ObjectKind::agent, agent, ids_.agents);
    if (connector.saml) {
      unique(kind, connector.id, "saml/entity_id", "connector entity", connector.saml->entity_id, "the entity ID " + shown(connector.saml->entity_id));
      for (const auto& [audience, agent] : connector.saml->audiences) reference(kind, connector.id, "saml/audiences/" + audience, ObjectKind::agent, agent, ids_.agents);
    }
    for (const ConnectorProblem& problem : problems_of(connector)) {
      problems_.push_back({places_.of(kind, connector.id, problem.path), problem.message, problem.is_warning});
    }
  }

  void check(const Limit& limit) {
    constexpr auto kind = ObjectKind::limit;
    if (!is_agent_id(limit.id)) error(kind, limit.id, "id", "a limit's `id` has up to 64 lower-case letters, digits, _ and -, and starts with a letter or digit");
    unique(kind, limit.id, "id", "limit", limit.id, "the id " + shown(limit.id));
    group_references(kind, limit.id, "groups", limit.groups);
    references(kind, limit.id, "agents", ObjectKind::agent, limit.agents, ids_.agents);
    references(kind, limit.id, "servers", ObjectKind::server, limit.servers, ids_.servers);
    const bool limits_something = limit.requests_per_minute || limit.concurrent_calls || limit.calls_per_day || limit.bytes_per_day;
    if (!limits_something) error(kind, limit.id, "", "a limit needs `requests_per_minute`, `concurrent_calls`, `calls_per_day` or `bytes_per_day`");
    if (limit.burst && !limit.requests_per_minute) error(kind, limit.id, "burst", "`burst` goes with `requests_per_minute`");
  }

  const Objects& objects_;
  const PeopleIndex& people_;
  const Places& places_;
  struct {
    std::vector<std::string> users, groups, agents, servers, resource_as;
  } ids_;
  std::unordered_map<std::string, std::string> seen_;
  Problems problems_;
};

}  // namespace

bool is_server_id(std::string_view text) {
  return !text.empty() && text.size() <= 32 && all_of(text, [](char letter) { return is_lower_or_digit(letter) || letter == '-'; });
}
bool is_agent_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_lower_or_digit(text.front()) &&
         all_of(text, [](char letter) { return is_lower_or_digit(letter) || letter == '_' || letter == '-'; });
}
bool is_group_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_alphanumeric(text.front()) &&
         all_of(text, [](char letter) { return is_alphanumeric(letter) || letter == '_' || letter == '.' || letter == '@' || letter == '-'; });
}
bool is_user_id(std::string_view text) {
  return text.starts_with("usr_") && text.size() > 4 && text.size() <= 68 &&
         all_of(text.substr(4), [](char letter) { return is_alphanumeric(letter) || letter == '_' || letter == '-'; });
}

Places::Places(const std::vector<Declared>& declared) {
  for (const Declared& object : declared) add(object.kind, object.key, object.node);
}

void Places::add(ObjectKind kind, std::string key, const Node& node) { nodes_.insert_or_assign({kind, std::move(key)}, node); }

Position Places::of(ObjectKind kind, std::string_view key, std::string_view path) const {
  const auto found = nodes_.find({kind, std::string(key)});
  if (found == nodes_.end()) {
    Position at;
    at.file = "/" + std::string(collection(kind)) + "/" + std::string(key);
    if (!path.empty()) at.file += "/" + std::string(path);
    return at;
  }
  const Node* node = &found->second;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    const auto step = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    const Node* next = node->find(step);
    std::size_t index = 0;
    if (!next && std::from_chars(step.data(), step.data() + step.size(), index).ec == std::errc{} && index < node->items.size()) next = &node->items[index];
    if (!next) break;
    node = next;
  }
  return node->at;
}

Problems check_definition(const Definition& definition, const std::vector<std::string>& servers, const Places& places) {
  Problems problems;
  const std::string key = definition.key();
  if (std::find(servers.begin(), servers.end(), definition.server) == servers.end()) {
    std::string message = "there is no server " + shown(definition.server);
    if (const std::string meant = nearest(definition.server, servers); !meant.empty()) message += "; did you mean `" + meant + "`?";
    problems.push_back({places.of(definition.kind, key, "id"), std::move(message)});
  }
  for (std::size_t i = 0; i < definition.groups.size(); ++i) {
    if (is_group_id(definition.groups[i])) continue;
    problems.push_back({places.of(definition.kind, key, "groups/" + std::to_string(i)), "a tool group has up to 64 letters, digits and _ . @ -, and starts with a letter or digit"});
  }
  return problems;
}

Problems check_objects(const Objects& objects, const Places& places) {
  return check_objects(objects, PeopleIndex(objects.users, objects.groups, objects.identity_connectors), places);
}
Problems check_objects(const Objects& objects, const PeopleIndex& people, const Places& places) { return Check(objects, people, places).everything(); }

Problems check_change(const Objects& objects, const PeopleIndex& people, const ChangedObjects& changed, const Places& places) {
  return Check(objects, people, places).of(changed);
}

}  // namespace writ::registry
