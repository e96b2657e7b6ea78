#include "policy/preview/user_classes.h"

#include <algorithm>
#include <map>

#include "policy/vocabulary.h"

namespace writ::policy::preview {
namespace {

void add_part(std::string& key, std::string_view part) { (key += std::to_string(part.size()) += ':') += part; }

}  // namespace

GroupNumbers::GroupNumbers(const Mentions& mentions) {
  for (const auto& group : mentions.of(kGroupType)) numbers_.emplace(group, numbers_.size());
  for (const auto& user : mentions.of(kUserType)) users_.emplace(user, users_.size());
}

std::uint32_t GroupNumbers::number_of_user(std::string_view id) const {
  const auto found = users_.find(id);
  return found == users_.end() ? kNotMentioned : static_cast<std::uint32_t>(found->second);
}

std::optional<std::size_t> GroupNumbers::find(std::string_view group) const {
  const auto found = numbers_.find(group);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

GroupSet GroupNumbers::of(const registry::User& user, const registry::Snapshot& objects) const {
  GroupSet set(words(), 0);
  for (const auto& group : objects.groups_of(user)) {
    if (const auto number = find(group)) set[*number / 64] |= std::uint64_t{1} << (*number % 64);
  }
  return set;
}

std::string facts_key(const registry::User& user, const Mentions& mentions) {
  std::string key;
  const auto add = [&](const char* name, const std::string& value) {
    if (mentions.all_attributes || mentions.attributes.contains(name)) add_part(key, value);
  };
  add("email", user.email);
  add("department", user.department);
  add("title", user.title);
  for (const auto& [name, texts] : user.tags) {
    if (!mentions.all_tags && !mentions.tags.contains(name)) continue;
    add_part(key, name);
    key += std::to_string(texts.size());
    for (const auto& text : texts) add_part(key, text);
  }
  return key;
}

UserClasses::UserClasses(const AccessState& before, const AccessState& after, const Mentions& mentions) : states_{&before, &after}, groups_(mentions) {
  std::map<std::pair<std::string, std::string>, std::pair<const registry::User*, const registry::User*>> people;   // by name, then id
  for (const auto& user : after.objects.objects().users) people[{user.name, user.id}].second = &user;
  for (const auto& user : before.objects.objects().users) {
    // Under the name that stands afterwards.
    const auto* later = after.objects.user(user.id);
    people[{later ? later->name : user.name, user.id}].first = &user;
  }
  std::unordered_map<std::string, std::size_t> by_key;
  for (const auto& [name, sides] : people) {
    const auto number = static_cast<std::uint32_t>(users_.size());
    users_.push_back({name.second, name.first});
    UserClass fresh;
    std::string keys[2];
    const registry::User* const users[2] = {sides.first, sides.second};
    const AccessState* const states[2] = {&before, &after};
    for (int side = 0; side < 2; ++side) {
      fresh.is_active[side] = users[side] && users[side]->active;
      fresh.groups[side].assign(groups_.words(), 0);
      if (!fresh.is_active[side]) continue;
      fresh.groups[side] = groups_.of(*users[side], states[side]->objects);
      keys[side] = "+" + facts_key(*users[side], mentions);
    }
    if (!fresh.is_active[0] && !fresh.is_active[1]) continue;
    fresh.mentioned = groups_.number_of_user(name.second);
    fresh.is_looked_into = mentions.users_looked_into.contains(name.second);
    fresh.is_changed = keys[0] != keys[1] || fresh.groups[0] != fresh.groups[1];
    std::string key;
    for (int side = 0; side < 2; ++side) {
      add_part(key, keys[side]);
      key.append(reinterpret_cast<const char*>(fresh.groups[side].data()), fresh.groups[side].size() * sizeof(std::uint64_t));
    }
    if (fresh.mentioned != GroupNumbers::kNotMentioned) add_part(key, name.second);
    const auto [at, is_new] = by_key.emplace(std::move(key), classes_.size());
    if (is_new) {
      fresh.representative = name.second;
      classes_.push_back(std::move(fresh));
    }
    classes_[at->second].members.push_back(number);
  }
}

Person UserClasses::person(std::size_t number, int side) const {
  const UserClass& one = classes_[number];
  const registry::Snapshot& objects = states_[side]->objects;
  return {one.groups[side], one.mentioned, number * 2 + static_cast<std::size_t>(side), objects.user(one.representative), &objects};
}

}  // namespace writ::policy::preview
