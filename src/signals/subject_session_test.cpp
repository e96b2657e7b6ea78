#include "signals/subject_session.h"

#include <gtest/gtest.h>

#include "adapters/memory/documents.h"
#include "registry/stored_revocations.h"

namespace writ::signals {
namespace {

constexpr std::int64_t kMoment = 1'795'001'000;
const Instant kLater = from_unix_seconds(kMoment + 3'600);

struct EndedSubject : testing::Test {
  memory::MemoryDocuments documents;
  std::unique_ptr<registry::StoredRevocations> revocations = std::move(*registry::StoredRevocations::open(documents));
  const std::string name = subject_session("https://a.example", "", "u-1");
  bool is_ended(std::int64_t seconds) { return revocations->is_session_ended(since(name, seconds)); }
};

TEST_F(EndedSubject, EndsWhatBeganUntilThatMoment) {
  EXPECT_FALSE(is_ended(kMoment));
  const auto epoch = revocations->epoch();
  ASSERT_TRUE(run(revocations->end_sessions_until(name, kMoment, kLater)));
  EXPECT_GT(revocations->epoch(), epoch) << "streams are looked at again";
  EXPECT_TRUE(is_ended(kMoment - 1));
  EXPECT_TRUE(is_ended(kMoment));
  EXPECT_FALSE(is_ended(kMoment + 1));
  EXPECT_FALSE(revocations->is_session_ended(since(subject_session("https://a.example", "", "u-2"), kMoment)));
  EXPECT_FALSE(revocations->is_session_ended(name)) << "a session of that very name is another one";
}

TEST_F(EndedSubject, NeverGoesBack) {
  ASSERT_TRUE(run(revocations->end_sessions_until(name, kMoment, kLater)));
  ASSERT_TRUE(run(revocations->end_sessions_until(name, kMoment - 100, kLater - Seconds{3'000})));
  EXPECT_TRUE(is_ended(kMoment));
  revocations->forget_expired(kLater - Seconds{1});
  EXPECT_TRUE(is_ended(kMoment));
  revocations->forget_expired(kLater);
  EXPECT_FALSE(is_ended(kMoment));
}

TEST_F(EndedSubject, OutlivesTheProcess) {
  ASSERT_TRUE(run(revocations->end_sessions_until(name, kMoment - 10, kLater)));
  ASSERT_TRUE(run(revocations->end_sessions_until(name, kMoment, kLater)));
  revocations = std::move(*registry::StoredRevocations::open(documents));
  EXPECT_TRUE(is_ended(kMoment));
  EXPECT_FALSE(is_ended(kMoment + 1));
  ASSERT_TRUE(run(revocations->end_sessions_until(name, kMoment + 5, kLater)));
  revocations = std::move(*registry::StoredRevocations::open(documents));
  EXPECT_TRUE(is_ended(kMoment + 5)) << "a later change is kept over an earlier one that was loaded";
}

TEST_F(EndedSubject, AMomentThatCannotBeReadIsOver) {
  ASSERT_TRUE(run(revocations->end_sessions_until(name, kMoment, kLater)));
  for (const char* moment : {"", "soon", "1795001001x", "99999999999999999999"}) EXPECT_TRUE(revocations->is_session_ended(name + "@" + moment)) << moment;
}

TEST_F(EndedSubject, IsEndedHereEvenWhenItCannotBeKept) {
  documents.fail_from_now_on(true);
  EXPECT_FALSE(run(revocations->end_sessions_until(name, kMoment, kLater)));
  EXPECT_TRUE(is_ended(kMoment));
}

TEST_F(EndedSubject, ADamagedDocumentIsNotPassedOver) {
  ASSERT_TRUE(run(documents.put({"revocations", "until:sub_x", 1, kLater, "{}"})));
  EXPECT_FALSE(registry::StoredRevocations::open(documents));
}

}  // namespace
}  // namespace writ::signals
