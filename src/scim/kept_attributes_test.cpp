// What a directory said, as several nodes know it.
#include "scim/kept_attributes.h"

#include <gtest/gtest.h>

#include "adapters/memory/documents.h"

namespace writ::scim {
namespace {

const Instant now = from_unix_seconds(1'795'000'000);
constexpr auto kUser = registry::ObjectKind::user;

TEST(KeptAttributesOfNodes, AreTakenOverAndWrittenOnTopOfWhatCame) {
  memory::MemoryDocuments documents;
  const auto a = std::move(*KeptAttributes::open(documents)), b = std::move(*KeptAttributes::open(documents));
  ASSERT_TRUE(run(a->keep(kUser, "usr_alice", {now, now, json::Value{{"title", "Engineer"}}})));
  auto theirs = documents.load("scim_resources")->front();
  theirs.version = std::int64_t{9} << 20;
  ASSERT_TRUE(b->take_over(theirs));
  ASSERT_TRUE(b->find(kUser, "usr_alice"));
  EXPECT_EQ(*b->find(kUser, "usr_alice")->attributes.find_string("title"), "Engineer");
  ASSERT_TRUE(run(b->keep(kUser, "usr_alice", {now, now, json::Value{{"title", "Director"}}})));
  EXPECT_GT(documents.load("scim_resources")->front().version, theirs.version);
  ASSERT_TRUE(b->take_over(theirs));
  EXPECT_EQ(*b->find(kUser, "usr_alice")->attributes.find_string("title"), "Director") << "an older word is ignored";
  ASSERT_TRUE(run(b->forget(kUser, "usr_alice", now)));
  ASSERT_TRUE(a->take_over(documents.load("scim_resources")->front()));
  EXPECT_EQ(a->find(kUser, "usr_alice"), nullptr);
  EXPECT_FALSE(a->take_over({"scim_resources", "users/usr_bob", 1, {}, "[]"})) << "what cannot be read";
}

}  // namespace
}  // namespace writ::scim
