#include "gateway/combined/points.h"

#include <gtest/gtest.h>

#include "gateway/denial.h"

namespace writ::gateway::combined {
namespace {

constexpr Instant kNow{Seconds{1'700'000'000}};

mcp::Event event_of(std::string id) {
  mcp::Event event;
  event.id = std::move(id);
  return event;
}

class PointsTest : public ::testing::Test {
 public:
  Points points(const char* principal = "alice", const char* endpoint = "all", const char* session = "s") { return Points(handles, principal, endpoint, session); }
  // What a client resumes with that has `notes` up to n7 and `wiki` up to w2.
  std::string event_id() {
    Points seen = points();
    seen.note("notes", event_of("n6"));
    seen.note("wiki", event_of("w2"));
    seen.note("notes", event_of("n7"));
    return seen.event_id(kNow).value();
  }
  Handles handles{std::make_shared<const crypto::Handles>()};
};

TEST_F(PointsTest, HoldTheLastOfEachMember) {
  Points resumed = points();
  resumed.resume_from(event_id(), kNow + Seconds{3'599});
  ASSERT_TRUE(resumed.of("notes") && resumed.of("wiki"));
  EXPECT_EQ(*resumed.of("notes"), "n7");
  EXPECT_EQ(*resumed.of("wiki"), "w2");
  EXPECT_FALSE(resumed.of("hidden"));
}

TEST_F(PointsTest, SayNothingOfMembersToWhoeverReadsThem) { EXPECT_EQ(event_id().find("notes"), std::string::npos); }

TEST_F(PointsTest, AreOfOnePrincipalAddressAndSessionForAnHour) {
  const std::string id = event_id();
  struct {
    const char* name;
    Points points;
    std::string id;
    Instant now;
  } rows[] = {
      {"another principal", points("bob"), id, kNow},
      {"another address", points("alice", "other"), id, kNow},
      {"another session", points("alice", "all", "t"), id, kNow},
      {"too old", points(), id, kNow + Seconds{3'600}},
      {"altered", points(), id.substr(1), kNow},
      {"empty", points(), "", kNow},
      {"a member's own", points(), "n7", kNow},
  };
  for (auto& row : rows) {
    row.points.resume_from(row.id, row.now);
    EXPECT_FALSE(row.points.of("notes")) << row.name;
    EXPECT_FALSE(row.points.event_id(kNow)) << row.name;
  }
}

TEST_F(PointsTest, AreTakenBack) {
  Points seen = points();
  EXPECT_FALSE(seen.event_id(kNow)) << "no member gave one";
  seen.note("notes", mcp::Event{});
  EXPECT_FALSE(seen.event_id(kNow)) << "an event without an id";
  seen.note("notes", event_of("n1"));
  EXPECT_TRUE(seen.event_id(kNow));
  seen.note("notes", event_of(""));
  EXPECT_FALSE(seen.of("notes")) << "an empty id";
  seen.note("notes", event_of("n2"));
  seen.forget("notes");
  EXPECT_FALSE(seen.event_id(kNow)) << "forgotten";
}

TEST_F(PointsTest, AreBounded) {
  Points seen = points();
  seen.note("notes", event_of(std::string(512, 'n')));
  EXPECT_TRUE(seen.event_id(kNow));
  seen.note("notes", event_of(std::string(513, 'n')));
  EXPECT_FALSE(seen.of("notes")) << "what was before it would bring back too much";
  for (int i = 0; i < 20; ++i) seen.note("member" + std::to_string(i), event_of(std::string(400, 'n')));
  EXPECT_FALSE(seen.event_id(kNow)) << "it would not come back in one header field";
}

}  // namespace
}  // namespace writ::gateway::combined
