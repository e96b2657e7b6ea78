// Streams as several nodes know them: what one writes the others take over.
#include "signals/transmitter/stream.h"

#include <gtest/gtest.h>

#include "adapters/memory/documents.h"

namespace writ::signals {
namespace {

struct TwoNodes : testing::Test {
  memory::MemoryDocuments documents;
  std::unique_ptr<Streams> a = std::move(*Streams::open(documents)), b = std::move(*Streams::open(documents));

  static Stream of(const char* id, const char* audience) {
    Stream stream;
    stream.id = id, stream.audience = audience, stream.events_requested = {"urn:e"};
    return stream;
  }
  // What the database would hand over.
  registry::Document stored() {
    const auto all = documents.load("signal_streams");
    EXPECT_TRUE(all && all->size() == 1);
    return all->front();
  }
};
using StreamsOfNodes = TwoNodes;

TEST_F(StreamsOfNodes, AStreamThatOneNodeMakesTheOtherSendsTo) {
  ASSERT_TRUE(*run(a->add(of("stm_1", "https://ras.example"))));
  EXPECT_FALSE(b->find("stm_1"));
  ASSERT_TRUE(b->take_over(stored()));
  ASSERT_TRUE(b->find("stm_1"));
  EXPECT_FALSE(*run(b->add(of("stm_2", "https://ras.example")))) << "one for each receiver, whoever is asked";
}

TEST_F(StreamsOfNodes, AnOlderWordIsIgnoredAndARemovedStreamStaysRemoved) {
  ASSERT_TRUE(*run(a->add(of("stm_1", "https://ras.example"))));
  const auto first = stored();
  ASSERT_TRUE(b->take_over(first));
  ASSERT_TRUE(run(a->remove("stm_1")));
  ASSERT_TRUE(b->take_over(stored()));
  EXPECT_FALSE(b->find("stm_1"));
  EXPECT_FALSE(b->of_audience("https://ras.example"));
  EXPECT_TRUE(b->all().empty());
  ASSERT_TRUE(b->take_over(first));
  EXPECT_FALSE(b->find("stm_1"));
  EXPECT_TRUE(*run(b->add(of("stm_3", "https://ras.example"))));
}

TEST_F(StreamsOfNodes, AWriteGoesOnFromTheVersionThatCame) {
  ASSERT_TRUE(*run(a->add(of("stm_1", "https://ras.example"))));
  auto theirs = stored();
  theirs.version = std::int64_t{9} << 20;
  ASSERT_TRUE(b->take_over(theirs));
  Stream paused = *b->find("stm_1");
  paused.status = Status::paused;
  ASSERT_TRUE(run(b->put(std::move(paused))));
  EXPECT_GT(stored().version, theirs.version);
}

TEST_F(StreamsOfNodes, WhatCannotBeReadIsAnError) { EXPECT_FALSE(b->take_over({"signal_streams", "stm_1", 7, {}, "{}"})); }

}  // namespace
}  // namespace writ::signals
