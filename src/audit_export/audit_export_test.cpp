// R27: an export loses nothing, whatever the receiver does, and stands in nobody's way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"
#include "audit_export/shipper.h"
#include "audit_export/syslog.h"
#include "audit_export/webhook.h"
#include "encoding/json.h"

namespace writ::audit_export {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Instant kNow{Milliseconds{1'795'000'000'123}};

struct Received : Sink {
  std::vector<std::uint64_t> positions;
  std::vector<std::size_t> batches;
  std::string refuses;                // an error to give instead
  bool takes_and_refuses = false;     // got them, and the answer was lost
  Task<Result<void, std::string>> deliver(std::vector<audit::StoredRecord> batch) override {
    if (refuses.empty() || takes_and_refuses) {
      for (const auto& record : batch) positions.push_back(record.position);
      batches.push_back(batch.size());
    }
    if (!refuses.empty()) co_return unexpected(refuses);
    co_return Result<void, std::string>{};
  }
};

class Shipping : public testing::Test {
 protected:
  void commit(int count, const std::string& detail = "d") {
    for (int i = 0; i < count; ++i) {
      audit::Commit commit;
      commit.record.event = audit::Event::call;
      commit.record.time = kNow;
      commit.record.detail = detail;
      ASSERT_TRUE(run(log_.commit(std::move(commit))));
    }
  }
  std::shared_ptr<Shipper> open(std::uint64_t from = 0, ShipperOptions options = {}) {
    auto sink = std::make_unique<Received>();
    received_ = sink.get();
    options.id = "siem";
    auto shipper = Shipper::open(std::move(options), from, log_, documents_, std::move(sink), [this](std::string sentence) { notices_.push_back(std::move(sentence)); });
    EXPECT_TRUE(shipper);
    return *shipper;
  }
  // Until there is nothing left; at most so many turns.
  static int all_turns(Shipper& shipper) {
    int turns = 0;
    while (turns < 100 && run(shipper.turn()) == Shipper::Turn::delivered) ++turns;
    return turns;
  }
  static std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> positions;
    for (auto position = first; position <= last; ++position) positions.push_back(position);
    return positions;
  }

  memory::MemoryDecisionsLog log_{"n1", 1'000};
  memory::MemoryDocuments documents_;
  Received* received_ = nullptr;
  std::vector<std::string> notices_;
};

TEST_F(Shipping, SendsEveryRecordOnceAndInOrder) {
  commit(455);
  const auto shipper = open();
  EXPECT_EQ(all_turns(*shipper), 4) << "the first by itself, then 200, 200 and 54";
  EXPECT_EQ(received_->positions, from_to(1, 455));
  EXPECT_EQ(run(shipper->turn()), Shipper::Turn::idle);
  commit(1);
  EXPECT_EQ(run(shipper->turn()), Shipper::Turn::delivered);
  EXPECT_EQ(received_->positions, from_to(1, 456));
  EXPECT_EQ(shipper->state().delivered_to, 456U);
}

TEST_F(Shipping, GoesOnWhereItStoppedAfterARestart) {
  commit(5);
  { all_turns(*open()); }
  commit(3);
  const auto shipper = open();
  all_turns(*shipper);
  EXPECT_EQ(received_->positions, from_to(6, 8));
}

TEST_F(Shipping, BeginsBehindThePresentWhenToldSo) {
  commit(5);
  const auto shipper = open(5);
  EXPECT_EQ(run(shipper->turn()), Shipper::Turn::idle);
  commit(2);
  all_turns(*shipper);
  EXPECT_EQ(received_->positions, from_to(6, 7));
}

TEST_F(Shipping, SendsAgainWhatWasRefused) {
  commit(3);
  const auto shipper = open(1);
  received_->refuses = "answered 500";
  EXPECT_EQ(run(shipper->turn()), Shipper::Turn::failed);
  EXPECT_EQ(run(shipper->turn()), Shipper::Turn::failed);
  EXPECT_EQ(shipper->state().failures, 2U);
  EXPECT_EQ(shipper->state().delivered_to, 1U);
  ASSERT_EQ(notices_.size(), 1U) << "one sentence for one reason";
  EXPECT_THAT(notices_[0], HasSubstr("audit sink `siem`: answered 500"));
  received_->refuses.clear();
  EXPECT_EQ(run(shipper->turn()), Shipper::Turn::delivered);
  EXPECT_EQ(received_->positions, from_to(2, 3));
  ASSERT_EQ(notices_.size(), 2U);
  EXPECT_THAT(notices_[1], HasSubstr("delivered again, up to position 3"));
}

TEST_F(Shipping, SendsAgainWhatMayHaveArrived) {
  commit(3);
  const auto shipper = open(1);
  received_->refuses = "took too long", received_->takes_and_refuses = true;
  EXPECT_EQ(run(shipper->turn()), Shipper::Turn::failed);
  received_->refuses.clear();
  EXPECT_EQ(run(shipper->turn()), Shipper::Turn::delivered);
  EXPECT_EQ(received_->positions, (std::vector<std::uint64_t>{2, 3, 2, 3}));
}

TEST_F(Shipping, SaysWhatItCannotRead) {
  commit(3);
  const auto shipper = open(1);
  log_.fail_from_now_on(true);
  EXPECT_EQ(run(shipper->turn()), Shipper::Turn::failed);
  EXPECT_EQ(shipper->state().failure, "the audit trail cannot be read");
}

TEST_F(Shipping, KeepsBatchesSmallAndNeverHoldsBackALargeRecord) {
  commit(3, std::string(200, 'x'));
  ShipperOptions options;
  options.batch_bytes_max = 100;
  const auto shipper = open(1, options);
  all_turns(*shipper);
  EXPECT_EQ(received_->batches, (std::vector<std::size_t>{1, 1}));
}

TEST_F(Shipping, WaitsLongerFromFailureToFailureAndStops) {
  commit(3);
  const auto shipper = open(1);
  received_->refuses = "answered 500";
  static std::vector<Milliseconds> waited;
  static Shipper* running = nullptr;
  waited.clear(), running = shipper.get();
  const std::function<Task<void>(Milliseconds)> pause = [](Milliseconds duration) -> Task<void> {
    waited.push_back(duration);
    if (waited.size() == 35) running->stop();
    co_return;
  };
  struct Done {};
  static const auto run_it = [](std::shared_ptr<Shipper> which, std::function<Task<void>(Milliseconds)> wait) -> Task<Done> {
    auto running_on = which->run(std::move(wait));
    co_await running_on;
    co_return Done{};
  };
  run(run_it(shipper, pause));
  // 1 s, 2 s and 4 s in looks of 0.2 s.
  EXPECT_EQ(shipper->state().failures, 3U);
  EXPECT_FALSE(shipper->state().running);
}

TEST(SyslogMessage, IsOneOfRfc5424) {
  const audit::StoredRecord record{4711, R"({"position":4711,"time":"2026-11-25T02:00:00.123Z","event":"call","effect":"deny","user":"usr_1"})"};
  EXPECT_EQ(syslog_message(record, {"node1", Format::records}),
            "<85>1 2026-11-25T02:00:00.123Z node1 writ - call [meta sequenceId=\"4711\"] \xEF\xBB\xBF" + record.json_line);
}

TEST(SyslogMessage, SaysInformationalForWhatIsNoDenial) {
  EXPECT_THAT(syslog_message({1, R"({"event":"call","effect":"allow"})"}, {"n", Format::records}), testing::StartsWith("<86>1 - n writ - call "));
}

TEST(SyslogMessage, KeepsItsHeaderWhole) {
  const auto message = syslog_message({1, R"({"event":"a b\u0001","effect":"allow"})"}, {"no de\n", Format::records});
  EXPECT_THAT(message, testing::StartsWith("<86>1 - node writ - ab [meta"));
  EXPECT_THAT(syslog_message({1, "no json"}, {"", Format::ocsf}), testing::EndsWith("\xEF\xBB\xBFno json"));
}

TEST(SyslogMessage, CountsSequencesAnew) {
  EXPECT_THAT(syslog_message({2'147'483'647, "{}"}, {"n"}), HasSubstr("sequenceId=\"2147483647\""));
  EXPECT_THAT(syslog_message({2'147'483'648, "{}"}, {"n"}), HasSubstr("sequenceId=\"1\""));
}

TEST(SyslogMessage, IsFramedByItsLengthInOctets) { EXPECT_EQ(framed("h\xC3\xA9"), "3 h\xC3\xA9"); }

struct Web : http::Outgoing {
  http::OutgoingRequest request;
  int status = 200;
  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest given) override {
    request = std::move(given);
    if (status == 0) co_return unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::connect, "refused"});
    http::OutgoingResponse response;
    response.status = status;
    co_return response;
  }
};

TEST(WebhookSink, PostsLinesAndSaysHowFarTheyReach) {
  Web web;
  Webhook webhook({"siem", "https://siem.example/in", "/ca.pem", Format::records, [] { return Result<Secret, std::string>(Secret("Bearer s3cret")); }}, web);
  EXPECT_TRUE(run(webhook.deliver({{7, "{\"a\":1}"}, {8, "{\"a\":2}"}})));
  EXPECT_EQ(web.request.method, "POST");
  EXPECT_EQ(web.request.body, "{\"a\":1}\n{\"a\":2}\n");
  EXPECT_EQ(*web.request.headers.find_single("X-Writ-Last-Position"), "8");
  EXPECT_EQ(*web.request.headers.find_single("Authorization"), "Bearer s3cret");
  EXPECT_EQ(web.request.ca_file, "/ca.pem");
}

TEST(WebhookSink, WritesOcsf) {
  Web web;
  Webhook webhook({"siem", "https://siem.example/in", "", Format::ocsf, nullptr}, web);
  EXPECT_TRUE(run(webhook.deliver({{7, R"({"position":7,"event":"sign_in","effect":"allow","node":"n1"})"}})));
  const auto event = json::parse(web.request.body.substr(0, web.request.body.size() - 1));
  ASSERT_TRUE(event);
  EXPECT_EQ(*event->find_int("class_uid"), 3002);
  EXPECT_EQ(web.request.headers.count("Authorization"), 0U);
}

TEST(WebhookSink, CountsNothingAsDeliveredButSuccess) {
  for (const int status : {0, 199, 300, 302, 400, 401, 413, 429, 500, 503}) {
    Web web;
    web.status = status;
    Webhook webhook({"siem", "https://siem.example/in", "", Format::ocsf, nullptr}, web);
    const auto delivered = run(webhook.deliver({{7, "{}"}}));
    ASSERT_FALSE(delivered) << status;
    EXPECT_THAT(delivered.error(), status == 0 ? HasSubstr("could not be reached: refused") : HasSubstr("answered " + std::to_string(status)));
  }
}

TEST(WebhookSink, SendsNothingWithoutItsSecret) {
  Web web;
  Webhook webhook({"siem", "https://siem.example/in", "", Format::ocsf, [] { return Result<Secret, std::string>(unexpected(std::string("`/s` is open to others"))); }}, web);
  const auto delivered = run(webhook.deliver({{7, "{}"}}));
  ASSERT_FALSE(delivered);
  EXPECT_THAT(delivered.error(), HasSubstr("open to others"));
  EXPECT_THAT(delivered.error(), Not(HasSubstr("s3cret")));
  EXPECT_EQ(web.request.url, "");
}

}  // namespace
}  // namespace writ::audit_export
