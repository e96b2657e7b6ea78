#pragma once

// What must hold over all objects together, beyond the schema of each (read.h): references exist, keys are unique, groups contain no
// cycle, identifiers and URIs have their form.

#include <map>
#include <string>
#include <utility>

#include "registry/people_index.h"
#include "registry/read.h"

namespace writ::registry {

// Where objects were declared, so that a problem can name file and line. An object that no file declares has the place
// /{collection}/{key}, as in the admin API.
class Places {
 public:
  Places() = default;
  explicit Places(const std::vector<Declared>& declared);
  void add(ObjectKind kind, std::string key, const Node& node);
  // The part of an object that `path` leads to ("groups/0"), or the nearest part around it.
  Position of(ObjectKind kind, std::string_view key, std::string_view path = "") const;

 private:
  std::map<std::pair<ObjectKind, std::string>, Node> nodes_;
};

// Everything that is wrong; warnings among it. A snapshot may be made when has_errors() is false.
Problems check_objects(const Objects& objects, const Places& places = {});
Problems check_objects(const Objects& objects, const PeopleIndex& people, const Places& places);   // with the index of these objects

// What a change wrote or removed.
struct ChangedObjects {
  std::vector<std::string> users, groups;
  bool others = false;   // something that is neither
};
// The same of objects that were right before this change, told by looking at what it touched and at what refers to that: everybody else is as right as
// before. What neither users nor groups do wrong is told of a change of such objects only; warnings of theirs are nobody's news otherwise.
// `people` is the index of these objects. Precondition: the identity connectors are what they were.
Problems check_change(const Objects& objects, const PeopleIndex& people, const ChangedObjects& changed, const Places& places = {});

// One definition; `servers`: the ids that exist.
Problems check_definition(const Definition& definition, const std::vector<std::string>& servers, const Places& places = {});

// The forms of identifiers, for messages and for those who make them.
bool is_server_id(std::string_view text);     // [a-z0-9-]{1,32} (rules §5.6)
bool is_agent_id(std::string_view text);      // [a-z0-9][a-z0-9_-]{0,63}
bool is_group_id(std::string_view text);      // [A-Za-z0-9][A-Za-z0-9_.@-]{0,63}
bool is_user_id(std::string_view text);       // usr_[A-Za-z0-9_-]{1,64}

}  // namespace writ::registry
