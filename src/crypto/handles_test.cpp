#include "crypto/handles.h"

#include <gtest/gtest.h>

#include "crypto/random.h"

namespace writ::crypto {
namespace {

const Instant now = from_unix_seconds(1'800'000'000);

TEST(Handles, OpenForWhatTheyWereMadeForUntilTheirTimeIsOver) {
  const Handles handles, others;
  const std::string handle = handles.seal("content", "alice's list of tools", now + Seconds{60});
  const auto opened = handles.open(handle, "alice's list of tools", now);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->content, "content");
  EXPECT_EQ(opened->node, 0u);
  EXPECT_TRUE(handles.open(handle, "alice's list of tools", now + Seconds{59})) << "the last second";
  EXPECT_FALSE(handles.open(handle, "alice's list of tools", now + Seconds{60})) << "its time is over";
  EXPECT_FALSE(handles.open(handle, "bob's list of tools", now)) << "somebody else's";
  EXPECT_FALSE(others.open(handle, "alice's list of tools", now)) << "of another process";
  EXPECT_FALSE(handles.open("", "alice's list of tools", now));
  EXPECT_FALSE(handles.open(std::string(Handles::kBytesMax + 4, 'A'), "alice's list of tools", now)) << "longer than any of ours";
}

TEST(Handles, DoNotOpenWhenABitOfThemIsAnotherOne) {
  const Handles handles;
  const std::string handle = handles.seal("c", "b", now + Seconds{60});
  for (std::size_t at = 0; at < handle.size(); ++at) {
    std::string altered = handle;
    altered[at] = altered[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(handles.open(altered, "b", now)) << at;
    EXPECT_FALSE(handles.open(handle.substr(0, at), "b", now)) << at;
  }
}

TEST(Handles, OfOneDeploymentSayWhichNodeMadeThem) {
  const Secret key(random_bytes(32));
  const Handles first(SealingKey(key), 1), last(SealingKey(key), 1023);
  const auto opened = first.open(last.seal("", "b", now + Seconds{1}), "b", now);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->node, 1023u);
  EXPECT_EQ(opened->content, "");
  EXPECT_NE(last.seal("", "b", now + Seconds{1}), last.seal("", "b", now + Seconds{1})) << "no two are alike";
}

}  // namespace
}  // namespace writ::crypto
