#include "cedar/entities.h"

#include <algorithm>

#include "cedar/unique_keys.h"

namespace writ::cedar {

namespace {

constexpr std::size_t kSearchLinearlyBelow = 8;

bool by_hash(const EntityUid& a, const EntityUid& b) {
  if (a.hash() != b.hash()) return a.hash() < b.hash();
  return a < b;
}

std::string quoted(const EntityUid& uid) { return "`" + uid.to_string() + "`"; }

// Orders the entities so that parents come before children, and puts each one's ancestors together on the way.
class Closure {
 public:
  Closure(const Entities* below, Arena& arena) : below_(below), arena_(arena) {}

  // `find(uid)` is the entity of this layer, or null.
  template <class Find>
  Result<void, Message> complete(StoredEntity* start, Find find) {
    // An explicit stack: a hierarchy may be deeper than ours.
    std::vector<Step> path;
    if (!is_done(start)) path.push_back(enter(start));
    while (!path.empty()) {
      Step& step = path.back();
      if (step.next_parent == step.entity->parents.size()) {
        finish(*step.entity, find);
        path.pop_back();
        continue;
      }
      StoredEntity* parent = find(step.entity->parents[step.next_parent++]);
      if (parent == nullptr || is_done(parent)) continue;
      if (state_[parent] == State::open)
        return unexpected(message("the entity " + quoted(parent->uid) + " is its own ancestor"));
      path.push_back(enter(parent));
    }
    return {};
  }

 private:
  enum class State : std::uint8_t { untouched, open, done };
  struct Step {
    StoredEntity* entity;
    std::size_t next_parent;
  };

  bool is_done(StoredEntity* entity) { return state_[entity] == State::done; }
  Step enter(StoredEntity* entity) {
    state_[entity] = State::open;
    return {entity, 0};
  }

  template <class Find>
  void finish(StoredEntity& entity, Find find) {
    std::vector<EntityUid> ancestors;
    for (const EntityUid& parent : entity.parents) {
      ancestors.push_back(parent);
      const StoredEntity* stored = find(parent);
      if (stored == nullptr && below_ != nullptr) stored = below_->find(parent);
      if (stored != nullptr) ancestors.insert(ancestors.end(), stored->ancestors.begin(), stored->ancestors.end());
    }
    std::sort(ancestors.begin(), ancestors.end(), by_hash);
    ancestors.erase(std::unique(ancestors.begin(), ancestors.end()), ancestors.end());
    entity.ancestors = arena_.copy(ancestors);
    state_[&entity] = State::done;
  }

  const Entities* below_;
  Arena& arena_;
  std::unordered_map<const StoredEntity*, State> state_;
};

bool is_same_entity(const StoredEntity& a, const StoredEntity& b) {
  return a.attributes == b.attributes && a.tags == b.tags && std::ranges::equal(a.parents, b.parents);
}

}  // namespace

bool StoredEntity::has_ancestor(const EntityUid& ancestor) const {
  if (ancestors.size() < kSearchLinearlyBelow) return std::find(ancestors.begin(), ancestors.end(), ancestor) != ancestors.end();
  return std::binary_search(ancestors.begin(), ancestors.end(), ancestor, by_hash);
}

const StoredEntity* Entities::find(const EntityUid& uid) const {
  const auto found = table_.find(&uid);
  if (found != table_.end()) return found->second;
  return below_ == nullptr ? nullptr : below_->find(uid);
}

bool Entities::is_in(const EntityUid& descendant, const EntityUid& ancestor) const {
  if (descendant == ancestor) return true;
  const StoredEntity* stored = find(descendant);
  return stored != nullptr && stored->has_ancestor(ancestor);
}

EntitiesBuilder::EntitiesBuilder(std::shared_ptr<const Entities> below) : below_(std::move(below)), arena_(std::make_shared<Arena>()) {}

Result<void, Message> EntitiesBuilder::add(const EntityUid& uid, std::vector<Member> attributes, std::vector<EntityUid> parents,
                                           std::vector<Member> tags) {
  const auto attribute_record = make_record(*arena_, std::move(attributes));
  const auto tag_record = make_record(*arena_, std::move(tags));
  if (!attribute_record || !tag_record) return unexpected(message("the entity " + quoted(uid) + " has an attribute or tag twice"));
  std::sort(parents.begin(), parents.end());
  parents.erase(std::unique(parents.begin(), parents.end()), parents.end());
  for (EntityUid& parent : parents) {
    if (uid.is_action() && !parent.is_action())
      return unexpected(message("the action " + quoted(uid) + " has the parent " + quoted(parent) + ", which is no action"));
    parent = parent.copy_to(*arena_);
  }
  auto* entity = arena_->make<StoredEntity>(StoredEntity{uid.copy_to(*arena_), *attribute_record, *tag_record, arena_->copy(parents), {}});

  const StoredEntity* earlier = nullptr;
  if (const auto found = table_.find(&uid); found != table_.end()) earlier = found->second;
  if (earlier == nullptr && below_ != nullptr) earlier = below_->find(uid);
  if (earlier != nullptr) {
    if (is_same_entity(*earlier, *entity)) return {};
    return unexpected(message("two different entities are called " + quoted(uid)));
  }
  if (below_ != nullptr && below_->missing_parents_.contains(&uid))
    return unexpected(message("the entity " + quoted(uid) + " is a parent in the entities below and must stand there"));
  table_.emplace(&entity->uid, entity);
  entities_.push_back(entity);
  return {};
}

Result<Entities, Message> EntitiesBuilder::build() {
  Closure closure(below_.get(), *arena_);
  const auto find = [this](const EntityUid& uid) -> StoredEntity* {
    const auto found = table_.find(&uid);
    return found == table_.end() ? nullptr : found->second;
  };
  Entities built;
  for (StoredEntity* entity : entities_) {
    TRY(closure.complete(entity, find));
    built.all_.push_back(entity);
    built.table_.emplace(&entity->uid, entity);
  }
  for (const StoredEntity* entity : entities_)
    for (const EntityUid& parent : entity->parents)
      if (find(parent) == nullptr && (below_ == nullptr || below_->find(parent) == nullptr)) built.missing_parents_.emplace(&parent, true);
  built.below_ = std::move(below_);
  built.arena_ = std::move(arena_);
  return built;
}

}  // namespace writ::cedar
