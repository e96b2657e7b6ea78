#include "upstreams/eras/replay_stream.h"

#include <gtest/gtest.h>

namespace writ::upstreams {
namespace {

class ReplayStreams : public testing::Test {
 public:
  ReplayStreams() : scope(executor) {}
  ~ReplayStreams() override {
    for (const auto& reading : readings) {
      if (reading->body) reading->body->cancel();
    }
    settle();
  }
  struct Reading {
    std::string text;
    std::optional<http::StreamEnd> end;
    std::unique_ptr<http::BodyStream> body;
  };
  static Task<void> read_on(std::shared_ptr<Reading> reading) {
    while (true) {
      auto piece = co_await reading->body->next();
      if (!piece) {
        reading->end = piece.error();
        co_return;
      }
      reading->text += *piece;
    }
  }
  std::shared_ptr<Reading> read(std::unique_ptr<http::BodyStream> body) {
    auto reading = std::make_shared<Reading>();
    reading->body = std::move(body);
    readings.push_back(reading);
    auto task = read_on(reading);
    spawn(std::move(task), [](std::exception_ptr) {});
    return reading;
  }
  void settle() {
    for (int i = 0; i < 10; ++i) {
      bool done = false;
      executor.post([&] { done = true; });
      executor.run_until([&] { return done; });
    }
  }
  static std::string event(const std::string& id, const std::string& data) { return "id: " + id + "\ndata: " + data + "\n\n"; }
  bool is_ready(const std::shared_ptr<ReplayStream>& stream) {
    ready = false;
    auto task = stream->ready();
    spawn(std::move(task), [this](std::exception_ptr) { ready = true; });
    return ready;
  }
  QueueExecutor executor;
  Executor::Scope scope;
  bool ready = false;
  std::vector<std::shared_ptr<Reading>> readings;
  std::shared_ptr<ReplayBudget> budget = std::make_shared<ReplayBudget>();
};

TEST(EventPlaces, AreReadStrictly) {
  EXPECT_EQ(parse_event_place("3.14"), (EventPlace{3, 14}));
  for (const char* wrong : {"", "3", ".1", "3.", "3.1.2", "-3.1", "3.1x", " 3.1", "99999999999999999999.1"}) EXPECT_FALSE(parse_event_place(wrong)) << wrong;
}

TEST_F(ReplayStreams, BeginWithAPlaceToResumeFrom) {
  const auto stream = std::make_shared<ReplayStream>(7, budget);
  const auto reading = read(stream->read());
  EXPECT_EQ(reading->text, event("7.0", ""));
  stream->write("one");
  settle();
  stream->write("two");
  stream->finish();
  settle();
  EXPECT_EQ(reading->text, event("7.0", "") + event("7.1", "one") + event("7.2", "two"));
  EXPECT_EQ(reading->end, http::StreamEnd::complete);
}

TEST_F(ReplayStreams, GiveWhatCameAfterAnEvent) {
  const auto stream = std::make_shared<ReplayStream>(1, budget);
  for (const char* text : {"a", "b", "c"}) stream->write(text);
  const auto reading = read(stream->read_after(2));
  EXPECT_EQ(reading->text, event("1.3", "c"));
  stream->write("d");
  settle();
  EXPECT_EQ(reading->text, event("1.3", "c") + event("1.4", "d"));
  EXPECT_FALSE(stream->read_after(9)) << "an event that was never sent";
  EXPECT_TRUE(stream->read_after(4)) << "the last one";
}

TEST_F(ReplayStreams, KeepABoundedPast) {
  budget->limits.kept_max = 300;
  const auto stream = std::make_shared<ReplayStream>(1, budget);
  const auto reading = read(stream->read());
  for (int i = 0; i < 50; ++i) stream->write(std::string(50, 'x')), settle();
  EXPECT_FALSE(stream->read_after(10));
  EXPECT_TRUE(stream->read_after(48));
  EXPECT_LE(budget->bytes, 400);
}

TEST_F(ReplayStreams, KeepTheLastEventHoweverLargeItIs) {
  budget->limits.kept_max = budget->limits.unread_max = 100;
  const auto stream = std::make_shared<ReplayStream>(1, budget);
  const auto reading = read(stream->read());
  stream->write(std::string(5'000, 'x'));
  stream->finish();
  settle();
  EXPECT_EQ(reading->end, http::StreamEnd::complete);
  EXPECT_EQ(read(stream->read_after(0))->text, event("1.1", std::string(5'000, 'x')));
}

TEST_F(ReplayStreams, KeepNothingThatWasReadWhenAllTogetherKeepTooMuch) {
  budget->limits.all_kept_max = 10;
  const auto stream = std::make_shared<ReplayStream>(1, budget);
  const auto reading = read(stream->read());
  stream->write("a");
  settle();
  stream->write("b");
  settle();
  EXPECT_FALSE(stream->read_after(0));
  EXPECT_EQ(reading->text, event("1.0", "") + event("1.1", "a") + event("1.2", "b"));
}

TEST_F(ReplayStreams, LetTheWriterWaitForTheSlowestReader) {
  budget->limits.unread_max = 100;
  const auto stream = std::make_shared<ReplayStream>(1, budget);
  const auto slow = stream->read();
  EXPECT_TRUE(is_ready(stream));
  stream->write(std::string(200, 'x'));
  EXPECT_FALSE(is_ready(stream));
  const auto reading = read(stream->read());   // another that reads does not help
  settle();
  EXPECT_FALSE(ready);
  slow->cancel();
  settle();
  EXPECT_TRUE(ready);
}

TEST_F(ReplayStreams, WhomNobodyReadsKeepTheNewest) {
  budget->limits.unread_max = 300;
  const auto stream = std::make_shared<ReplayStream>(1, budget);
  for (int i = 0; i < 100; ++i) {
    stream->write(std::string(50, 'x'));
    EXPECT_TRUE(is_ready(stream));
  }
  EXPECT_LE(budget->bytes, 400);
  EXPECT_TRUE(stream->read_after(98));
  EXPECT_FALSE(stream->read_after(0));
}

TEST_F(ReplayStreams, SayWhenAReaderLetsGoBeforeTheEnd) {
  const auto stream = std::make_shared<ReplayStream>(1, budget);
  int left = 0;
  auto body = stream->read([&] { ++left; });
  body.reset();
  settle();
  EXPECT_EQ(left, 1);
  auto whole = read(stream->read([&] { ++left; }));
  stream->finish();
  settle();
  EXPECT_EQ(whole->end, http::StreamEnd::complete);
  whole->body.reset();
  settle();
  EXPECT_EQ(left, 1);
}

}  // namespace
}  // namespace writ::upstreams
