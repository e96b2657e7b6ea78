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

struct UserClass {
  std::vector<std::uint32_t> members;      // of AccessDifference::users
  std::string representative;              // the id of one of them
  GroupSet groups[2];                      // before, after
  bool is_active[2] = {false, false};
  bool is_mentioned = false;               // a class of one: a policy names this user
  bool is_looked_into = false;             // a policy reads attributes of exactly this user
  bool is_changed = false;                 // something that policies mention differs between before and after
};

class UserClasses {
 public:
  UserClasses(const AccessState& before, const AccessState& after, const Mentions& mentions);

  const std::vector<UserClass>& all() const { return classes_; }
  std::vector<AccessDifference::Person>& users() { return users_; }
  // The number of a group that some policy mentions; else none.
  std::optional<std::size_t> number_of_group(std::string_view group) const;
  std::size_t words() const { return (numbers_.size() + 63) / 64; }

 private:
  GroupSet groups_of(const registry::User& user, const registry::Snapshot& objects) const;

  std::unordered_map<std::string, std::size_t> numbers_;
  std::vector<UserClass> classes_;
  std::vector<AccessDifference::Person> users_;
};

}  // namespace writ::policy::preview
