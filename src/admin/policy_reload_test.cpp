// Activation is atomic: while bundles change under load, each decision is made wholly by a version that was active while it was made.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "admin/admin_fixture.h"

namespace writ::admin {
namespace {

struct Made {
  std::uint64_t begun, ended;   // on the counter that changes advance
  std::string version;
  std::string group;
  bool allowed;
};

class PolicyReload : public AdminWorld {
 protected:
  static policy::BundleFiles bundle_for(const std::string& group) {
    return {{"grants.yaml", "grants:\n  - {group: " + group + ", agents: [cursor], servers: [files], scopes: all, tools: all}\n"}};
  }
  // Asks until `stop`, about three groups of which one is in either bundle and one in none.
  std::vector<Made> ask_until(const std::atomic<bool>& stop, std::size_t first) {
    std::vector<Made> made;
    const std::string groups[] = {"eng", "sales", "nobody"};
    for (std::size_t i = first; !stop.load(std::memory_order_relaxed); ++i) {
      policy::Question question;
      question.principal.groups = {groups[i % 3]};
      question.agent.id = "cursor";
      question.server.id = "files";
      const std::uint64_t begun = clock_.load();
      const policy::Decision decision = policy.get()->decide(question);
      made.push_back({begun, clock_.load(), decision.version, groups[i % 3], decision.allowed});
    }
    return made;
  }
  std::atomic<std::uint64_t> clock_{1};
};

TEST_F(PolicyReload, NoDecisionIsMadeByAVersionThatWasNotActive) {
  fill();
  struct Active {
    std::string version, group;
    std::uint64_t from;            // before it was set
    std::uint64_t until = UINT64_MAX;   // after the next one was
  };
  std::vector<Active> actives{{policy.get()->version(), "eng", 0}};
  std::atomic<bool> stop{false};
  std::vector<std::vector<Made>> made(3);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < made.size(); ++i) threads.emplace_back([&, i] { made[i] = ask_until(stop, i); });
  int refused = 0;
  for (int turn = 1; turn <= 60; ++turn) {
    const bool is_broken = turn % 5 == 0;
    const std::string group = actives.back().group == "eng" ? "sales" : "eng";
    Change change;
    change.policy = bundle_for(group);
    if (is_broken) change.policy->emplace("broken.cedar", "permit(principal, action, resource;");
    const std::uint64_t from = clock_.fetch_add(1) + 1;
    const auto changed = apply(std::move(change));
    const std::uint64_t until = clock_.fetch_add(1) + 1;
    EXPECT_EQ(changed.has_value(), !is_broken);
    if (!changed) {
      ++refused;
      EXPECT_EQ(policy.get()->version(), actives.back().version) << "a broken bundle leaves what is active";
      continue;
    }
    actives.back().until = until;
    actives.push_back({changed->policy_version, group, from});
  }
  stop = true;
  for (auto& thread : threads) thread.join();

  EXPECT_EQ(refused, 12);
  std::size_t count = 0, wrong = 0;
  for (const auto& of_thread : made) {
    for (const Made& one : of_thread) {
      ++count;
      const bool is_right = std::any_of(actives.begin(), actives.end(), [&](const Active& active) {
        return active.version == one.version && active.from <= one.ended && one.begun <= active.until && one.allowed == (active.group == one.group);
      });
      wrong += !is_right;
      wrong += one.group == "nobody" && one.allowed;
    }
  }
  EXPECT_GT(count, 1'000u);
  EXPECT_EQ(wrong, 0u) << "of " << count;
}

}  // namespace
}  // namespace writ::admin
