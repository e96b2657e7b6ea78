#include "registry/plan.h"

#include <algorithm>
#include <set>

#include "registry/provisioning.h"

namespace writ::registry {
namespace {

// Credentials that a document does not mention stay as they are.
void keep_secrets(json::Value& wanted, const json::Value* present) {
  if (wanted.find("secrets") || !present) return;
  if (const json::Value* kept = present->find("secrets")) wanted.set("secrets", *kept);
}

const json::Value* registration_at(const json::Value& agent, std::string_view issuer) {
  const auto* list = agent.find_array("resource_authorization_servers");
  if (!list) return nullptr;
  for (const auto& registration : *list) {
    const auto* at = registration.find_string("issuer");
    if (at && *at == issuer) return &registration;
  }
  return nullptr;
}

void keep_unmentioned(ObjectKind kind, json::Value& wanted, const json::Value& present) {
  if (is_definition(kind)) {
    // What the server says now, and what was refused of it, are no business of files.
    for (const char* member : {"pending", "rejected"}) {
      if (const json::Value* kept = present.find(member); kept && !wanted.find(member)) wanted.set(member, *kept);
    }
    return;
  }
  if (kind == ObjectKind::user) {
    if (const json::Value* kept = present.find("password_hash"); kept && !wanted.find("password_hash")) wanted.set("password_hash", *kept);
  } else if (kind == ObjectKind::api_token) {
    if (const json::Value* kept = present.find("token_sha256"); kept && !wanted.find("token_sha256")) wanted.set("token_sha256", *kept);
  } else if (kind == ObjectKind::identity_connector) {
    // It was sealed for one issuer. Under another it would not open, and the answer now is better than a failed sign-in later.
    const auto* method = wanted.find_string("client_authentication");
    const bool is_mentioned = wanted.find("client_secret_sealed") || wanted.find("client_secret_file") || (method && *method == "none");
    const auto* now = wanted.find_string("issuer");
    const auto* then = present.find_string("issuer");
    const json::Value* kept = present.find("client_secret_sealed");
    if (kept && !is_mentioned && now && then && *now == *then) wanted.set("client_secret_sealed", *kept);
  } else if (kind == ObjectKind::agent) {
    if (const json::Value* idp = wanted.find("idp")) {
      json::Value changed = *idp;
      // A public client has no secrets to keep.
      if (const auto* method = changed.find_string("authentication"); method && *method == "client_secret") keep_secrets(changed, present.find("idp"));
      wanted.set("idp", std::move(changed));
    }
    if (const auto* list = wanted.find_array("resource_authorization_servers")) {
      json::Array changed = *list;
      for (auto& registration : changed) {
        const auto* issuer = registration.find_string("issuer");
        const auto* method = registration.find_string("authentication");
        if (issuer && method && *method == "client_secret") keep_secrets(registration, registration_at(present, *issuer));
      }
      wanted.set("resource_authorization_servers", std::move(changed));
    }
  }
}

bool is_credential(std::string_view name) {
  return name == "password_hash" || name == "token_sha256" || name == "secrets" || name == "client_secret_sealed" || name.ends_with(".secrets");
}

// Members that differ, nested mappings by their own members, registrations by their issuer.
void compare(const json::Value& before, const json::Value& after, const std::string& prefix, std::vector<MemberChange>& out) {
  const auto note = [&](const std::string& name, const json::Value* old_value, const json::Value* new_value) {
    if (old_value && new_value && *old_value == *new_value) return;
    if (old_value && new_value && old_value->is_object() && new_value->is_object()) return compare(*old_value, *new_value, name + ".", out);
    const auto text = [&](const json::Value* value) { return !value ? "" : is_credential(name) ? "(hidden)" : json::write(*value); };
    out.push_back({name, text(old_value), text(new_value)});
  };
  const auto members = [&](const json::Value& value) {
    std::vector<std::pair<std::string, const json::Value*>> list;
    for (const auto& member : *value.as_object()) {
      const auto* array = member.value.as_array();
      if (member.name == "resource_authorization_servers" && array) {
        for (const auto& item : *array) {
          const auto* issuer = item.find_string("issuer");
          list.emplace_back(prefix + member.name + "[" + (issuer ? *issuer : "?") + "]", &item);
        }
      } else {
        list.emplace_back(prefix + member.name, &member.value);
      }
    }
    return list;
  };
  const auto olds = members(before), news = members(after);
  const auto find = [](const auto& list, const std::string& name) -> const json::Value* {
    for (const auto& [key, value] : list) {
      if (key == name) return value;
    }
    return nullptr;
  };
  for (const auto& [name, value] : olds) note(name, value, find(news, name));
  for (const auto& [name, value] : news) {
    if (!find(olds, name)) note(name, nullptr, value);
  }
}

std::string name_of(const json::Value& document) {
  for (const char* member : {"name", "display_name"}) {
    if (const auto* name = document.find_string(member)) return *name;
  }
  return {};
}

// The canonical form: read back and written again, so that a document is compared with what the store would hold.
Result<json::Value, Problems> canonical(ObjectKind kind, const json::Value& document) {
  if (is_definition(kind)) {
    const Definition definition = TRY(read_stored_definition(kind, document));
    return write(definition);
  }
  const Objects objects = TRY(read_all({{kind, document}}));
  switch (kind) {
    case ObjectKind::user: return write(objects.users.front());
    case ObjectKind::group: return write(objects.groups.front());
    case ObjectKind::agent: return write(objects.agents.front());
    case ObjectKind::server: return write(objects.servers.front());
    case ObjectKind::resource_as: return write(objects.resource_authorization_servers.front());
    case ObjectKind::trusted_issuer: return write(objects.trusted_issuers.front());
    case ObjectKind::api_token: return write(objects.api_tokens.front());
    case ObjectKind::identity_connector: return write(objects.identity_connectors.front());
    case ObjectKind::authentication_level: return write(objects.authentication_levels.front());
    case ObjectKind::decision_point: return write(objects.decision_points.front());
    case ObjectKind::limit: return write(objects.limits.front());
    default: break;
  }
  return json::Value();
}

// A user without id is the one of that name, or a new one.
void identify(Declared& declared, const Catalogue& present, const PlanRules& rules) {
  if (declared.kind != ObjectKind::user || !declared.key.empty()) return;
  if (rules.before) {
    if (const User* user = rules.before->user_by_name(declared.name)) declared.key = user->id;
  } else {
    const auto found = std::find_if(present.users.begin(), present.users.end(), [&](const User& user) { return user.name == declared.name; });
    if (found != present.users.end()) declared.key = found->id;
  }
  if (declared.key.empty()) declared.key = rules.new_user_id();
  json::Value document = json::Object{{"id", json::Value(declared.key)}};
  for (const auto& member : *declared.document.as_object()) {
    if (member.name != "id") document.set(member.name, member.value);
  }
  declared.document = std::move(document);
}

void set_password(Declared& declared, const StoredObject* present, const PlanRules& rules) {
  if (!declared.password) return;
  const auto* hash = present ? present->document.find_string("password_hash") : nullptr;
  // The same password again is no change, although a new hash would differ by its salt.
  const bool same = hash && rules.verify_password(*declared.password, *hash);
  declared.document.set("password_hash", same ? *hash : rules.hash_password(*declared.password));
}

// Absent: done, or there was nothing to do.
std::optional<std::string> seal_client_secret(Declared& declared, const StoredObject* present, const PlanRules& rules) {
  if (!declared.client_secret) return std::nullopt;
  if (!rules.seal_secret) return "this process has no key to seal secrets with: write `client_secret_file`";
  const auto* issuer = declared.document.find_string("issuer");
  const std::string purpose = sealing_purpose(issuer ? *issuer : std::string());
  const auto* sealed = present ? present->document.find_string("client_secret_sealed") : nullptr;
  // Sealing is different every time; the same secret again is no change.
  const bool same = sealed && rules.is_sealed && rules.is_sealed(*declared.client_secret, *sealed, purpose);
  declared.document.set("client_secret_sealed", same ? *sealed : rules.seal_secret(*declared.client_secret, purpose));
  return std::nullopt;
}

// The definitions afterwards. Only those that change are looked at.
void finish_definitions(Plan& plan, const Catalogue& present, const std::vector<std::string>& servers, const Places& places) {
  plan.definitions = present.definitions;
  for (const ObjectChange& change : plan.changes) {
    if (!is_definition(change.kind)) continue;
    if (!change.document) {
      plan.definitions.erase(change.kind, change.key);
      continue;
    }
    auto definition = read_stored_definition(change.kind, *change.document);
    if (!definition) {
      plan.problems.insert(plan.problems.end(), definition.error().begin(), definition.error().end());
      continue;
    }
    const Problems problems = check_definition(*definition, servers, places);
    plan.problems.insert(plan.problems.end(), problems.begin(), problems.end());
    definition->version = present.sequence + 1;
    plan.definitions.set(std::make_shared<const Definition>(std::move(*definition)));
  }
  // What a server that is gone said about itself must not be there when another takes its name.
  for (const std::string& server : plan.definitions.servers()) {
    if (std::find(servers.begin(), servers.end(), server) != servers.end()) continue;
    const Definitions::Shelf shelf = *plan.definitions.of(server);
    for (const auto& [key, definition] : shelf) {
      plan.definitions.erase(definition->kind, definition->key());
      plan.dropped.emplace_back(definition->kind, definition->key());
    }
  }
}

// The plan's result as objects, checked.
void finish(Plan& plan, const Catalogue& present, const Places& places, const PlanRules& rules) {
  std::vector<std::string> servers;
  plan.changes_objects = std::any_of(plan.changes.begin(), plan.changes.end(), [](const ObjectChange& change) { return !is_definition(change.kind); });
  if (!plan.changes_objects) {
    for (auto at = present.others->lower_bound({ObjectKind::server, std::string()}); at != present.others->end() && at->first.first == ObjectKind::server; ++at) {
      servers.push_back(at->first.second);
    }
    return finish_definitions(plan, present, servers, places);
  }
  Catalogue afterwards;
  afterwards.users = present.users, afterwards.groups = present.groups, afterwards.others = present.others;
  std::vector<ObjectKey> changed;
  for (const ObjectChange& change : plan.changes) {
    if (is_definition(change.kind)) continue;
    changed.emplace_back(change.kind, change.key);
    // INVARIANT: canonical() has read the document before.
    if (change.document) static_cast<void>(put(afterwards, change.kind, change.key, {present.sequence + 1, *change.document}));
    else remove(afterwards, change.kind, change.key);
  }
  auto after = change_objects(rules.before, afterwards, changed, places);
  if (!after) {
    plan.problems.insert(plan.problems.end(), after.error().begin(), after.error().end());
    return;
  }
  plan.problems.insert(plan.problems.end(), after->problems.begin(), after->problems.end());
  // Only of a change that is about them: a configuration that no longer fits what is stored must not keep people from being disabled.
  const bool is_about_servers = std::any_of(plan.changes.begin(), plan.changes.end(), [](const ObjectChange& change) { return change.kind == ObjectKind::server || change.kind == ObjectKind::agent; });
  if (rules.check_deployment && is_about_servers) {
    const Problems here = rules.check_deployment(after->objects, places);
    plan.problems.insert(plan.problems.end(), here.begin(), here.end());
  }
  plan.objects = std::move(after->objects), plan.people = std::move(after->people);
  for (const Server& server : plan.objects.servers) servers.push_back(server.id);
  finish_definitions(plan, present, servers, places);
}

}  // namespace

std::string_view to_string(ObjectChange::Action action) {
  switch (action) {
    case ObjectChange::Action::create: return "create";
    case ObjectChange::Action::update: return "update";
    case ObjectChange::Action::remove: return "remove";
  }
  return "unknown";
}

Plan plan(const Catalogue& present, std::vector<Declared> declared, const PlanRules& rules) {
  Plan plan;
  plan.base_sequence = present.sequence;
  Places places;
  std::set<std::pair<ObjectKind, std::string>> mentioned;
  for (Declared& object : declared) {
    identify(object, present, rules);
    places.add(object.kind, object.key, object.node);
    mentioned.insert({object.kind, object.key});
    const std::optional<StoredObject> found = present.find(object.kind, object.key);
    const StoredObject* stored = found ? &*found : nullptr;
    if (!stored && object.kind == ObjectKind::user && present.retired_user_ids.contains(object.key)) {
      // The removed person's tokens, records and grants elsewhere would become the new one's.
      plan.problems.push_back({places.of(object.kind, object.key, "id"), "the id `" + object.key + "` belonged to a user who was removed, and is never used again"});
      continue;
    }
    set_password(object, stored, rules);
    if (auto problem = seal_client_secret(object, stored, rules)) {
      plan.problems.push_back({places.of(object.kind, object.key, "client_secret"), std::move(*problem)});
      continue;
    }
    if (stored) keep_unmentioned(object.kind, object.document, stored->document);
    auto document = canonical(object.kind, object.document);
    if (!document) {
      plan.problems.insert(plan.problems.end(), document.error().begin(), document.error().end());
      continue;
    }
    ObjectChange change{stored ? ObjectChange::Action::update : ObjectChange::Action::create, object.kind, object.key, name_of(*document), {}, *document};
    if (stored) {
      compare(stored->document, *document, "", change.members);
      if (change.members.empty()) continue;
    }
    plan.changes.push_back(std::move(change));
  }
  for (const ObjectKind kind : kObjectKinds) {
    const bool is_spoken_of = std::find(rules.spoken_of.begin(), rules.spoken_of.end(), kind) != rules.spoken_of.end();
    if (!is_spoken_of || is_definition(kind)) continue;
    present.for_each(kind, [&](const std::string& key, const StoredObject& object) {
      if (mentioned.contains({kind, key}) || is_provisioned(object.document)) return;
      if (rules.prune) plan.changes.push_back({ObjectChange::Action::remove, kind, key, name_of(object.document), {}, std::nullopt});
      else plan.missing.emplace_back(kind, key);
    });
  }
  for (const auto& [kind, key] : rules.removals) {
    const auto found = present.find(kind, key);
    if (found && !mentioned.contains({kind, key})) plan.changes.push_back({ObjectChange::Action::remove, kind, key, name_of(found->document), {}, std::nullopt});
  }
  for (const ObjectKind kind : rules.spoken_of) {
    // A file with three tools does not say that the other thousand are missing; only pruning does.
    if (!is_definition(kind) || !rules.prune) continue;
    present.definitions.for_each(kind, [&](const std::shared_ptr<const Definition>& definition) {
      if (mentioned.contains({kind, definition->key()})) return;
      plan.changes.push_back({ObjectChange::Action::remove, kind, definition->key(), definition->name, {}, std::nullopt});
    });
  }
  const auto order = [](ObjectKind kind) { return std::find(std::begin(kObjectKinds), std::end(kObjectKinds), kind) - std::begin(kObjectKinds); };
  std::stable_sort(plan.changes.begin(), plan.changes.end(), [&](const ObjectChange& a, const ObjectChange& b) {
    return std::pair(order(a.kind), a.key) < std::pair(order(b.kind), b.key);
  });
  finish(plan, present, places, rules);
  return plan;
}

Plan plan_removal(const Catalogue& present, ObjectKind kind, std::string_view key, const Snapshot* before) {
  Plan plan;
  plan.base_sequence = present.sequence;
  if (const auto found = present.find(kind, std::string(key))) {
    plan.changes.push_back({ObjectChange::Action::remove, kind, std::string(key), name_of(found->document), {}, std::nullopt});
  }
  PlanRules rules;
  rules.before = before;
  finish(plan, present, {}, rules);
  return plan;
}

std::vector<Write> writes_of(const Plan& plan) {
  std::vector<Write> writes;
  for (const ObjectChange& change : plan.changes) writes.push_back({change.kind, change.key, change.document});
  for (const auto& [kind, key] : plan.dropped) writes.push_back({kind, key, std::nullopt});
  return writes;
}

bool changes_approval(const Plan& plan, const Catalogue& present) {
  return std::any_of(plan.changes.begin(), plan.changes.end(), [&](const ObjectChange& change) {
    if (!is_definition(change.kind)) return false;
    const auto before = present.definitions.find(change.kind, change.key), after = plan.definitions.find(change.kind, change.key);
    static const Definition kNothing;
    return !has_same_effect(before ? *before : kNothing, after ? *after : kNothing);
  });
}

Result<Snapshot, Problems> snapshot_of(const Catalogue& catalogue) {
  ObjectsAfter all = TRY(change_objects(nullptr, catalogue, {}));
  if (has_errors(all.problems)) return unexpected(std::move(all.problems));
  return Snapshot(std::move(all.objects), std::move(all.people), catalogue.sequence, catalogue.definitions);
}

std::optional<std::string> locks_out(const Objects& before, const Objects& after, std::string_view acting_token) {
  const auto is_administrator = [](const ApiToken& token) { return token.active && token.role == "admin"; };
  const auto administrators = [&](const Objects& objects) { return std::count_if(objects.api_tokens.begin(), objects.api_tokens.end(), is_administrator); };
  if (!acting_token.empty()) {
    const bool stays = std::any_of(after.api_tokens.begin(), after.api_tokens.end(), [&](const ApiToken& token) { return token.id == acting_token && is_administrator(token); });
    if (!stays) return "this would take away your own access (API token `" + std::string(acting_token) + "`)";
  }
  if (administrators(before) > 0 && administrators(after) == 0) return "this would take away the access of the last administrator";
  return std::nullopt;
}

std::vector<ObjectKind> collections_of(const Node& root) {
  std::vector<ObjectKind> kinds;
  for (const auto& entry : root.entries) {
    if (const auto kind = parse_collection(entry.name)) kinds.push_back(*kind);
  }
  return kinds;
}

}  // namespace writ::registry
