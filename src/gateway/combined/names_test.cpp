#include "gateway/combined/names.h"

#include <gtest/gtest.h>

#include "gateway/combined/handles.h"
#include "registry/read.h"

namespace writ::gateway::combined {
namespace {

using registry::ObjectKind;

registry::Definitions with_tools(const std::vector<std::pair<std::string, std::string>>& tools) {
  registry::Definitions definitions;
  for (const auto& [server, name] : tools) {
    auto read = registry::read_stored_definition(ObjectKind::tool, json::Value{{"id", server + "/" + name}, {"definition", json::Value{{"name", name}}}});
    definitions.set(std::make_shared<const registry::Definition>(std::move(*read)));
  }
  return definitions;
}

std::string at_member(const registry::Definitions& definitions, std::string_view shown) { return name_at_member(definitions, ObjectKind::tool, shown); }

struct NameRow {
  const char* name;
  const char *shown, *member, *rest;   // member "": it has no such form
};
class ShownNames : public testing::TestWithParam<NameRow> {};
TEST_P(ShownNames, SplitAtTheFirstTwoUnderscores) {
  const auto parts = split_name(GetParam().shown);
  if (*GetParam().member == '\0') {
    EXPECT_FALSE(parts);
    return;
  }
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->member, GetParam().member);
  EXPECT_EQ(parts->rest, GetParam().rest);
}
INSTANTIATE_TEST_SUITE_P(Rules, ShownNames, testing::Values(
    NameRow{"plain", "notes__search", "notes", "search"},
    NameRow{"underscores_in_the_tool", "notes__a__b", "notes", "a__b"},
    NameRow{"three_underscores", "notes___x", "notes", "_x"},
    NameRow{"empty_tool", "notes__", "notes", ""},
    NameRow{"one_underscore", "notes_search", "", ""},
    NameRow{"no_member", "__search", "", ""},
    NameRow{"no_server_id", "Notes__search", "", ""},
    NameRow{"empty", "", "", ""}),
    [](const auto& row) { return row.param.name; });

TEST(LongNames, AreShortenedAndFoundAgain) {
  const std::string exact(57, 'a'), over(58, 'a'), other = std::string(57, 'a') + "b";
  const auto definitions = with_tools({{"notes", exact}, {"notes", over}, {"notes", other}});
  EXPECT_EQ(shown_name("notes", exact), "notes__" + exact) << "64 characters are not too many";
  for (const std::string& name : {over, other}) {
    const std::string shown = shown_name("notes", name);
    EXPECT_EQ(shown.size(), kNameBytesMax);
    EXPECT_TRUE(shown.starts_with("notes__aaaa"));
    EXPECT_EQ(at_member(definitions, shown), name);
  }
  EXPECT_NE(shown_name("notes", over), shown_name("notes", other));
  EXPECT_NE(shown_name("notes", over), shown_name("wiki", over));
  const std::string longest_member(32, 'm');
  EXPECT_EQ(shown_name(longest_member, over).size(), kNameBytesMax);
  EXPECT_TRUE(shown_name(longest_member, over).starts_with(longest_member + "__a"));
}

TEST(LongNames, AreToldOnlyOfWhatWasReviewed) {
  const std::string over(58, 'a');
  const std::string shown = shown_name("notes", over);
  EXPECT_EQ(at_member(with_tools({}), shown), shown.substr(7)) << "nobody knows a tool of that name: it is denied as any other";
  EXPECT_EQ(at_member(with_tools({{"wiki", over}}), shown), shown.substr(7)) << "another server's tool";
}

TEST(LongNames, GiveWayToAToolThatReallyHasThatName) {
  const std::string over(58, 'a');
  const std::string shown = shown_name("notes", over);
  const auto definitions = with_tools({{"notes", over}, {"notes", shown.substr(7)}});
  EXPECT_EQ(at_member(definitions, shown), shown.substr(7));
}

TEST(LongNames, EndBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 30; ++i) name += "ü";
  const std::string shown = shown_name("notes", name);
  EXPECT_LE(shown.size(), kNameBytesMax);
  EXPECT_EQ(at_member(with_tools({{"notes", name}}), shown), name);
  EXPECT_EQ((static_cast<unsigned char>(shown[shown.size() - 12]) & 0xC0), 0x80) << "the last character is whole";
}

TEST(ShownUris, HoldTheMember) {
  EXPECT_EQ(shown_uri("notes", "file:///a?b#c"), "writ+notes:file:///a?b#c");
  const auto parts = split_uri("writ+notes:file:///a?b#c");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->member, "notes");
  EXPECT_EQ(parts->rest, "file:///a?b#c");
  for (const char* none : {"file:///a", "writ:notes:x", "writ+Notes:x", "writ+notes", "writ+:x"}) EXPECT_FALSE(split_uri(none)) << none;
}

struct IdRow {
  const char* name;
  mcp::RequestId id;
  const char* shown;
};
class ShownIds : public testing::TestWithParam<IdRow> {};
TEST_P(ShownIds, KeepTheirType) {
  EXPECT_EQ(shown_id("notes", GetParam().id), GetParam().shown);
  const auto parts = split_id(mcp::RequestId(std::string(GetParam().shown)));
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->member, "notes");
  EXPECT_EQ(parts->id, GetParam().id);
}
INSTANTIATE_TEST_SUITE_P(Rules, ShownIds, testing::Values(
    IdRow{"number", std::int64_t{5}, "notes/i/5"},
    IdRow{"negative", std::int64_t{-5}, "notes/i/-5"},
    IdRow{"text", std::string("5"), "notes/s/5"},
    IdRow{"text_with_slashes", std::string("a/b"), "notes/s/a/b"},
    IdRow{"empty_text", std::string(), "notes/s/"}),
    [](const auto& row) { return row.param.name; });

TEST(ShownIds, ThatAreNoneBelongToNobody) {
  for (const char* none : {"", "5", "notes", "notes/5", "notes/i/", "notes/i/x", "notes/i/05", "notes/i/+5", "notes/i/5 ", "notes/x/5", "Notes/i/5", "notes/i/99999999999999999999"}) {
    EXPECT_FALSE(split_id(mcp::RequestId(std::string(none)))) << none;
  }
  EXPECT_FALSE(split_id(mcp::RequestId(std::int64_t{5})));
}

TEST(SealedHandles, OpenForWhomTheyWereMadeAndForWhat) {
  const Handles handles(std::make_shared<const crypto::Handles>()), others(std::make_shared<const crypto::Handles>());
  const Instant now = from_unix_seconds(1'800'000'000);
  const json::Value value{{"notes", "c1"}};
  const std::string handle = handles.seal(value, "alice", "tools", now);
  EXPECT_EQ(handles.open(handle, "alice", "tools", now), value);
  EXPECT_EQ(handles.open(handle, "alice", "tools", now + Seconds{3'599}), value);
  EXPECT_FALSE(handles.open(handle, "alice", "tools", now + Seconds{3'600})) << "too old";
  EXPECT_FALSE(handles.open(handle, "bob", "tools", now)) << "somebody else's";
  EXPECT_FALSE(handles.open(handle, "alice", "prompts", now)) << "of another list";
  EXPECT_FALSE(handles.open(handle, "alicet", "ools", now)) << "where one ends and the other begins is bound too";
  EXPECT_FALSE(others.open(handle, "alice", "tools", now)) << "of another process";
  EXPECT_FALSE(handles.open("", "alice", "tools", now));
}

}  // namespace
}  // namespace writ::gateway::combined
