// One suite for every home that documents can have: what the IdP's stores and the revocations promise must hold on each of them, and
// what was acknowledged must be there after a restart.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "adapters/memory/documents.h"
#include "adapters/postgresql/documents.h"
#include "adapters/sqlite/documents.h"
#include "base/task.h"
#include "postgresql_fixture.h"
#include "registry/stored_revocations.h"
#include "token_service/idp/refresh_rotation.h"
#include "token_service/idp/stores.h"

namespace writ {
namespace {

using registry::Document;
using registry::Documents;
using registry::StoredRevocations;
using token_service::DeviceKey;
using namespace token_service::idp;

const Instant kNow = from_unix_seconds(1'795'000'000);
constexpr std::int64_t kWeek = 7 * 24 * 3600;

// A home that can be closed and opened again.
struct Home {
  std::unique_ptr<Documents> documents;
  std::filesystem::path file;
  std::function<std::unique_ptr<Documents>()> open;   // absent: memory keeps what it has; the stores above it start afresh

  void reopen() {
    if (!open) return;
    documents.reset();
    documents = open();
  }
};

class IdpStores : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "memory") {
      home_.documents = std::make_unique<memory::MemoryDocuments>();
      return;
    }
    if (std::string(GetParam()) == "postgresql") {
      if (!PostgresqlServer::shared()) GTEST_SKIP() << "PostgreSQL is not installed here: script/bootstrap installs it";
      home_.open = [address = PostgresqlServer::shared()->new_database()]() -> std::unique_ptr<Documents> {
        return std::move(*postgresql::PostgresqlDocuments::open(address));
      };
    } else {
      static int count = 0;
      home_.file = std::filesystem::temp_directory_path() / ("writ-documents-" + std::to_string(getpid()) + "-" + std::to_string(++count));
      home_.open = [file = home_.file]() -> std::unique_ptr<Documents> { return std::move(*sqlite::SqliteDocuments::open(file)); };
    }
    home_.reopen();
  }
  void TearDown() override {
    home_.documents.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) {
      if (!home_.file.empty()) std::filesystem::remove(home_.file.string() + suffix);
    }
  }
  Documents& documents() { return *home_.documents; }

  Home home_;
};
INSTANTIATE_TEST_SUITE_P(Homes, IdpStores, testing::Values("memory", "sqlite", "postgresql"), [](const auto& row) { return std::string(row.param); });

void expect_done(Result<void, Unavailable> result) { EXPECT_TRUE(result); }

Session session(const char* id, const char* cookie) {
  return {id, "usr_alice", digest_of(cookie), kNow, kNow, kNow, "urn:writ:acr:password", {"pwd"}, "127.0.0.1", false};
}

RefreshFamily described(const char* id) {
  RefreshFamily family;
  family.id = id;
  family.client_id = "cursor-idp", family.agent_id = "cursor", family.user_id = "usr_alice", family.sid = "s1", family.scope = "openid";
  family.expires = kNow + Seconds{kWeek};
  return family;
}

TEST_P(IdpStores, the_higher_version_of_a_document_stays_whatever_the_order_of_writing) {
  expect_done(run(documents().put({"t", "k", 2, kNow, "\"new\""})));
  expect_done(run(documents().put({"t", "k", 1, kNow, "\"old\""})));
  auto loaded = documents().load("t");
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->size(), 1u);
  EXPECT_EQ(loaded->front().json, "\"new\"");
  EXPECT_TRUE(documents().load("other")->empty());
}

TEST_P(IdpStores, documents_are_forgotten_only_after_they_expired) {
  expect_done(run(documents().put({"t", "expired", 1, kNow, "1"})));
  expect_done(run(documents().put({"t", "alive", 1, kNow + Milliseconds{1}, "1"})));
  expect_done(run(documents().forget_expired(kNow)));
  const auto loaded = documents().load("t");
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->size(), 1u);
  EXPECT_EQ(loaded->front().key, "alive");
}

TEST_P(IdpStores, hostile_text_is_stored_as_text) {
  const std::string hostile = "'; DROP TABLE documents; -- \" \\ \xF0\x9F\x98\x80";
  expect_done(run(documents().put({"t'--", hostile, 1, kNow, hostile})));
  const auto loaded = documents().load("t'--");
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->size(), 1u);
  EXPECT_EQ(loaded->front().key, hostile);
  EXPECT_EQ(loaded->front().json, hostile);
}

TEST_P(IdpStores, a_session_is_found_by_its_cookie_and_not_by_the_stored_digest) {
  auto store = *SessionStore::open(documents(), kWeek);
  expect_done(run(store->add(session("s1", "cookie-1"))));
  ASSERT_TRUE(store->find_by_cookie("cookie-1"));
  EXPECT_EQ(store->find_by_cookie("cookie-1")->id, "s1");
  EXPECT_FALSE(store->find_by_cookie(digest_of("cookie-1")));
  EXPECT_FALSE(store->find_by_cookie(""));
  EXPECT_EQ(store->of_user("usr_alice").size(), 1u);
  EXPECT_TRUE(store->of_user("usr_bob").empty());
}

TEST_P(IdpStores, a_session_and_its_end_outlive_a_restart) {
  {
    auto store = *SessionStore::open(documents(), kWeek);
    expect_done(run(store->add(session("s1", "cookie-1"))));
    expect_done(run(store->add(session("s2", "cookie-2"))));
    expect_done(run(store->end("s2")));
    expect_done(run(store->touch("s1", kNow + Seconds{400})));
  }
  home_.reopen();
  auto store = *SessionStore::open(documents(), kWeek);
  ASSERT_TRUE(store->find_by_cookie("cookie-1"));
  const Session first = *store->find("s1");
  EXPECT_FALSE(first.ended);
  EXPECT_EQ(first.last_seen, kNow + Seconds{400});
  EXPECT_EQ(first.auth_time, kNow);
  EXPECT_EQ(first.amr, std::vector<std::string>{"pwd"});
  EXPECT_TRUE(store->find("s2")->ended);
}

TEST_P(IdpStores, a_session_whose_cookie_was_forgotten_goes_on_without_it) {
  {
    auto store = *SessionStore::open(documents(), kWeek);
    expect_done(run(store->add(session("s1", "cookie-1"))));
    expect_done(run(store->add(session("s2", "cookie-2"))));
    expect_done(run(store->forget_cookie("s1")));
    expect_done(run(store->forget_cookie("s2")));
    EXPECT_FALSE(store->find_by_cookie("cookie-1"));
  }
  home_.reopen();
  auto store = *SessionStore::open(documents(), kWeek);
  EXPECT_TRUE(store->find("s1"));
  EXPECT_TRUE(store->find("s2"));
  EXPECT_FALSE(store->find_by_cookie("cookie-1"));
  EXPECT_FALSE(store->find_by_cookie(""));
}

TEST_P(IdpStores, uses_of_a_session_count_at_once_and_are_written_every_five_minutes) {
  {
    auto store = *SessionStore::open(documents(), kWeek);
    expect_done(run(store->add(session("s1", "cookie-1"))));
    expect_done(run(store->touch("s1", kNow + Seconds{299})));
    EXPECT_EQ(store->find("s1")->last_seen, kNow + Seconds{299});
  }
  home_.reopen();
  auto store = *SessionStore::open(documents(), kWeek);
  EXPECT_EQ(store->find("s1")->last_seen, kNow);
}

TEST_P(IdpStores, a_session_is_forgotten_at_its_absolute_end) {
  auto store = *SessionStore::open(documents(), kWeek);
  expect_done(run(store->add(session("s1", "cookie-1"))));
  store->forget_expired(kNow + Seconds{kWeek - 1});
  EXPECT_TRUE(store->find("s1"));
  store->forget_expired(kNow + Seconds{kWeek});
  EXPECT_FALSE(store->find("s1"));
  EXPECT_FALSE(store->find_by_cookie("cookie-1"));
}

TEST_P(IdpStores, a_used_code_is_known_as_used_after_a_restart) {
  {
    auto store = *AuthorizationCodes::open(documents());
    AuthorizationCode code;
    code.digest = digest_of("code-1"), code.grant_id = "g1", code.client_id = "cursor-idp", code.nonce = "n";
    code.expires = kNow + Seconds{60};
    expect_done(run(store->add(code)));
    EXPECT_FALSE(store->find("code-1")->used);
    expect_done(run(store->mark_used(digest_of("code-1"))));
  }
  home_.reopen();
  auto store = *AuthorizationCodes::open(documents());
  ASSERT_TRUE(store->find("code-1"));
  EXPECT_TRUE(store->find("code-1")->used);
  EXPECT_EQ(store->find("code-1")->nonce, "n");
  EXPECT_FALSE(store->find("code-2"));
}

TEST_P(IdpStores, a_rotated_family_knows_all_its_generations_after_a_restart) {
  Settings settings;
  auto begun = begin_family(described("g1"), kNow);
  const std::string second = successor_of(begun.token, begun.family);
  {
    auto store = *RefreshTokens::open(documents());
    EXPECT_TRUE(*run(store->add(begun.family)));
    EXPECT_TRUE(*run(store->rotate("g1", 0, digest_of(second), kNow)));
  }
  home_.reopen();
  auto store = *RefreshTokens::open(documents());
  ASSERT_TRUE(store->find(begun.token));
  ASSERT_TRUE(store->find(second));
  EXPECT_EQ(store->find(begun.token)->generation, 0u);
  EXPECT_EQ(store->find(second)->generation, 1u);
  // The same successor can still be made out of the predecessor.
  EXPECT_EQ(successor_of(begun.token, store->find(begun.token)->family), second);
  EXPECT_FALSE(store->find(digest_of(second)));
}

TEST_P(IdpStores, of_two_rotations_of_one_token_both_lead_to_one_successor) {
  auto store = *RefreshTokens::open(documents());
  auto begun = begin_family(described("g1"), kNow);
  EXPECT_TRUE(*run(store->add(begun.family)));
  const std::string digest = digest_of(successor_of(begun.token, begun.family));
  EXPECT_TRUE(*run(store->rotate("g1", 0, digest, kNow)));
  EXPECT_TRUE(*run(store->rotate("g1", 0, digest, kNow)));
  EXPECT_EQ(store->find(begun.token)->family.generations.size(), 2u);
  // Another successor, a used one, and an older generation are all refused.
  EXPECT_FALSE(*run(store->rotate("g1", 0, "another", kNow)));
  expect_done(run(store->mark_used("g1", 1)));
  EXPECT_FALSE(*run(store->rotate("g1", 0, digest, kNow)));
}

// Eight threads, each with an event loop of its own, as a server has them.
void in_parallel(const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&work, i] { work(i); });
  for (auto& thread : threads) thread.join();
}

TEST_P(IdpStores, parallel_rotations_of_one_token_make_one_successor) {
  auto store = *RefreshTokens::open(documents());
  auto begun = begin_family(described("g1"), kNow);
  EXPECT_TRUE(*run(store->add(begun.family)));
  const std::string digest = digest_of(successor_of(begun.token, begun.family));
  std::atomic<int> rotated = 0;
  in_parallel([&](int) { rotated += *run(store->rotate("g1", 0, digest, kNow)) ? 1 : 0; });
  EXPECT_EQ(rotated, 8);
  EXPECT_EQ(store->find(begun.token)->family.generations.size(), 2u);
}

TEST_P(IdpStores, a_revocation_among_parallel_writes_is_what_a_restart_finds) {
  for (int round = 0; round < 10; ++round) {
    const std::string id = "g" + std::to_string(round);
    auto begun = begin_family(described(id.c_str()), kNow);
    {
      auto store = *RefreshTokens::open(documents());
      EXPECT_TRUE(*run(store->add(begun.family)));
      in_parallel([&](int i) {
        if (i == 3) {
          expect_done(run(store->revoke_family(id, kNow + Seconds{60})));
        } else if (i % 2 == 0) {
          expect_done(run(store->mark_used(id, 0)));
        } else {
          EXPECT_TRUE(run(store->rotate(id, 0, "d" + std::to_string(i), kNow)));
        }
      });
    }
    home_.reopen();
    auto store = *RefreshTokens::open(documents());
    EXPECT_TRUE(store->find(begun.token)->family.revoked);
  }
}

TEST_P(IdpStores, sessions_of_many_threads_are_all_there_after_a_restart) {
  {
    auto store = *SessionStore::open(documents(), kWeek);
    in_parallel([&](int thread) {
      for (int i = 0; i < 20; ++i) {
        const std::string id = std::to_string(thread) + "-" + std::to_string(i);
        expect_done(run(store->add(session(id.c_str(), ("cookie-" + id).c_str()))));
        expect_done(run(store->touch(id, kNow + Seconds{600})));
        if (i % 2) expect_done(run(store->end(id)));
      }
    });
  }
  home_.reopen();
  auto store = *SessionStore::open(documents(), kWeek);
  ASSERT_EQ(store->all().size(), 160u);
  for (const auto& found : store->all()) {
    EXPECT_EQ(found.last_seen, kNow + Seconds{600});
    EXPECT_EQ(found.ended, (found.id.back() - '0') % 2 == 1) << found.id;
  }
}

TEST_P(IdpStores, a_revoked_family_never_rotates_nor_comes_to_life) {
  auto begun = begin_family(described("g1"), kNow);
  {
    auto store = *RefreshTokens::open(documents());
    EXPECT_TRUE(*run(store->add(begun.family)));
    expect_done(run(store->revoke_family("g1", kNow + Seconds{60})));
    expect_done(run(store->revoke_family("not-yet", kNow + Seconds{60})));
  }
  home_.reopen();
  auto store = *RefreshTokens::open(documents());
  EXPECT_TRUE(store->find(begun.token)->family.revoked);
  EXPECT_FALSE(*run(store->rotate("g1", 0, "x", kNow)));
  EXPECT_FALSE(*run(store->add(begin_family(described("not-yet"), kNow).family)));
}

TEST_P(IdpStores, families_end_with_their_session) {
  auto store = *RefreshTokens::open(documents());
  auto other = described("g2");
  other.sid = "s2";
  EXPECT_TRUE(*run(store->add(begin_family(described("g1"), kNow).family)));
  EXPECT_TRUE(*run(store->add(begin_family(other, kNow).family)));
  expect_done(run(store->revoke_of_session("s1")));
  for (const auto& family : store->of_user("usr_alice")) EXPECT_EQ(family.revoked, family.sid == "s1");
}

TEST_P(IdpStores, a_deactivated_device_key_stays_deactivated) {
  {
    auto store = *StoredDeviceKeys::open(documents());
    expect_done(run(store->add(DeviceKey{"dev_1", "usr_alice", "writ-cli", "laptop", "thumb", "{}", "s1", true, kNow})));
    EXPECT_TRUE(store->find("thumb")->active);
    expect_done(run(store->deactivate("dev_1")));
    expect_done(run(store->deactivate("dev_unknown")));
  }
  home_.reopen();
  auto store = *StoredDeviceKeys::open(documents());
  ASSERT_TRUE(store->find("thumb"));
  EXPECT_FALSE(store->find("thumb")->active);
  EXPECT_EQ(store->of_user("usr_alice").size(), 1u);
}

TEST_P(IdpStores, revocations_are_in_force_at_once_and_after_a_restart) {
  {
    auto revocations = *StoredRevocations::open(documents());
    const auto before = revocations->epoch();
    expect_done(run(revocations->revoke_token("jti-1", kNow + Seconds{60})));
    expect_done(run(revocations->end_session("s1", kNow + Seconds{60})));
    EXPECT_EQ(revocations->epoch(), before + 2);
    EXPECT_TRUE(revocations->is_token_revoked("jti-1"));
    EXPECT_FALSE(revocations->is_token_revoked("s1"));
    EXPECT_FALSE(revocations->is_session_ended("jti-1"));
  }
  home_.reopen();
  auto revocations = *StoredRevocations::open(documents());
  EXPECT_TRUE(revocations->is_token_revoked("jti-1"));
  EXPECT_TRUE(revocations->is_session_ended("s1"));
  revocations->forget_expired(kNow + Seconds{59});
  EXPECT_TRUE(revocations->is_token_revoked("jti-1"));
  revocations->forget_expired(kNow + Seconds{60});
  EXPECT_FALSE(revocations->is_token_revoked("jti-1"));
}

TEST_P(IdpStores, the_mark_of_a_restore_is_read_at_the_start_and_the_newest_counts) {
  EXPECT_EQ((*StoredRevocations::open(documents()))->restored(), Instant{});
  expect_done(run(documents().put(StoredRevocations::restoration(kNow + Milliseconds{500}))));
  expect_done(run(documents().put(StoredRevocations::restoration(kNow - Seconds{60}))));
  home_.reopen();
  EXPECT_EQ((*StoredRevocations::open(documents()))->restored(), kNow + Milliseconds{500});
}

TEST_P(IdpStores, a_mark_of_a_restore_that_cannot_be_read_stops_the_start) {
  expect_done(run(documents().put({"restorations", "1", 1, kNow + Seconds{60}, "{\"restored\":\"yesterday\"}"})));
  home_.reopen();
  EXPECT_FALSE(StoredRevocations::open(documents()));
}

TEST_P(IdpStores, the_longer_of_two_revocations_counts_after_a_restart) {
  {
    auto revocations = *StoredRevocations::open(documents());
    expect_done(run(revocations->revoke_token("jti-1", kNow + Seconds{600})));
    expect_done(run(revocations->revoke_token("jti-1", kNow + Seconds{60})));
  }
  home_.reopen();
  auto revocations = *StoredRevocations::open(documents());
  revocations->forget_expired(kNow + Seconds{599});
  EXPECT_TRUE(revocations->is_token_revoked("jti-1"));
}

TEST(IdpStoresThatFail, a_revocation_that_cannot_be_written_is_not_acknowledged_but_already_in_force) {
  memory::MemoryDocuments documents;
  auto revocations = *StoredRevocations::open(documents);
  documents.fail_from_now_on(true);
  EXPECT_FALSE(run(revocations->revoke_token("jti-1", kNow)));
  EXPECT_TRUE(revocations->is_token_revoked("jti-1"));
}

TEST(IdpStoresThatFail, nothing_starts_on_a_damaged_document) {
  for (const char* json : {"", "[]", "{}", "{\"user\":7}"}) {
    memory::MemoryDocuments documents;
    for (const char* table : {"idp_sessions", "idp_authorization_codes", "idp_refresh_families", "device_keys"}) {
      ASSERT_TRUE(run(documents.put({table, "k", 1, kNow, json})));
    }
    EXPECT_FALSE(SessionStore::open(documents, kWeek)) << json;
    EXPECT_FALSE(AuthorizationCodes::open(documents)) << json;
    EXPECT_FALSE(RefreshTokens::open(documents)) << json;
    EXPECT_FALSE(StoredDeviceKeys::open(documents)) << json;
  }
}

}  // namespace
}  // namespace writ
