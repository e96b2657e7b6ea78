#include "registry/change_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace writ::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> errors_of(const Problems& problems) {
  std::vector<std::string> told;
  for (const Problem& problem : problems) {
    if (!problem.is_warning) told.push_back(to_string(problem));
  }
  std::sort(told.begin(), told.end());
  return told;
}

// What can be asked of an index, as text: two with the same answers are as good as each other.
std::string answers_of(const PeopleIndex& people, const Objects& objects) {
  std::string text;
  const auto add = [&](const auto& found) {
    for (const auto* one : found) text += one->id + ",";
    text += ";";
  };
  for (const User& user : objects.users) {
    text += user.id + "=" + (people.user(user.id) == &user ? "itself" : "another") + ":" + people.user_by_name(user.name)->name + ";";
    add(people.namesakes(user.name)), add(people.with_email(user.email)), add(people.with_external_id(user.external_id)), add(people.owned_by(user.id));
    for (const auto& link : user.links) add(people.linked_to(link.issuer, link.tenant, link.subject));
    for (const std::string& group : people.groups_of(user.id)) text += group + " ";
    text += "\n";
  }
  for (const Group& group : objects.groups) {
    text += group.id + "=" + (people.group(group.id) == &group ? "itself" : "another") + ";";
    add(people.members_of(group.id)), add(people.children_of(group.id));
    text += "\n";
  }
  return text;
}

// A company small enough that changes meet: few names, few groups, and of everything something that does not fit.
class Company {
 public:
  explicit Company(unsigned seed) : random_(seed) {
    put_connector(true);
    set(ObjectKind::limit, "slow", json::Value{{"id", "slow"}, {"requests_per_minute", 5}, {"groups", json::Array{"g1"}}});
    set(ObjectKind::group, "g1", json::Value{{"id", "g1"}});
    set(ObjectKind::group, "g2", json::Value{{"id", "g2"}});
  }

  Catalogue catalogue;

  // The keys of what it wrote or removed.
  std::vector<ObjectKey> change() {
    std::set<ObjectKey> keys;
    for (std::size_t left = 1 + below(4); left > 0; --left) {
      const bool is_user = below(3) != 0;
      const ObjectKey key = is_user ? ObjectKey(ObjectKind::user, one_of("usr_", 12)) : ObjectKey(ObjectKind::group, one_of("g", 6));
      if (below(4) == 0) remove(catalogue, key.first, key.second);
      else set(key.first, key.second, is_user ? user(key.second) : group(key.second));
      keys.insert(key);
    }
    if (below(10) == 0) {
      put_connector(below(2) == 0);
      keys.emplace(ObjectKind::identity_connector, "corp");
    }
    if (below(10) == 0) {
      set(ObjectKind::limit, "slow", json::Value{{"id", "slow"}, {"requests_per_minute", 7}, {"groups", json::Array{one_of("g", 6)}}});
      keys.emplace(ObjectKind::limit, "slow");
    }
    return {keys.begin(), keys.end()};
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  std::string one_of(const std::string& prefix, std::size_t limit) { return prefix + std::to_string(1 + below(limit)); }
  void set(ObjectKind kind, const std::string& key, json::Value document) {
    const auto done = put(catalogue, kind, key, {1, std::move(document)});
    EXPECT_TRUE(done) << to_string(done.error());
  }
  void put_connector(bool active) {
    set(ObjectKind::identity_connector, "corp",
        json::Value{{"id", "corp"}, {"active", active}, {"issuer", "https://login.example"}, {"client_id", "writ"}, {"client_authentication", "none"},
                    {"groups", json::Value{{"Staff", "g1"}, {"Other", "g2"}}}});
  }
  json::Array some_groups() {
    std::set<std::string> ids;
    for (std::size_t left = below(3); left > 0; --left) ids.insert(one_of("g", 6));
    json::Array groups;
    for (const std::string& id : ids) groups.push_back(id);
    return groups;
  }
  json::Value user(const std::string& id) {
    json::Value document{{"id", id}, {"name", below(3) == 0 ? one_of(below(2) ? "Name" : "name", 8) : "n-" + id}, {"email", one_of("m", 5) + "@example.com"}, {"groups", some_groups()}};
    if (below(3) == 0) document.set("external_id", one_of("x", 5));
    if (below(4) == 0) document.set("kind", "service").set("owner", one_of("usr_", 13));
    if (below(6) == 0) document.set("provisioned_by", below(4) ? "corp" : "nobody");
    if (below(3) == 0) {
      json::Value link{{"issuer", "https://login.example"}, {"subject", one_of("s", 6)}};
      if (below(2) == 0) link.set("groups", some_groups());
      json::Array links{link};
      if (below(4) == 0) links.push_back(json::Value{{"issuer", "https://login.example"}, {"subject", one_of("s", 6)}});
      document.set("links", std::move(links));
    }
    return document;
  }
  json::Value group(const std::string& id) { return json::Value{{"id", id}, {"parents", some_groups()}}; }

  std::mt19937 random_;
};

TEST(ChangeObjects, SaysOfAChangeWhatALookAtEverythingSays) {
  std::size_t right = 0, wrong = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    Company company(seed);
    auto first = change_objects(nullptr, company.catalogue, {});
    ASSERT_TRUE(first);
    ASSERT_THAT(errors_of(first->problems), IsEmpty());
    auto before = std::make_unique<const Snapshot>(std::move(first->objects), std::move(first->people), 1, Definitions());
    for (int step = 0; step < 120; ++step) {
      const Catalogue present = company.catalogue;
      const auto changed = company.change();
      const auto whole = change_objects(nullptr, company.catalogue, {});
      auto after = change_objects(before.get(), company.catalogue, changed);
      ASSERT_TRUE(whole && after);
      ASSERT_EQ(errors_of(after->problems), errors_of(whole->problems)) << "seed " << seed << ", step " << step;
      if (has_errors(whole->problems)) {
        ++wrong;
        company.catalogue = present;   // refused: nothing of it is there
        continue;
      }
      ++right;
      ASSERT_EQ(answers_of(after->people, after->objects), answers_of(PeopleIndex(after->objects.users, after->objects.groups, after->objects.identity_connectors), after->objects))
          << "seed " << seed << ", step " << step;
      ASSERT_EQ(after->objects.users.size(), company.catalogue.users.size());
      before = std::make_unique<const Snapshot>(std::move(after->objects), std::move(after->people), 1, Definitions());
    }
  }
  EXPECT_GT(right, 1000u) << "otherwise this says little";
  EXPECT_GT(wrong, 1000u);
}

TEST(ChangeObjects, LeavesAloneWhatTheChangeIsNotAbout) {
  Catalogue catalogue;
  for (const char* id : {"usr_a", "usr_b"}) ASSERT_TRUE(put(catalogue, ObjectKind::user, id, {1, json::Value{{"id", id}, {"name", id}}}));
  auto first = change_objects(nullptr, catalogue, {});
  const Snapshot before(std::move(first->objects), std::move(first->people), 1, {});
  ASSERT_TRUE(put(catalogue, ObjectKind::user, "usr_b", {2, json::Value{{"id", "usr_b"}, {"name", "bob"}}}));
  auto after = change_objects(&before, catalogue, {{ObjectKind::user, "usr_b"}});
  const Snapshot now(std::move(after->objects), std::move(after->people), 2, {});
  EXPECT_EQ(now.user("usr_a"), before.user("usr_a")) << "one object for both";
  EXPECT_EQ(now.user("usr_b")->name, "bob");
  EXPECT_EQ(now.user("usr_b")->version, 2u);
  EXPECT_EQ(before.user("usr_b")->name, "usr_b");
  EXPECT_EQ(now.user_by_name("usr_b"), nullptr);
}

TEST(ChangeObjects, KnowsWhoIsInAGroupThatMoves) {
  Catalogue catalogue;
  const auto group = [&](const char* id, json::Array parents) { ASSERT_TRUE(put(catalogue, ObjectKind::group, id, {1, json::Value{{"id", id}, {"parents", std::move(parents)}}})); };
  group("staff", {}), group("eng", {}), group("platform", {"eng"});
  ASSERT_TRUE(put(catalogue, ObjectKind::user, "usr_a", {1, json::Value{{"id", "usr_a"}, {"name", "a"}, {"groups", json::Array{"platform"}}}}));
  auto first = change_objects(nullptr, catalogue, {});
  const Snapshot before(std::move(first->objects), std::move(first->people), 1, {});
  group("eng", {"staff"});
  auto after = change_objects(&before, catalogue, {{ObjectKind::group, "eng"}});
  EXPECT_THAT(after->people.groups_of("usr_a"), ElementsAre("platform", "eng", "staff"));
  EXPECT_THAT(before.people().groups_of("usr_a"), ElementsAre("platform", "eng"));
  group("staff", {"platform"});
  const Snapshot moved(std::move(after->objects), std::move(after->people), 2, {});
  const auto refused = change_objects(&moved, catalogue, {{ObjectKind::group, "staff"}});
  ASSERT_EQ(errors_of(refused->problems).size(), 1u);
  EXPECT_THAT(errors_of(refused->problems).front(), HasSubstr("groups contain each other"));
}

}  // namespace
}  // namespace writ::registry
