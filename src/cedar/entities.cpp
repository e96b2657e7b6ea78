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
  Closure(std::span<StoredEntity* const> entities, const UidIndex& index, const Entities* below, Arena& arena)
      : entities_(entities), index_(index), below_(below), arena_(arena), state_(entities.size()) {}

  Result<void, Message> complete(std::size_t start) {
    // An explicit stack: a hierarchy may be deeper than ours.
    if (state_[start] != State::done) enter(start);
    while (!path_.empty()) {
      Step& step = path_.back();
      StoredEntity& entity = *entities_[step.number];
      if (step.next_parent == entity.parents.size()) {
        finish(entity);
        state_[step.number] = State::done;
        path_.pop_back();
        continue;
      }
      const auto parent = index_.find(entity.parents[step.next_parent++]);
      if (!parent || state_[*parent] == State::done) continue;
      if (state_[*parent] == State::open)
        return unexpected(message("the entity " + quoted(entities_[*parent]->uid) + " is its own ancestor"));
      enter(*parent);
    }
    return {};
  }

 private:
  enum class State : std::uint8_t { untouched, open, done };
  struct Step {
    std::size_t number;
    std::size_t next_parent;
  };

  void enter(std::size_t number) {
    state_[number] = State::open;
    path_.push_back({number, 0});
  }

  void finish(StoredEntity& entity) {
    ancestors_.clear();
    for (const EntityUid& parent : entity.parents) {
      ancestors_.push_back(parent);
      const auto number = index_.find(parent);
      const StoredEntity* stored = number ? entities_[*number] : below_ != nullptr ? below_->find(parent) : nullptr;
      if (stored != nullptr) ancestors_.insert(ancestors_.end(), stored->ancestors.begin(), stored->ancestors.end());
    }
    std::sort(ancestors_.begin(), ancestors_.end(), by_hash);
    ancestors_.erase(std::unique(ancestors_.begin(), ancestors_.end()), ancestors_.end());
    entity.ancestors = arena_.copy(ancestors_);
  }

  std::span<StoredEntity* const> entities_;
  const UidIndex& index_;
  const Entities* below_;
  Arena& arena_;
  std::vector<State> state_;
  std::vector<Step> path_;
  std::vector<EntityUid> ancestors_;   // of the one that is finished, kept for its memory
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
  if (const auto number = index_.find(uid)) return all_[*number];
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
  if (const auto number = index_.find(uid)) earlier = entities_[*number];
  if (earlier == nullptr && below_ != nullptr) earlier = below_->find(uid);
  if (earlier != nullptr) {
    if (is_same_entity(*earlier, *entity)) return {};
    return unexpected(message("two different entities are called " + quoted(uid)));
  }
  if (below_ != nullptr && below_->missing_parents_.contains(uid))
    return unexpected(message("the entity " + quoted(uid) + " is a parent in the entities below and must stand there"));
  index_.add(&entity->uid);
  entities_.push_back(entity);
  return {};
}

Result<Entities, Message> EntitiesBuilder::build() {
  Closure closure(entities_, index_, below_.get(), *arena_);
  for (std::size_t number = 0; number < entities_.size(); ++number) TRY(closure.complete(number));
  Entities built;
  for (const StoredEntity* entity : entities_) {
    for (const EntityUid& parent : entity->parents) {
      if (index_.contains(parent) || (below_ != nullptr && below_->find(parent) != nullptr) || built.missing_parents_.contains(parent)) continue;
      built.missing_parents_.add(&parent);
    }
  }
  built.all_ = std::move(entities_);
  built.index_ = std::move(index_);
  built.below_ = std::move(below_);
  built.arena_ = std::move(arena_);
  return built;
}

}  // namespace writ::cedar
