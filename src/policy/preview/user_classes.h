#pragma once

// People who are alike in everything that policies mention. A comparison decides once for each class, and asks of a class only for those of its
// facts that matter at the server and agent in question.

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/preview/access.h"
#include "policy/preview/mentions.h"

namespace writ::policy::preview {

// A set of groups, by their numbers.
using GroupSet = std::vector<std::uint64_t>;

// The numbers of the groups and users that policies mention.
class GroupNumbers {
 public:
  explicit GroupNumbers(const Mentions& mentions);
  std::optional<std::size_t> find(std::string_view group) const;
  static constexpr std::uint32_t kNotMentioned = UINT32_MAX;
  std::uint32_t number_of_user(std::string_view id) const;
  std::size_t words() const { return (numbers_.size() + 63) / 64; }
  GroupSet of(const registry::User& user, const registry::Snapshot& objects) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> numbers_, users_;
};

// Somebody, by what policies can tell apart.
struct Person {
  const GroupSet& groups;
  std::uint32_t mentioned;             // the number, where some policy names this very user; else GroupNumbers::kNotMentioned
  std::size_t key;                     // a small number, another one for everybody who may differ in what policies read
  const registry::User* user;
  const registry::Snapshot* objects;
};

// What policies may read of a person beside groups and id, as one text.
std::string facts_key(const registry::User& user, const Mentions& mentions);

struct UserClass {
  std::vector<std::uint32_t> members;      // of AccessDifference::users
  std::string representative;              // the id of one of them
  GroupSet groups[2];                      // before, after
  bool is_active[2] = {false, false};
  std::uint32_t mentioned = GroupNumbers::kNotMentioned;   // else a class of one: a policy names this user
  bool is_looked_into = false;             // a policy reads attributes of exactly this user
  bool is_changed = false;                 // something that policies mention differs between before and after
};

class UserClasses {
 public:
  UserClasses(const AccessState& before, const AccessState& after, const Mentions& mentions);

  const std::vector<UserClass>& all() const { return classes_; }
  std::vector<AccessDifference::Person>& users() { return users_; }
  const GroupNumbers& groups() const { return groups_; }
  Person person(std::size_t number, int side) const;

 private:
  const AccessState* states_[2];
  GroupNumbers groups_;
  std::vector<UserClass> classes_;
  std::vector<AccessDifference::Person> users_;
};

}  // namespace writ::policy::preview
