#include "http/chunked.h"

#include <gtest/gtest.h>

#include <string>

namespace writ::http {
namespace {

constexpr std::size_t kNoLimit = 1 << 20;

struct Outcome {
  int status = 0;        // 0: good so far
  bool done = false;
  std::string body;
  std::string rest;      // what follows the body
};

Outcome decode(const std::string& bytes, std::size_t cut, std::uint64_t body_bytes_max = kNoLimit) {
  ChunkedDecoder decoder;
  Outcome outcome;
  std::string waiting;
  for (const std::string& piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
    waiting += piece;
    const auto taken = decoder.feed(waiting, outcome.body, kNoLimit, body_bytes_max);
    if (!taken) {
      outcome.status = taken.error().status;
      return outcome;
    }
    waiting.erase(0, *taken);
  }
  outcome.done = decoder.is_done();
  outcome.rest = waiting;
  return outcome;
}

struct Row {
  const char* name;
  std::string bytes;
  int status;
  std::string body = "";
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }
class ChunkedRules : public ::testing::TestWithParam<Row> {};

TEST_P(ChunkedRules, hold_at_every_cut) {
  const Row& row = GetParam();
  const std::size_t step = row.bytes.size() < 1'000 ? 1 : 61;
  for (std::size_t cut = 0; cut <= row.bytes.size(); cut += step) {
    const Outcome outcome = decode(row.bytes, cut);
    ASSERT_EQ(outcome.status, row.status) << "cut at " << cut;
    if (row.status != 0) continue;
    ASSERT_TRUE(outcome.done) << "cut at " << cut;
    ASSERT_EQ(outcome.body, row.body) << "cut at " << cut;
    ASSERT_EQ(outcome.rest, "") << "cut at " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rfc9112, ChunkedRules,
    testing::Values(Row{"empty", "0\r\n\r\n", 0, ""}, Row{"one_chunk", "5\r\nhello\r\n0\r\n\r\n", 0, "hello"},
                    Row{"two_chunks", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 0, "hello"}, Row{"upper_case_size", "A\r\n0123456789\r\n0\r\n\r\n", 0, "0123456789"},
                    Row{"leading_zeros", "0005\r\nhello\r\n000\r\n\r\n", 0, "hello"}, Row{"extension", "5;a=b;c\r\nhello\r\n0;d\r\n\r\n", 0, "hello"},
                    Row{"extension_quoted", "5;a=\"b\"\r\nhello\r\n0\r\n\r\n", 400}, Row{"extension_with_space", "5; a\r\nhello\r\n0\r\n\r\n", 400},
                    Row{"trailer", "5\r\nhello\r\n0\r\nX: y\r\nZ: w\r\n\r\n", 0, "hello"}, Row{"data_looks_like_chunks", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", 0, "0\r\n\r\n"},
                    Row{"size_empty", "\r\nhello\r\n", 400}, Row{"size_not_hexadecimal", "g\r\n", 400}, Row{"size_with_prefix", "0x5\r\nhello\r\n0\r\n\r\n", 400},
                    Row{"size_negative", "-5\r\nhello", 400}, Row{"size_with_plus", "+5\r\nhello", 400}, Row{"space_before_size", " 5\r\nhello", 400},
                    Row{"space_after_size", "5 \r\nhello", 400}, Row{"size_overflows", "10000000000000005\r\nhello", 400},
                    Row{"bare_lf_after_size", "5\nhello\r\n0\r\n\r\n", 400}, Row{"bare_cr_after_size", "5\rhello\r\n0\r\n\r\n", 400},
                    Row{"bare_lf_in_extension", "5;a\nb\r\nhello\r\n0\r\n\r\n", 400}, Row{"bare_cr_in_extension", "5;a\rb\r\nhello\r\n0\r\n\r\n", 400},
                    Row{"nul_in_extension", std::string("5;\0\r\nhello\r\n0\r\n\r\n", 17), 400}, Row{"data_longer_than_size", "4\r\nhello\r\n0\r\n\r\n", 400},
                    Row{"data_shorter_than_size", "6\r\nhello\r\n0\r\n\r\n", 400}, Row{"bare_lf_after_data", "5\r\nhello\n0\r\n\r\n", 400},
                    Row{"bare_cr_after_data", "5\r\nhello\r0\r\n\r\n", 400}, Row{"two_bytes_after_data", "5\r\nhelloXX0\r\n\r\n", 400},
                    Row{"bare_lf_ends", "5\r\nhello\r\n0\r\n\n", 400}, Row{"bare_cr_ends", "5\r\nhello\r\n0\r\n\rX", 400},
                    Row{"trailer_folded", "0\r\n X: y\r\n\r\n", 400}, Row{"trailer_without_colon", "0\r\nhello\r\n\r\n", 400}, Row{"trailer_with_space_before_colon", "0\r\nX : y\r\n\r\n", 400},
                    Row{"bare_lf_in_trailer", "0\r\nX: y\nZ: w\r\n\r\n", 400},
                    Row{"nul_in_trailer", std::string("0\r\nX: \0\r\n\r\n", 11), 400}, Row{"extension_endless", "5;" + std::string(17000, 'a'), 400},
                    Row{"trailer_endless", "0\r\nX: " + std::string(17000, 'a'), 431}));

TEST(ChunkedBody, counts_against_its_limit_before_it_is_stored) {
  EXPECT_EQ(decode("5\r\nhello\r\n0\r\n\r\n", 0, 5).status, 0);
  EXPECT_EQ(decode("5\r\nhello\r\n0\r\n\r\n", 0, 4).status, 413);
  EXPECT_EQ(decode("3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n", 0, 5).status, 413);
  EXPECT_EQ(decode("ffffffffffffff\r\n", 0, 5).status, 413);   // no byte of the chunk is needed
}

TEST(ChunkedBody, leaves_what_follows_for_the_next_request) {
  const Outcome outcome = decode("5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n", 0);
  EXPECT_TRUE(outcome.done);
  EXPECT_EQ(outcome.rest, "GET / HTTP/1.1\r\n");
}

TEST(ChunkedBody, comes_in_bounded_pieces) {
  ChunkedDecoder decoder;
  const std::string bytes = "a\r\n0123456789\r\n0\r\n\r\n";
  std::string rest = bytes;
  std::string whole;
  while (!decoder.is_done()) {
    std::string piece;
    const auto taken = decoder.feed(rest, piece, 4, kNoLimit);
    ASSERT_TRUE(taken);
    ASSERT_LE(piece.size(), 4U);
    rest.erase(0, *taken);
    whole += piece;
  }
  EXPECT_EQ(whole, "0123456789");
}

}  // namespace
}  // namespace writ::http
