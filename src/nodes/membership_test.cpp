// Several members in one process, on a board in memory that can be cut off from any of them.
#include "nodes/membership.h"

#include <gtest/gtest.h>

#include <thread>

namespace writ::nodes {
namespace {

using registry::Document;

// What all boards of a test share.
struct Meeting {
  std::mutex mutex;
  std::condition_variable changed;
  std::int64_t epoch = 0;
  std::uint64_t object_sequence = 0;
  struct Written {
    std::int64_t epoch;
    std::string writer;
    Document document;
  };
  std::vector<Written> documents;
  std::map<std::string, Peer> peers;

  std::int64_t change(const std::string& writer, const char* key, const char* json) {
    const std::lock_guard lock(mutex);
    ++epoch;
    documents.push_back({epoch, writer, Document{"t", key, epoch, {}, json}});
    changed.notify_all();
    return epoch;
  }
  std::int64_t confirmed(const std::string& name) {
    const std::lock_guard lock(mutex);
    return peers.contains(name) ? peers.at(name).confirmed : -1;
  }
};

class MemoryBoard final : public Board {
 public:
  MemoryBoard(Meeting& meeting, std::string name, Milliseconds lease, std::atomic<bool>& is_cut) : meeting_(meeting), name_(std::move(name)), lease_(lease), is_cut_(is_cut) {}
  const std::string& incarnation() const override { return name_; }
  Result<void, std::string> renew(std::int64_t confirmed) override {
    if (is_cut_) return unexpected(std::string("cut off"));
    const std::lock_guard lock(meeting_.mutex);
    Peer& peer = meeting_.peers[name_];
    peer = {name_, name_, peer.renewal + 1, confirmed, lease_};
    return {};
  }
  Result<News, std::string> read(std::int64_t after) override {
    if (is_cut_) return unexpected(std::string("cut off"));
    const std::lock_guard lock(meeting_.mutex);
    News news{meeting_.epoch, meeting_.object_sequence, {}, {}};
    for (const auto& written : meeting_.documents) {
      if (written.epoch > after && written.writer != name_) news.documents.push_back(written.document);
    }
    for (const auto& [name, peer] : meeting_.peers) news.peers.push_back(peer);
    return news;
  }
  Result<void, std::string> leave() override {
    const std::lock_guard lock(meeting_.mutex);
    meeting_.peers.erase(name_);
    return {};
  }
  Result<void, std::string> forget(const Peer&) override { return {}; }
  void wait(Milliseconds at_most) override {
    std::unique_lock lock(meeting_.mutex);
    meeting_.changed.wait_for(lock, std::chrono::milliseconds(at_most.count()), [&, before = meeting_.epoch] { return interrupted_.exchange(false) || (!is_cut_ && meeting_.epoch != before); });
  }
  void interrupt() override {
    const std::lock_guard lock(meeting_.mutex);
    interrupted_ = true;
    meeting_.changed.notify_all();
  }

 private:
  Meeting& meeting_;
  std::string name_;
  Milliseconds lease_;
  std::atomic<bool>& is_cut_;
  std::atomic<bool> interrupted_{false};
};

class Keeper final : public registry::DocumentOwner {
 public:
  std::string_view table() const override { return "t"; }
  Result<void, Unavailable> take_over(const Document& document) override {
    if (document.json == "damaged") return unexpected(Unavailable{"it is damaged"});
    const std::lock_guard lock(mutex_);
    kept_[document.key] = document.json;
    return {};
  }
  std::string kept(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return kept_[key];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> kept_;
};

struct Node {
  Node(Meeting& meeting, const char* called, Milliseconds lease = Milliseconds{400})
      : name(called), membership(std::make_unique<MemoryBoard>(meeting, called, lease, is_cut), Rules{lease, Milliseconds{50}, Milliseconds{2}, Milliseconds{3000}}) {
    EXPECT_TRUE(membership.begin());
    membership.follow(keeper);
    membership.on_notice([this](bool, const std::string& sentence) {
      const std::lock_guard lock(mutex);
      notices += sentence + "\n";
    });
  }
  std::string noticed() {
    const std::lock_guard lock(mutex);
    return notices;
  }
  // Makes a change as a store does: committed, then everywhere.
  Result<void, Unavailable> change(Meeting& meeting, const char* key, const char* json) {
    membership.raised(meeting.change(name, key, json));
    return run(membership.everywhere());
  }

  const std::string name;
  std::atomic<bool> is_cut{false};
  Keeper keeper;
  std::mutex mutex;
  std::string notices;
  Membership membership;   // the last one: its thread uses the others
};

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 400; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

TEST(Membership, BeforeItStartsNothingIsServedAndNothingWaitedFor) {
  Meeting meeting;
  Node a(meeting, "a");
  EXPECT_FALSE(a.membership.may_serve());
  EXPECT_TRUE(a.change(meeting, "k", "1"));
  ASSERT_TRUE(a.membership.start());
  EXPECT_TRUE(a.membership.may_serve());
  a.membership.stop();
  EXPECT_FALSE(a.membership.may_serve());
}

TEST(Membership, WhatIsAcknowledgedIsKnownToEveryNode) {
  Meeting meeting;
  Node a(meeting, "a"), b(meeting, "b"), c(meeting, "c");
  for (Node* node : {&a, &b, &c}) ASSERT_TRUE(node->membership.start());
  for (int i = 0; i < 50; ++i) {
    const std::string value = std::to_string(i);
    Node& changing = i % 2 ? a : b;
    ASSERT_TRUE(changing.change(meeting, "k", value.c_str()));
    for (Node* node : {&a, &b, &c}) {
      if (node != &changing) {
        EXPECT_EQ(node->keeper.kept("k"), value);
      }
    }
  }
  EXPECT_EQ(a.membership.others().size(), 2U);
}

TEST(Membership, ANodeThatIsCutOffStopsServingBeforeAnybodyIsToldOtherwise) {
  Meeting meeting;
  Node a(meeting, "a"), b(meeting, "b");
  ASSERT_TRUE(a.membership.start());
  ASSERT_TRUE(b.membership.start());
  b.is_cut = true;
  EXPECT_TRUE(b.membership.may_serve()) << "its lease still holds";
  ASSERT_TRUE(a.change(meeting, "k", "1"));
  EXPECT_FALSE(b.membership.may_serve()) << "acknowledged, so whoever does not know of it serves no more";
  EXPECT_EQ(b.keeper.kept("k"), "");
  const auto term = b.membership.term();
  b.is_cut = false;
  ASSERT_TRUE(eventually([&] { return b.membership.may_serve(); }));
  EXPECT_EQ(b.keeper.kept("k"), "1") << "it serves again when it knows";
  EXPECT_NE(b.membership.term(), term);
  EXPECT_NE(b.noticed().find("may not serve: cut off"), std::string::npos) << b.noticed();
  EXPECT_NE(b.noticed().find("may serve: it knows"), std::string::npos) << b.noticed();
}

TEST(Membership, OneThatChangesSomethingWhileItIsCutOffIsNotToldThatItIsKnown) {
  Meeting meeting;
  Node a(meeting, "a"), b(meeting, "b");
  ASSERT_TRUE(a.membership.start());
  ASSERT_TRUE(b.membership.start());
  a.is_cut = true;
  EXPECT_FALSE(a.change(meeting, "k", "1"));
}

TEST(Membership, WhatCannotBeReadEndsServingAndKeepsNobodyWaiting) {
  Meeting meeting;
  Node a(meeting, "a"), b(meeting, "b");
  ASSERT_TRUE(a.membership.start());
  ASSERT_TRUE(b.membership.start());
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(a.change(meeting, "k", "damaged"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(1500));
  EXPECT_FALSE(b.membership.may_serve());
  EXPECT_NE(b.noticed().find("it is damaged"), std::string::npos) << b.noticed();
}

TEST(Membership, ObjectsAreFollowedBeforeTheyAreConfirmed) {
  Meeting meeting;
  Node a(meeting, "a"), b(meeting, "b", Milliseconds{2000});
  std::atomic<std::uint64_t> sequence{0};
  std::mutex mutex;
  std::function<void(bool)> done;
  FollowedObjects objects{[&] { return sequence.load(); }, [&](std::function<void(bool)> finished) {
                            const std::lock_guard lock(mutex);
                            done = std::move(finished);
                          }};
  b.membership.follow(std::move(objects));
  ASSERT_TRUE(a.membership.start());
  ASSERT_TRUE(b.membership.start());
  {
    const std::lock_guard lock(meeting.mutex);
    meeting.object_sequence = 5;
  }
  const std::int64_t epoch = meeting.change("a", "k", "1");
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return done != nullptr;
  }));
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_LT(meeting.confirmed("b"), epoch);
  sequence = 5;
  {
    const std::lock_guard lock(mutex);
    done(true);
  }
  EXPECT_TRUE(eventually([&] { return meeting.confirmed("b") == epoch; }));
  EXPECT_TRUE(b.membership.may_serve());
}

TEST(Membership, ADatabaseThatWasSetBackEndsServing) {
  Meeting meeting;
  meeting.change("a", "k", "1");
  Node a(meeting, "a");
  ASSERT_TRUE(a.membership.start());
  {
    const std::lock_guard lock(meeting.mutex);
    meeting.epoch = 0;
  }
  EXPECT_TRUE(eventually([&] { return !a.membership.may_serve(); }));
  EXPECT_TRUE(eventually([&] { return a.noticed().find("older than what this node has seen") != std::string::npos; })) << a.noticed();
}

TEST(Membership, WhoLeavesIsNotWaitedFor) {
  Meeting meeting;
  Node a(meeting, "a");
  {
    Node b(meeting, "b", Milliseconds{60'000});
    ASSERT_TRUE(a.membership.start());
    ASSERT_TRUE(b.membership.start());
  }
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(a.change(meeting, "k", "1"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(1000));
}

}  // namespace
}  // namespace writ::nodes
