#include "policy/question_entities.h"

#include "cedar/extension.h"
#include "policy/argument_type.h"
#include "policy/authorization_detail.h"
#include "policy/grant_text.h"
#include "policy/vocabulary.h"

namespace writ::policy {
namespace {

using cedar::Arena;
using cedar::EntitiesBuilder;
using cedar::EntityUid;
using cedar::Member;
using cedar::Value;

EntityUid uid(Arena& arena, std::string_view type, std::string_view id) { return EntityUid(type, arena.copy(id)); }

// The fixed actions and their groups; tool actions are added per question.
std::shared_ptr<const cedar::Entities> fixed_actions() {
  static const std::shared_ptr<const cedar::Entities> kActions = [] {
    EntitiesBuilder builder;
    const EntityUid use(kActionType, "use");
    for (const char* name : {"connect", "grant_scope", kGrantDetail, "use"}) static_cast<void>(builder.add(EntityUid(kActionType, name), {}, {}));
    for (const char* name : {"call", "read_resource", "subscribe", "get_prompt", "complete"}) {
      static_cast<void>(builder.add(EntityUid(kActionType, name), {}, {use}));
    }
    auto built = builder.build();
    return std::make_shared<const cedar::Entities>(built ? std::move(*built) : cedar::Entities());
  }();
  return kActions;
}

void add_text(std::vector<Member>& members, Arena& arena, std::string_view name, const std::string& text) {
  if (!text.empty()) members.push_back({name, Value::string(arena, text)});
}

Value text_set(Arena& arena, const auto& texts) {
  std::vector<Value> elements;
  for (const auto& text : texts) elements.push_back(Value::string(arena, text));
  return Value::set(arena, std::move(elements));
}

std::vector<EntityUid> uids(Arena& arena, std::string_view type, const std::vector<std::string>& ids) {
  std::vector<EntityUid> result;
  for (const auto& id : ids) result.push_back(uid(arena, type, id));
  return result;
}

class Asker {
 public:
  Asker(const Question& question, const std::vector<ToolPattern>& patterns, Arena& arena)
      : question_(question), patterns_(patterns), arena_(arena), builder_(fixed_actions()) {}

  std::optional<Asked> ask() {
    add_principal();
    add_agent();
    const EntityUid server = add_server();
    if (!add_resource(server)) return std::nullopt;
    auto entities = builder_.build();
    if (!good_ || !entities) return std::nullopt;
    asked_.entities = std::move(*entities);
    return std::move(asked_);
  }

 private:
  void add(const EntityUid& entity, std::vector<Member> attributes, std::vector<EntityUid> parents, std::vector<Member> tags = {}) {
    good_ = builder_.add(entity, std::move(attributes), std::move(parents), std::move(tags)).has_value() && good_;
  }
  // Values live as long as the entities, in their own arena.
  Arena& values() { return builder_.arena(); }

  void add_principal() {
    const Principal& principal = question_.principal;
    asked_.principal = uid(arena_, kUserType, principal.id);
    std::vector<Member> attributes{{"issuer", Value::string(values(), principal.issuer)}};
    add_text(attributes, values(), "email", principal.email);
    add_text(attributes, values(), "department", principal.department);
    add_text(attributes, values(), "title", principal.title);
    std::vector<Member> tags;
    for (const auto& [name, texts] : principal.tags) tags.push_back({values().copy(std::string_view(name)), text_set(values(), texts)});
    add(asked_.principal, std::move(attributes), uids(arena_, kGroupType, principal.groups), std::move(tags));
  }

  void add_agent() {
    const AgentFacts& agent = question_.agent;
    asked_.agent = uid(arena_, kAgentType, agent.id);
    std::vector<Member> attributes{{"authentication", Value::string(values(), agent.authentication)}};
    add_text(attributes, values(), "vendor", agent.vendor);
    add(asked_.agent, std::move(attributes), uids(arena_, kAgentGroupType, agent.groups));
  }

  EntityUid add_server() {
    const EntityUid server = uid(arena_, kServerType, question_.server.id);
    std::vector<Member> attributes;
    add_text(attributes, values(), "environment", question_.server.environment);
    add(server, std::move(attributes), uids(arena_, kServerGroupType, question_.server.groups));
    return server;
  }

  bool add_resource(const EntityUid& server) {
    const std::string& server_id = question_.server.id;
    asked_.action = EntityUid(kActionType, to_string(question_.action));
    switch (question_.action) {
      case Action::connect:
        asked_.resource = server;
        return true;
      case Action::grant_scope:
        if (is_about_detail(question_)) {
          asked_.action = EntityUid(kActionType, kGrantDetail);
          asked_.resource = server;
          return true;
        }
        if (!question_.scope) return false;
        asked_.resource = uid(arena_, kScopeType, id_at(server_id, question_.scope->name));
        add(asked_.resource, {{"highImpact", Value::boolean(question_.scope->high_impact)}}, {server});
        return true;
      case Action::call:
        return question_.tool && add_tool(server, *question_.tool);
      case Action::get_prompt:
        return add_prompt(server);
      case Action::complete:
        // A completion is for a prompt or a resource template; the latter is named by a URI.
        return question_.uri_or_prompt.find(':') == std::string::npos ? add_prompt(server) : add_uri(server);
      case Action::read_resource:
      case Action::subscribe:
        return add_uri(server);
    }
    return false;
  }

  bool add_prompt(const EntityUid& server) {
    asked_.resource = uid(arena_, kPromptType, id_at(question_.server.id, question_.uri_or_prompt));
    add(asked_.resource, {}, {server});
    return true;
  }

  bool add_uri(const EntityUid& server) {
    asked_.resource = uid(arena_, kResourceType, id_at(question_.server.id, question_.uri_or_prompt));
    add(asked_.resource, {{"uri", Value::string(values(), question_.uri_or_prompt)}}, {server});
    return true;
  }

  bool add_tool(const EntityUid& server, const ToolFacts& tool) {
    const std::string& server_id = question_.server.id;
    const std::string id = id_at(server_id, tool.name);
    asked_.action = uid(arena_, kActionType, id);
    add(asked_.action, {}, {EntityUid(kActionType, "call")});
    std::vector<EntityUid> parents{server};
    for (const auto& scope : tool.scopes) parents.push_back(uid(arena_, kScopeType, id_at(server_id, scope)));
    for (const auto& group : tool.groups) parents.push_back(uid(arena_, kToolGroupType, group));
    for (const ToolPattern& pattern : patterns_) {
      if (pattern.server == server_id && glob_matches(pattern.pattern, tool.name)) {
        parents.push_back(uid(arena_, kToolGroupType, tool_group_id(pattern.server, pattern.pattern)));
      }
    }
    asked_.resource = uid(arena_, kToolType, id);
    add(asked_.resource,
        {{"destructive", Value::boolean(tool.destructive)},
         {"idempotent", Value::boolean(tool.idempotent)},
         {"openWorld", Value::boolean(tool.open_world)},
         {"readOnly", Value::boolean(tool.read_only)}},
        std::move(parents));
    return true;
  }

  const Question& question_;
  const std::vector<ToolPattern>& patterns_;
  Arena& arena_;
  EntitiesBuilder builder_;
  Asked asked_;
  bool good_ = true;
};

Value authentication_of(const Authentication& authentication, Arena& arena) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(authentication.age).count();
  return Value::record(arena, {{"acr", Value::string(arena, authentication.acr)},
                               {"age", Value::duration(milliseconds)},
                               {"amr", text_set(arena, authentication.amr)}});
}

std::optional<cedar::IpAddress> address_of(const std::string& ip) { return ip.empty() ? std::nullopt : cedar::parse_ip(ip); }

}  // namespace

std::optional<Asked> ask(const Question& question, const std::vector<ToolPattern>& patterns, cedar::Arena& arena) {
  return Asker(question, patterns, arena).ask();
}

std::optional<KnownContext> context_of(const Question& question, const Asked& asked, cedar::Arena& arena) {
  KnownContext context;
  std::vector<Member> members{{"agent", Value::entity(arena, asked.agent)},
                              {"auth", authentication_of(question.authentication, arena)},
                              {"issuer", Value::string(arena, question.issuer)},
                              {"now", Value::datetime(question.now.time_since_epoch().count())}};
  if (const auto address = address_of(question.ip)) members.push_back({"ip", Value::ip(arena, *address)});
  else if (!question.ip.empty()) return std::nullopt;
  if (is_about_detail(question)) members.push_back({"detail", detail_value(*question.arguments, arena)});
  if (question.action == Action::call) {
    static const ArgumentType kUnknownArguments{ArgumentType::Kind::record, nullptr, {}};
    static const json::Value kNoArguments = json::Object{};
    const ArgumentType& type = question.tool && question.tool->argument_type ? *question.tool->argument_type : kUnknownArguments;
    const SeenArguments seen = see(type, question.arguments ? *question.arguments : kNoArguments, arena);
    context.has_unseen = !seen.unseen.empty();
    members.push_back({"args", seen.args});
    members.push_back({"unseen", text_set(arena, seen.unseen)});
  }
  context.value = Value::record(arena, std::move(members));
  return context;
}

cedar::PartialValue partial_context_of(const Question& question, const Asked& asked, cedar::Arena& arena) {
  using cedar::PartialValue;
  std::vector<cedar::PartialMember> members{{"agent", PartialValue::known(Value::entity(arena, asked.agent)), false},
                                            {"auth", PartialValue::unknown(), false},
                                            {"issuer", PartialValue::known(Value::string(arena, question.issuer)), false},
                                            {"now", PartialValue::unknown(), false}};
  if (const auto address = address_of(question.ip)) members.push_back({"ip", PartialValue::known(Value::ip(arena, *address)), false});
  if (is_about_detail(question)) members.push_back({"detail", PartialValue::known(detail_value(*question.arguments, arena)), false});
  if (question.action == Action::call) {
    members.push_back({"args", PartialValue::unknown(), false});
    members.push_back({"unseen", PartialValue::unknown(), false});
  }
  return PartialValue::record(arena, std::move(members), PartialValue::Others::none);
}

}  // namespace writ::policy
