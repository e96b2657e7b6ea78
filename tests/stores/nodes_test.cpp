// Several nodes on one PostgreSQL (docs/reference/nodes.md): what is acknowledged on one is what the others decide on, and of writes that race none is lost.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "adapters/postgresql/decisions_log.h"
#include "adapters/postgresql/node_board.h"
#include "adapters/postgresql/node_documents.h"
#include "adapters/postgresql/object_store.h"
#include "adapters/postgresql/shared_log.h"
#include "crypto/random.h"
#include "linked_accounts/offers.h"
#include "postgresql_fixture.h"
#include "registry/stored_revocations.h"
#include "token_service/ema_refusals.h"
#include "token_service/idp/device_grant/device_requests.h"
#include "token_service/idp/refresh_rotation.h"
#include "token_service/idp/second_factors.h"
#include "token_service/idp/stores.h"
#include "token_service/key_rotation.h"
#include "token_service/pushed_requests.h"

namespace writ::postgresql {
namespace {

using namespace token_service::idp;
using token_service::DeviceKey;
using token_service::RotatingKeys;

const Instant kNow = from_unix_seconds(1'795'000'000);
constexpr std::int64_t kWeek = 7 * 24 * 3600;
const Secret kSealing{std::string(32, 's')};

// One node with all that it keeps in memory.
struct Node {
  static std::unique_ptr<Node> start(const Address& address, const std::string& name) {
    auto node = std::make_unique<Node>();
    auto board = NodeBoard::open(address, {crypto::random_bytes(16), name, Milliseconds{2000}, "sealing"});
    EXPECT_TRUE(board) << board.error().detail;
    if (!board) return nullptr;
    NodeBoard* const raw = board->get();
    const std::string incarnation = raw->incarnation();
    nodes::Rules rules;
    rules.lease = Milliseconds{2000};
    node->membership = std::make_unique<nodes::Membership>(std::move(*board), rules);
    EXPECT_TRUE(node->membership->begin());
    node->documents = *NodeDocuments::open(address, incarnation, *node->membership);
    registry::Documents& documents = *node->documents;
    node->sessions = *SessionStore::open(documents, kWeek);
    node->codes = *AuthorizationCodes::open(documents);
    node->refresh_tokens = *RefreshTokens::open(documents);
    node->device_keys = *StoredDeviceKeys::open(documents);
    node->second_factors = *SecondFactors::open(documents, crypto::SealingKey(kSealing));
    node->revocations = *registry::StoredRevocations::open(documents);
    node->keys = *RotatingKeys::open(documents, crypto::SealingKey(kSealing), "idp", {}, kNow);
    node->ras_keys = *RotatingKeys::open(documents, crypto::SealingKey(kSealing), "ras", {}, kNow);
    node->pushed = *token_service::PushedRequests::open({documents, "idp_pushed_requests"});
    node->devices = *DeviceRequests::open({documents, "idp_device_requests"});
    node->refusals = *token_service::EmaRefusals::open(documents);
    node->offers = *linked_accounts::Offers::open(documents);
    for (registry::DocumentOwner* owner : std::initializer_list<registry::DocumentOwner*>{node->pushed.get(), node->devices.get(), node->refusals.get(), node->offers.get()}) node->membership->follow(*owner);
    for (registry::DocumentOwner* owner : std::initializer_list<registry::DocumentOwner*>{node->sessions.get(), node->codes.get(), node->refresh_tokens.get(), node->device_keys.get(),
                                                                                        node->second_factors.get(), node->revocations.get(), node->keys.get(), node->ras_keys.get()}) {
      node->membership->follow(*owner);
    }
    const auto started = node->membership->start();
    EXPECT_TRUE(started) << started.error();
    raw->has_started();
    return node;
  }
  ~Node() {
    if (membership) membership->stop();
  }

  std::unique_ptr<nodes::Membership> membership;
  std::unique_ptr<NodeDocuments> documents;
  std::unique_ptr<SessionStore> sessions;
  std::unique_ptr<AuthorizationCodes> codes;
  std::unique_ptr<RefreshTokens> refresh_tokens;
  std::unique_ptr<StoredDeviceKeys> device_keys;
  std::unique_ptr<SecondFactors> second_factors;
  std::unique_ptr<registry::StoredRevocations> revocations;
  std::unique_ptr<RotatingKeys> keys, ras_keys;
  std::shared_ptr<token_service::PushedRequests> pushed;
  std::shared_ptr<DeviceRequests> devices;
  std::unique_ptr<token_service::EmaRefusals> refusals;
  std::unique_ptr<linked_accounts::Offers> offers;
};

class PostgresqlNodes : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (auto* server = PostgresqlServer::shared()) server->set("fsync", "on");
  }
  static void TearDownTestSuite() {
    if (auto* server = PostgresqlServer::shared()) server->set("fsync", "off");
  }
  void SetUp() override {
    server_ = PostgresqlServer::shared();
    if (!server_) GTEST_SKIP() << "PostgreSQL is not installed here: script/bootstrap installs it";
    address_ = server_->new_database();
  }
  void two() {
    a_ = Node::start(address_, "a");
    b_ = Node::start(address_, "b");
    ASSERT_TRUE(a_ && b_);
  }

  PostgresqlServer* server_ = nullptr;
  Address address_;
  std::unique_ptr<Node> a_, b_;
};

token_service::idp::Session session(const char* id) { return {id, "usr_alice", digest_of(std::string("cookie-") + id), kNow, kNow, kNow, "urn:writ:acr:password", {"pwd"}, "127.0.0.1", false}; }

RefreshFamily described(const char* id) {
  RefreshFamily family;
  family.id = id;
  family.client_id = "cursor-idp", family.agent_id = "cursor", family.user_id = "usr_alice", family.sid = "s1", family.scope = "openid";
  family.expires = kNow + Seconds{kWeek};
  return family;
}

// Rules §7.2: acknowledged is known everywhere, without anybody waiting on the other node.
TEST_F(PostgresqlNodes, WhatOneNodeAcknowledgesTheOtherDecidesOn) {
  two();
  ASSERT_TRUE(run(a_->sessions->add(session("s1"))));
  ASSERT_TRUE(b_->sessions->find_by_cookie("cookie-s1"));
  ASSERT_TRUE(run(b_->sessions->end("s1")));
  EXPECT_TRUE(a_->sessions->find("s1")->ended);
  ASSERT_TRUE(run(a_->sessions->add(session("s2"))));
  ASSERT_TRUE(run(a_->sessions->forget_cookie("s2")));
  EXPECT_FALSE(b_->sessions->find_by_cookie("cookie-s2"));
  EXPECT_TRUE(b_->sessions->find("s2"));

  AuthorizationCode code;
  code.digest = digest_of("code-1"), code.grant_id = "g1", code.client_id = "cursor-idp", code.expires = kNow + Seconds{60};
  ASSERT_TRUE(run(a_->codes->add(code)));
  ASSERT_TRUE(b_->codes->find("code-1"));
  ASSERT_TRUE(run(b_->codes->mark_used(digest_of("code-1"))));
  EXPECT_TRUE(a_->codes->find("code-1")->used);

  auto begun = begin_family(described("g1"), kNow);
  EXPECT_TRUE(*run(a_->refresh_tokens->add(begun.family)));
  const std::string second = successor_of(begun.token, begun.family);
  EXPECT_TRUE(*run(b_->refresh_tokens->rotate("g1", 0, digest_of(second), kNow)));
  ASSERT_TRUE(a_->refresh_tokens->find(second));
  EXPECT_EQ(a_->refresh_tokens->find(second)->generation, 1U);
  ASSERT_TRUE(run(a_->refresh_tokens->revoke_of_session("s1")));
  EXPECT_TRUE(b_->refresh_tokens->find(second)->family.revoked);

  ASSERT_TRUE(run(a_->device_keys->add(DeviceKey{"dev_1", "usr_alice", "writ-cli", "laptop", "thumb", "{}", "s1", true, kNow})));
  ASSERT_TRUE(b_->device_keys->find("thumb"));
  ASSERT_TRUE(run(b_->device_keys->deactivate("dev_1")));
  EXPECT_FALSE(a_->device_keys->find("thumb")->active);

  const auto epoch = b_->revocations->epoch();
  ASSERT_TRUE(run(a_->revocations->revoke_token("jti-1", kNow + Seconds{60})));
  EXPECT_TRUE(b_->revocations->is_token_revoked("jti-1"));
  EXPECT_GT(b_->revocations->epoch(), epoch) << "streams look again";

  EXPECT_TRUE(*run(a_->second_factors->enrol("usr_alice", Secret("secret"), 0, {}, kNow)));
  EXPECT_TRUE(b_->second_factors->is_enrolled("usr_alice"));
  EXPECT_TRUE(*run(b_->second_factors->reset("usr_alice")));
  EXPECT_FALSE(a_->second_factors->is_enrolled("usr_alice"));
}

TEST_F(PostgresqlNodes, AKeyIsPublishedByEveryNodeBeforeItSigns) {
  two();
  EXPECT_EQ(a_->keys->current()->active.kid, b_->keys->current()->active.kid) << "the first key is made once";
  const auto kid = run(a_->keys->rotate(kNow + Seconds{1}, true));
  ASSERT_TRUE(kid);
  EXPECT_EQ(a_->keys->current()->active.kid, *kid);
  bool is_published = false;
  for (const auto& key : b_->keys->list(kNow + Seconds{1})) is_published = is_published || key.times.kid == *kid;
  EXPECT_TRUE(is_published);
  ASSERT_TRUE(run(b_->keys->tick(kNow + Seconds{2})));
  EXPECT_EQ(b_->keys->current()->active.kid, *kid);
  EXPECT_NE(b_->ras_keys->current()->active.kid, *kid) << "keys of another use are left alone";
}

TEST_F(PostgresqlNodes, OfChangesThatRaceNoneIsLost) {
  two();
  for (int round = 0; round < 15; ++round) {
    const std::string id = "s" + std::to_string(round);
    ASSERT_TRUE(run(a_->sessions->add(session(id.c_str()))));
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    threads.emplace_back([&] { good += run(a_->sessions->end(id)) ? 1 : 0; });
    threads.emplace_back([&] { good += run(b_->sessions->forget_cookie(id)) ? 1 : 0; });
    threads.emplace_back([&] { good += run(b_->sessions->touch(id, kNow + Seconds{900})) ? 1 : 0; });
    for (auto& thread : threads) thread.join();
    ASSERT_EQ(good, 3);
    const auto kept = SessionStore::open(*a_->documents, kWeek);
    ASSERT_TRUE(kept);
    for (const SessionStore* store : {a_->sessions.get(), b_->sessions.get(), kept->get()}) {
      const auto found = store->find(id);
      ASSERT_TRUE(found);
      EXPECT_TRUE(found->ended) << id;
      EXPECT_TRUE(found->cookie_digest.empty()) << id;
      EXPECT_EQ(found->last_seen, kNow + Seconds{900}) << id;
    }
  }
}

TEST_F(PostgresqlNodes, OfTwoNodesThatRotateOneTokenDifferentlyOneDoes) {
  two();
  for (int round = 0; round < 10; ++round) {
    const std::string id = "g" + std::to_string(round);
    auto begun = begin_family(described(id.c_str()), kNow);
    ASSERT_TRUE(*run(a_->refresh_tokens->add(begun.family)));
    std::atomic<int> rotated{0};
    std::vector<std::thread> threads;
    for (Node* node : {a_.get(), b_.get()}) {
      threads.emplace_back([&, node] {
        const auto done = run(node->refresh_tokens->rotate(id, 0, node == a_.get() ? id + "from-a" : id + "from-b", kNow));
        ASSERT_TRUE(done);
        rotated += *done ? 1 : 0;
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(rotated, 1);
    const std::string same = successor_of(begun.token, begun.family);
    EXPECT_EQ(a_->refresh_tokens->find(begun.token)->family.generations, b_->refresh_tokens->find(begun.token)->family.generations);
  }
}

TEST_F(PostgresqlNodes, ARecoveryCodeIsAcceptedByOneNode) {
  two();
  for (int round = 0; round < 5; ++round) {
    const std::string user = "usr_" + std::to_string(round), typed = "ABCD-EFGH-JKMN-PQRS-TUVW";
    const std::string digest = recovery_digest(typed);
    ASSERT_FALSE(digest.empty());
    ASSERT_TRUE(*run(a_->second_factors->enrol(user, Secret("secret"), 0, {digest}, kNow)));
    std::atomic<int> accepted{0};
    std::vector<std::thread> threads;
    for (Node* node : {a_.get(), b_.get()}) {
      threads.emplace_back([&, node] {
        const auto used = run(node->second_factors->use(user, typed, kNow));
        ASSERT_TRUE(used);
        accepted += *used == SecondFactors::Used::recovery_code ? 1 : 0;
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(accepted, 1);
  }
}

// The client pushes to one node, the browser comes to another, and goes on at the first.
TEST_F(PostgresqlNodes, APushedRequestIsKnownToEveryNodeAndGivesOneCode) {
  two();
  using Use = token_service::PushedRequests::Use;
  for (int round = 0; round < 5; ++round) {
    const auto uri = *run(a_->pushed->add("desk", form::Parameters({{"client_id", "desk"}, {"state", "a&b=c"}}), kNow));
    ASSERT_TRUE(uri);
    EXPECT_FALSE(b_->pushed->find(*uri, "other", Use::begins, kNow));
    EXPECT_FALSE(b_->pushed->find(*uri, "desk", Use::goes_on, kNow + Seconds{60}));
    const auto there = b_->pushed->find(*uri, "desk", Use::begins, kNow);
    ASSERT_TRUE(there);
    EXPECT_EQ(*there->find("state"), "a&b=c");
    ASSERT_TRUE(run(b_->pushed->begin(*uri, "desk", kNow)));
    EXPECT_TRUE(a_->pushed->find(*uri, "desk", Use::goes_on, kNow + Seconds{599}));
    EXPECT_FALSE(a_->pushed->find(*uri, "desk", Use::goes_on, kNow + Seconds{600}));
    std::atomic<int> taken{0};
    std::vector<std::thread> threads;
    for (Node* node : {a_.get(), b_.get()}) {
      threads.emplace_back([&, node] {
        const auto first = run(node->pushed->take(*uri, kNow));
        ASSERT_TRUE(first);
        taken += *first;
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(taken, 1);
    for (Node* node : {a_.get(), b_.get()}) EXPECT_FALSE(node->pushed->find(*uri, "desk", Use::goes_on, kNow));
  }
}

// The device asks one node, its person answers at another.
TEST_F(PostgresqlNodes, ADeviceHearsFromEveryNodeWhatItsPersonSaid) {
  two();
  using Poll = DeviceRequests::Poll;
  using State = DeviceRequest::State;
  for (int round = 0; round < 5; ++round) {
    const auto made = *run(a_->devices->add("tv", "tv-agent", "openid", "192.0.2.7", kNow));
    ASSERT_TRUE(made);
    EXPECT_EQ(b_->devices->poll(made->device_code, "tv", kNow), Poll::waiting);
    const auto waiting = b_->devices->find_waiting(made->request.user_code, kNow);
    ASSERT_TRUE(waiting);
    EXPECT_EQ(waiting->agent_id, "tv-agent");
    EXPECT_EQ(waiting->peer, "192.0.2.7");
    std::atomic<int> decided{0};
    std::vector<std::thread> threads;
    for (Node* node : {a_.get(), b_.get()}) {
      threads.emplace_back([&, node] {
        const auto first = run(node->devices->decide(made->request.user_code, node == a_.get() ? State::approved : State::denied, kNow));
        ASSERT_TRUE(first);
        decided += *first;
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(decided, 1) << "of two answers the first counts";
    const auto heard = a_->devices->poll(made->device_code, "tv", kNow + Seconds{6});
    EXPECT_TRUE(heard == Poll::approved || heard == Poll::denied);
    EXPECT_EQ(b_->devices->poll(made->device_code, "tv", kNow + Seconds{6}), heard);
  }
}

// What enterprise-managed authorization refused on one node is not to be had by interactive sign-in on another (rules §3.1).
TEST_F(PostgresqlNodes, WhatOneNodeRefusedIsRefusedByTheOther) {
  two();
  const token_service::EmaRefusals::About about{"usr_alice", "cursor", "notes"};
  ASSERT_TRUE(run(a_->refusals->note(about, "v1", kNow)));
  EXPECT_TRUE(b_->refusals->counts(about, "v1", kNow));
  ASSERT_TRUE(run(b_->refusals->forget(about, kNow)));
  EXPECT_FALSE(a_->refusals->counts(about, "v1", kNow));
  ASSERT_TRUE(run(a_->refusals->note(about, "v2", kNow)));
  EXPECT_TRUE(b_->refusals->counts(about, "v2", kNow));
  EXPECT_FALSE(b_->refusals->counts(about, "v1", kNow));
}

// A person answers at any node what a subject was offered at another.
TEST_F(PostgresqlNodes, AnOfferedLinkIsOneOnEveryNode) {
  two();
  linked_accounts::Offer wanted;
  wanted.of.issuer = "https://idp.example", wanted.of.subject = "sub-1";
  wanted.user = "usr_alice", wanted.email = "alice@example.com", wanted.agent = "cursor";
  const auto made = run(a_->offers->make(wanted, kNow));
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->is_new);
  const auto same = run(b_->offers->make(wanted, kNow));
  ASSERT_TRUE(same);
  EXPECT_FALSE(same->is_new) << "asked once, whichever nodes the subject comes to";
  ASSERT_TRUE(run(b_->offers->reject(wanted.id(), "usr_alice", kNow)));
  ASSERT_TRUE(a_->offers->find(wanted.id(), kNow));
  EXPECT_EQ(a_->offers->find(wanted.id(), kNow)->rejected_by, "usr_alice");
  ASSERT_TRUE(run(a_->offers->end(wanted.id(), kNow)));
  EXPECT_FALSE(b_->offers->find(wanted.id(), kNow));
}

TEST_F(PostgresqlNodes, AWriteThatStandsOnAnOlderOneIsNone) {
  two();
  using registry::Document;
  ASSERT_TRUE(run(a_->documents->put({"t", "k", 1, kNow, "1"})));
  const auto loaded = b_->documents->load("t");
  ASSERT_TRUE(loaded);
  const std::int64_t seen = loaded->front().version;
  ASSERT_TRUE(run(a_->documents->put({"t", "k", 2, kNow, "2"})));
  const auto on_top = run(b_->documents->put_on_top({"t", "k", seen + 1, kNow, "of b"}));
  ASSERT_TRUE(on_top);
  EXPECT_FALSE(*on_top);
  EXPECT_FALSE(run(b_->documents->put({"t", "k", seen + 2, kNow, "of b"}))) << "whoever cannot do it again is refused";
  EXPECT_FALSE(run(b_->documents->put({"t", "k", 1, kNow, "of b"}))) << "nor is it new";
  const auto newest = b_->documents->load("t");
  EXPECT_EQ(newest->front().json, "2");
  EXPECT_TRUE(*run(b_->documents->put_on_top({"t", "k", newest->front().version + 1, kNow, "of b"})));
  EXPECT_EQ(a_->documents->load("t")->front().json, "of b");
}

TEST_F(PostgresqlNodes, ANodeThatStartsAgainGoesOnFromWhatThereIs) {
  two();
  ASSERT_TRUE(run(a_->sessions->add(session("s1"))));
  a_.reset();
  ASSERT_TRUE(run(b_->sessions->touch("s1", kNow + Seconds{900})));
  a_ = Node::start(address_, "a");
  ASSERT_TRUE(a_);
  EXPECT_EQ(a_->sessions->find("s1")->last_seen, kNow + Seconds{900});
  ASSERT_TRUE(run(a_->sessions->end("s1")));
  EXPECT_TRUE(b_->sessions->find("s1")->ended);
}

TEST_F(PostgresqlNodes, ChangesOfObjectsAreReadOneByOne) {
  auto a = PostgresqlObjectStore::open(address_), b = PostgresqlObjectStore::open(address_);
  ASSERT_TRUE(a && b);
  std::int64_t epoch = 0;
  (*a)->on_epoch([&](std::int64_t raised) { epoch = raised; });
  const auto parsed = [](const char* text) { return *json::parse(text); };
  registry::ChangeSet first;
  first.id = "c1", first.author = "ann", first.reason = "why";
  first.writes = {{registry::ObjectKind::group, "eng", parsed(R"({"id":"eng"})")}, {registry::ObjectKind::group, "ops", parsed(R"({"id":"ops"})")}};
  ASSERT_TRUE(run(std::move((*a)->commit(first))));
  EXPECT_GT(epoch, 0);
  registry::ChangeSet second;
  second.id = "c2", second.base_sequence = 1;
  second.writes = {{registry::ObjectKind::group, "ops", std::nullopt}};
  second.policy = registry::BundleFiles{{"a.cedar", "permit(principal, action, resource);"}}, second.policy_hash = "hash";
  ASSERT_TRUE(run(std::move((*a)->commit(second))));
  const auto all = run((*b)->since(0));
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].id, "c1");
  EXPECT_EQ((*all)[0].writes.size(), 2U);
  EXPECT_FALSE((*all)[0].policy);
  EXPECT_EQ((*all)[1].base_sequence, 1U);
  ASSERT_EQ((*all)[1].writes.size(), 1U);
  EXPECT_FALSE((*all)[1].writes.front().document);
  EXPECT_EQ((*all)[1].policy, second.policy);
  // What they come to is what a start finds.
  registry::Catalogue followed;
  for (const auto& change : *all) registry::apply(followed, change, change.base_sequence + 1);
  const auto loaded = (*b)->load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(followed.sequence, loaded->sequence);
  for (const auto kind : registry::kObjectKinds) EXPECT_EQ(followed.count(kind), loaded->count(kind));
  EXPECT_EQ(followed.policy->hash, loaded->policy->hash);
  EXPECT_TRUE(run((*b)->since(2))->empty());
}

class SystemNow final : public Clock {
 public:
  Instant now() const override { return kNow; }
};

TEST_F(PostgresqlNodes, ANameIsTakenOnce) {
  const SystemNow clock;
  auto first = SharedLog::open(address_, "a", clock);
  ASSERT_TRUE(first) << first.error().detail;
  const auto same = SharedLog::open(address_, "a", clock);
  ASSERT_FALSE(same);
  EXPECT_NE(same.error().detail.find("called `a`"), std::string::npos) << same.error().detail;
  EXPECT_TRUE(SharedLog::open(address_, "b", clock));
  const auto alone = PostgresqlDecisionsLog::open(address_, "c", clock);
  ASSERT_FALSE(alone) << "one that thinks it is alone";
  EXPECT_NE(alone.error().detail.find("two may only share it as nodes"), std::string::npos);
}

TEST_F(PostgresqlNodes, AnotherSealingKeyIsRefused) {
  ASSERT_TRUE(NodeBoard::open(address_, {"1", "a", Milliseconds{1000}, "one"}));
  const auto other = NodeBoard::open(address_, {"2", "b", Milliseconds{1000}, "another"});
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().detail.find("sealing key"), std::string::npos) << other.error().detail;
}

TEST_F(PostgresqlNodes, ADatabaseWhoseCommitsMayBeLostIsRefused) {
  for (const char* name : {"synchronous_commit", "fsync", "full_page_writes"}) {
    server_->set(name, "off");
    const auto opened = NodeBoard::open(address_, {"1", "a", Milliseconds{1000}, "one"});
    server_->set(name, "on");
    ASSERT_FALSE(opened) << name;
    EXPECT_NE(opened.error().detail.find(std::string("`") + name + "` is off"), std::string::npos) << opened.error().detail;
  }
  EXPECT_TRUE(NodeBoard::open(address_, {"1", "a", Milliseconds{1000}, "one"}));
}

}  // namespace
}  // namespace writ::postgresql
