#include <algorithm>

#include "cedar/schema.h"
#include "cedar/schema_names.h"

// From declarations to a Schema: names first, then types, then what refers to them.

namespace writ::cedar {

namespace {

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

template <class T>
void sort_unique_by_index(std::vector<const T*>& items) {
  std::sort(items.begin(), items.end(), [](const T* a, const T* b) { return a->index < b->index; });
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

// Everything reachable from each item; an item reaches itself only through a cycle. One walk for each: schemas are shallow.
template <class T>
std::vector<std::vector<const T*>> close(const std::vector<std::vector<const T*>>& direct) {
  std::vector<std::vector<const T*>> closed(direct.size());
  std::vector<std::size_t> seen(direct.size(), 0);
  for (std::size_t start = 0; start < direct.size(); ++start) {
    std::vector<const T*>& reached = closed[start];
    const auto visit = [&](const std::vector<const T*>& items) {
      for (const T* item : items) {
        if (seen[item->index] == start + 1) continue;
        seen[item->index] = start + 1;
        reached.push_back(item);
      }
    };
    visit(direct[start]);
    for (std::size_t next = 0; next < reached.size(); ++next) visit(direct[reached[next]->index]);
    sort_unique_by_index(reached);
  }
  return closed;
}

}  // namespace

class SchemaResolver {
 public:
  SchemaResolver(const declared::Schema& declarations, SchemaNames names) : declarations_(declarations), names_(std::move(names)), arena_(schema_.pool_->arena()) {}

  Result<Schema, Message> resolve() {
    make_types();
    make_actions();
    TRY(resolve_common_types());
    TRY(resolve_entity_types());
    TRY(resolve_actions());
    for (const EntityType* type : types_)
      if (!type->is_action) schema_.entity_types_.push_back(type);
    schema_.actions_.assign(actions_.begin(), actions_.end());
    return std::move(schema_);
  }

 private:
  using Allowed = SchemaNames::Allowed;

  EntityType* make_type(const std::string& name) {
    EntityType* type = arena_.make<EntityType>();
    type->name = arena_.copy(name);
    type->index = static_cast<std::uint32_t>(types_.size());
    type->self = schema_.pool_->entity(type);
    type->attributes = schema_.pool_->record({});
    types_.push_back(type);
    schema_.types_by_name_.emplace(type->name, type);
    return type;
  }

  void make_types() {
    for (const declared::Namespace& space : declarations_.namespaces) {
      for (const declared::EntityType& declaration : space.entity_types) {
        EntityType* type = make_type(qualify(space.name, declaration.name));
        if (!declaration.ids) continue;
        type->is_enumerated = true;
        std::vector<std::string_view> ids;
        for (const std::string& id : *declaration.ids) ids.push_back(arena_.copy(id));
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        type->ids = arena_.copy(ids);
      }
    }
    for (const declared::Namespace& space : declarations_.namespaces)
      if (!space.actions.empty()) make_type(qualify(space.name, "Action"))->is_action = true;
  }

  void make_actions() {
    for (const declared::Namespace& space : declarations_.namespaces) {
      if (space.actions.empty()) continue;
      const EntityType* type = schema_.find_type(qualify(space.name, "Action"));
      for (const declared::Action& declaration : space.actions) {
        Action* action = arena_.make<Action>();
        action->uid = EntityUid(type->name, arena_.copy(declaration.id));
        action->index = static_cast<std::uint32_t>(actions_.size());
        action->type = type;
        actions_.push_back(action);
        schema_.actions_by_uid_.emplace(action->uid, action);
      }
    }
  }

  // Common types refer to each other in any order; each is resolved when first needed, and one that needs itself is refused.
  Result<void, Message> resolve_common_types() {
    for (const declared::Namespace& space : declarations_.namespaces)
      for (const declared::CommonType& common : space.common_types) TRY(resolve_common(common, space.name, 1));
    return {};
  }

  Result<const Type*, Message> resolve_common(const declared::CommonType& common, std::string_view name_space, std::uint32_t depth) {
    const auto [found, is_new] = common_types_.try_emplace(&common, nullptr);
    if (!is_new && found->second == nullptr) return refuse(common.place, "the type " + quoted(common.name) + " contains itself");
    if (!is_new) return found->second;
    const Type* type = TRY(resolve_type(common.type, name_space, depth));
    common_types_[&common] = type;
    return type;
  }

  // `depth` bounds the recursion, also through chains of common types that add no depth to the type itself.
  Result<const Type*, Message> resolve_type(const declared::Type& type, std::string_view name_space, std::uint32_t depth) {
    if (depth > kTypeDepthMax) return refuse(type.place, "types are nested too deeply here");
    const Type* resolved = nullptr;
    switch (type.form) {
      case declared::Type::Form::name: resolved = TRY(resolve_name(type, name_space, Allowed::any, depth)); break;
      case declared::Type::Form::entity: resolved = TRY(resolve_name(type, name_space, Allowed::entity, depth)); break;
      case declared::Type::Form::common: resolved = TRY(resolve_name(type, name_space, Allowed::common, depth)); break;
      case declared::Type::Form::built_in: resolved = TypePool::simple(*find_built_in(type.name)); break;
      case declared::Type::Form::set: resolved = schema_.pool_->set(TRY(resolve_type(type.element.front(), name_space, depth + 1))); break;
      case declared::Type::Form::record: {
        std::vector<AttributeType> attributes;
        for (const declared::Attribute& attribute : type.attributes)
          attributes.push_back({attribute.name, TRY(resolve_type(attribute.type, name_space, depth + 1)), attribute.is_required});
        resolved = schema_.pool_->record(std::move(attributes));
        break;
      }
    }
    if (resolved->depth > kTypeDepthMax) return refuse(type.place, "types are nested too deeply here");
    return resolved;
  }

  Result<const Type*, Message> resolve_name(const declared::Type& type, std::string_view name_space, Allowed allowed, std::uint32_t depth) {
    const auto meaning = names_.find(name_space, type.name, allowed);
    if (!meaning) return refuse_unknown(type.name, type.place, allowed);
    if (meaning->built_in) return TypePool::simple(*meaning->built_in);
    if (meaning->common != nullptr) return resolve_common(*meaning->common, meaning->common_namespace, depth + 1);
    return schema_.find_type(meaning->entity)->self;
  }

  Result<const Type*, Message> resolve_record(const declared::Type& type, std::string_view name_space, std::string_view what) {
    const Type* resolved = TRY(resolve_type(type, name_space, 1));
    if (!resolved->is(Type::Kind::record)) return refuse(type.place, std::string(what) + " must be a record, and " + quoted(type.name) + " is none");
    return resolved;
  }

  Result<const EntityType*, Message> resolve_entity_name(const declared::TypeName& name, std::string_view name_space) {
    const auto meaning = names_.find(name_space, name.name, Allowed::entity);
    const EntityType* type = meaning ? schema_.find_type(meaning->entity) : nullptr;
    if (type == nullptr || type->is_action) return refuse_unknown(name.name, name.place, Allowed::entity);
    return type;
  }

  Result<void, Message> resolve_entity_types() {
    std::vector<std::vector<const EntityType*>> parents(types_.size());
    std::size_t index = 0;
    for (const declared::Namespace& space : declarations_.namespaces) {
      for (const declared::EntityType& declaration : space.entity_types) {
        EntityType* type = types_[index];
        for (const declared::TypeName& parent : declaration.parents) parents[index].push_back(TRY(resolve_entity_name(parent, space.name)));
        type->attributes = TRY(resolve_record(declaration.shape, space.name, "the attributes of an entity type"));
        if (declaration.tags) type->tags = TRY(resolve_type(*declaration.tags, space.name, 1));
        ++index;
      }
    }
    const auto ancestors = close(parents);
    for (EntityType* type : types_) type->ancestors = arena_.copy(ancestors[type->index]);
    return {};
  }

  Result<const Action*, Message> resolve_action_name(const declared::ActionName& name, std::string_view name_space) {
    const std::string_view type = name.type.empty() ? std::string_view("Action") : std::string_view(name.type);
    if (!name_space.empty() && type.find("::") == std::string_view::npos)
      if (const Action* action = schema_.find_action(EntityUid(qualify(name_space, type), name.id))) return action;
    if (const Action* action = schema_.find_action(EntityUid(type, name.id))) return action;
    std::vector<std::string_view> ids;
    for (const Action* action : actions_) ids.push_back(action->uid.id());
    return refuse(name.place, "there is no action " + quoted(name.id), did_you_mean(name.id, ids));
  }

  Result<void, Message> resolve_actions() {
    std::vector<std::vector<const Action*>> parents(actions_.size());
    std::vector<declared::Place> places;
    for (const declared::Namespace& space : declarations_.namespaces) {
      for (const declared::Action& declaration : space.actions) {
        Action* action = actions_[places.size()];
        std::vector<const Action*>& of_action = parents[places.size()];
        places.push_back(declaration.place);
        for (const declared::ActionName& parent : declaration.parents) of_action.push_back(TRY(resolve_action_name(parent, space.name)));
        sort_unique_by_index(of_action);
        action->parents = arena_.copy(of_action);
        action->context = schema_.pool_->record({});
        if (declaration.applies_to) TRY(resolve_applies_to(*declaration.applies_to, space.name, *action));
      }
    }
    return link_actions(close(parents), places);
  }

  Result<void, Message> resolve_applies_to(const declared::AppliesTo& applies_to, std::string_view name_space, Action& action) {
    const auto resolve_all = [&](const std::vector<declared::TypeName>& names) -> Result<std::span<const EntityType* const>, Message> {
      std::vector<const EntityType*> types;
      for (const declared::TypeName& name : names) types.push_back(TRY(resolve_entity_name(name, name_space)));
      sort_unique_by_index(types);
      return arena_.copy(types);
    };
    action.principals = TRY(resolve_all(applies_to.principals));
    action.resources = TRY(resolve_all(applies_to.resources));
    action.context = TRY(resolve_record(applies_to.context, name_space, "a context"));
    return {};
  }

  Result<void, Message> link_actions(const std::vector<std::vector<const Action*>>& ancestors, const std::vector<declared::Place>& places) {
    std::vector<std::vector<const Action*>> descendants(actions_.size());
    std::vector<std::vector<const EntityType*>> types_above(types_.size());
    for (Action* action : actions_) {
      action->ancestors = arena_.copy(ancestors[action->index]);
      if (action->is_below(*action)) return refuse(places[action->index], "the action " + quoted(action->uid.id()) + " is in itself");
      for (const Action* ancestor : action->ancestors) {
        descendants[ancestor->index].push_back(action);   // in the order of the index, since the loop is
        std::vector<const EntityType*>& above = types_above[action->type->index];
        if (above.empty() || above.back() != ancestor->type) above.push_back(ancestor->type);
      }
    }
    for (Action* action : actions_) action->descendants = arena_.copy(descendants[action->index]);
    for (EntityType* type : types_) {
      if (!type->is_action) continue;
      sort_unique_by_index(types_above[type->index]);
      type->ancestors = arena_.copy(types_above[type->index]);
    }
    return {};
  }

  Unexpected<Message> refuse(Span place, std::string text, std::string suggestion = {}) const {
    // Declarations that came from JSON have no text to point at.
    if (declarations_.text.empty()) {
      Message without_place = message(std::move(text));
      without_place.suggestion = std::move(suggestion);
      return unexpected(std::move(without_place));
    }
    return unexpected(message_at(declarations_.text, place, std::move(text), std::move(suggestion)));
  }
  Unexpected<Message> refuse_unknown(std::string_view name, Span place, Allowed allowed) const {
    const std::string_view what = allowed == Allowed::entity ? "entity type " : allowed == Allowed::common ? "declared type " : "type ";
    return refuse(place, "there is no " + std::string(what) + quoted(name), did_you_mean(name, names_.candidates(allowed)));
  }

  const declared::Schema& declarations_;
  SchemaNames names_;
  Schema schema_;
  Arena& arena_;
  std::vector<EntityType*> types_;
  std::vector<Action*> actions_;
  std::unordered_map<const declared::CommonType*, const Type*> common_types_;
};

Result<Schema, Message> Schema::resolve(const declared::Schema& declarations) {
  SchemaNames names = TRY(SchemaNames::collect(declarations));
  return SchemaResolver(declarations, std::move(names)).resolve();
}

}  // namespace writ::cedar
