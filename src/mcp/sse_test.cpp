#include "mcp/sse.h"

#include <gtest/gtest.h>

namespace writ::mcp {
namespace {

std::vector<Event> parse(std::string_view text, std::size_t piece) {
  SseParser parser(1024);
  std::vector<Event> events;
  for (std::size_t at = 0; at < text.size(); at += piece) EXPECT_TRUE(parser.feed(text.substr(at, piece), events));
  return events;
}
Event data_event(std::string data) {
  Event event;
  event.data = std::move(data);
  event.has_data = true;
  return event;
}

const std::string kStream =
    "\xEF\xBB\xBF: hello\r\nid: 1\r\nevent: message\r\ndata: one\r\ndata:two\r\n\r\n"
    "id\ndata\n\nretry: 1500\r\rid: 3\rdata\r\rdata:  spaced\n\nignored: x\n\nevent: lonely\n\nretry: soon\n\n"
    "data: {\"text\":\"caf\xC3\xA9\"}\n\ndata: cut off";

TEST(SseParser, ReadsTheSameEventsInAnyPieces) {
  const auto whole = parse(kStream, kStream.size());
  ASSERT_EQ(whole.size(), 6u);
  EXPECT_EQ(whole[0].data, "one\ntwo");
  EXPECT_EQ(whole[0].id, "1");
  EXPECT_EQ(whole[0].type, "message");
  EXPECT_EQ(whole[1].id, "");
  EXPECT_TRUE(whole[1].has_data);
  EXPECT_EQ(whole[2].retry_ms, 1500);
  EXPECT_FALSE(whole[2].has_data);
  EXPECT_EQ(whole[3].id, "3");
  EXPECT_EQ(whole[4].data, " spaced");
  EXPECT_EQ(whole[5].data, "{\"text\":\"caf\xC3\xA9\"}");
  for (std::size_t piece = 1; piece < kStream.size(); ++piece) EXPECT_EQ(parse(kStream, piece), whole) << piece;
}

TEST(SseParser, SplitAtEveryByte) {
  const auto whole = parse(kStream, kStream.size());
  for (std::size_t at = 0; at <= kStream.size(); ++at) {
    SseParser parser(1024);
    std::vector<Event> events;
    ASSERT_TRUE(parser.feed(std::string_view(kStream).substr(0, at), events));
    ASSERT_TRUE(parser.feed(std::string_view(kStream).substr(at), events));
    EXPECT_EQ(events, whole) << at;
  }
}

TEST(SseParser, HalfAByteOrderMarkIsContent) {
  SseParser parser(1024);
  std::vector<Event> events;
  ASSERT_TRUE(parser.feed("\xEF\xBB", events));
  ASSERT_TRUE(parser.feed("data: x\n\ndata: y\n\n", events));
  ASSERT_EQ(events.size(), 1u);   // the first line has an unknown field name
  EXPECT_EQ(events[0].data, "y");
}

TEST(SseParser, BoundsLinesAndEvents) {
  std::vector<Event> events;
  SseParser endless(16);
  const auto line = endless.feed(std::string(17, 'x'), events);
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error(), SseProblem::line_too_long);
  SseParser many(16);
  const auto event = many.feed("data:12345678\ndata:12345678\n", events);
  ASSERT_FALSE(event);
  EXPECT_EQ(event.error(), SseProblem::event_too_large);
  SseParser just_right(16);
  EXPECT_TRUE(just_right.feed("data:12345678\ndata:1234567\n\n", events));
  EXPECT_EQ(events.size(), 1u);
}

TEST(SseWriter, ContentCannotBecomeFields) {
  Event event = data_event("a\r\nid: 9\rdata: b\nevent: x\n\n");
  event.id = "1\ndata: forged";
  event.type = "message\rretry: 1";
  std::string out;
  append_event(out, event);
  EXPECT_EQ(out, "data: a\ndata: id: 9\ndata: data: b\ndata: event: x\ndata: \ndata: \n\n");
  const auto read = parse(out, 3);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_FALSE(read[0].id);
  EXPECT_EQ(read[0].data, "a\nid: 9\ndata: b\nevent: x\n\n");
}

TEST(SseWriter, WhatWasReadIsReadAgain) {
  const auto events = parse(kStream, kStream.size());
  std::string out;
  for (const Event& event : events) append_event(out, event);
  EXPECT_EQ(parse(out, 1), events);
}

}  // namespace
}  // namespace writ::mcp
