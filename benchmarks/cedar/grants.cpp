#include "grants.h"

#include <utility>

namespace writ::cedar::benchmark {

namespace {

std::string numbered(const char* word, std::size_t number) { return word + std::to_string(number); }
std::string reference(const char* type, const std::string& id) { return std::string("Writ::") + type + "::\"" + id + "\""; }

// Spreads without a pattern that the index could profit from.
std::size_t scatter(std::size_t i) { return (i * 2654435761u) >> 7; }
std::size_t group_of(Sizes sizes, std::size_t user, std::size_t i) { return scatter(user * 31 + i * 7 + 1) % sizes.groups(); }

}  // namespace

std::string make_policies(Sizes sizes) {
  std::string text;
  for (std::size_t i = 0; i < sizes.policies; ++i) {
    const std::string group = reference("Group", numbered("group", i % sizes.groups()));
    const std::string server = reference("Server", numbered("server", scatter(i) % sizes.servers()));
    const std::string agent = reference("Agent", numbered("agent", scatter(i + 1) % kAgents));
    if (i % 20 == 19) {
      text += "forbid(principal in " + group + ", action in [Writ::Action::\"use\"], resource in " + server +
              ")\nwhen { context.agent == " + agent + " && context.args has repo && context.args.repo like \"secret-*\" };\n";
    } else {
      text += "permit(principal in " + group + ", action in [Writ::Action::\"connect\", Writ::Action::\"grant_scope\", Writ::Action::\"use\"], resource in " + server +
              ")\nwhen { context.agent == " + agent + " };\n";
    }
  }
  return text;
}

Entities make_entities(Sizes sizes) {
  EntitiesBuilder builder;
  Arena& arena = builder.arena();
  const auto uid = [&arena](const char* type, const std::string& id) { return EntityUid(type, arena.copy(id)); };
  const auto add = [&builder](const EntityUid& entity, std::vector<Member> attributes, std::vector<EntityUid> parents) {
    [[maybe_unused]] const auto added = builder.add(entity, std::move(attributes), std::move(parents));
    assert(added);
  };
  for (std::size_t user = 0; user < kUsers; ++user) {
    std::vector<EntityUid> groups;
    for (std::size_t i = 0; i < kGroupsPerUser; ++i) groups.push_back(uid("Writ::Group", numbered("group", group_of(sizes, user, i))));
    add(uid("Writ::User", numbered("user", user)), {{"issuer", Value::string("https://idp.example")}, {"department", Value::string("engineering")}}, groups);
  }
  for (std::size_t server = 0; server < sizes.servers(); ++server) {
    add(uid("Writ::Server", numbered("server", server)), {}, {});
    add(uid("Writ::Tool", numbered("tool", server)), {{"readOnly", Value::boolean(false)}}, {uid("Writ::Server", numbered("server", server))});
  }
  for (std::size_t agent = 0; agent < kAgents; ++agent) add(uid("Writ::Agent", numbered("agent", agent)), {{"authentication", Value::string("private_key_jwt")}}, {});
  add(uid("Writ::Action", "use"), {}, {});
  add(uid("Writ::Action", "call"), {}, {uid("Writ::Action", "use")});
  return std::move(builder.build()).value();
}

Request make_request(Sizes sizes, std::size_t i, Arena& arena) {
  const auto uid = [&arena](const char* type, const std::string& id) { return EntityUid(type, arena.copy(id)); };
  const std::size_t user = i % kUsers;
  // A policy of one of the user's groups names the server and the agent of every other request, so that it may match.
  const std::size_t policy = (group_of(sizes, user, i % kGroupsPerUser) + (i % 10) * sizes.groups()) % sizes.policies;
  const std::size_t server = i % 2 == 0 ? scatter(policy) % sizes.servers() : scatter(i) % sizes.servers();
  const std::size_t agent = scatter(policy + 1) % kAgents;
  Request request;
  request.principal = uid("Writ::User", numbered("user", user));
  request.action = EntityUid("Writ::Action", "call");
  request.resource = uid("Writ::Tool", numbered("tool", server));
  request.context = Value::record(
      arena, {{"agent", Value::entity(arena, uid("Writ::Agent", numbered("agent", agent)))},
              {"issuer", Value::string("https://idp.example")},
              {"now", Value::datetime(1'790'000'000'000)},
              {"auth", Value::record(arena, {{"acr", Value::string("")}, {"amr", Value::set(arena, {})}, {"age", Value::duration(60'000)}})},
              {"args", Value::record(arena, {{"repo", Value::string("writ")}, {"force", Value::boolean(false)}})},
              {"unseen", Value::set(arena, {})}});
  return request;
}

}  // namespace writ::cedar::benchmark
