#include "audit/record.h"

#include <gtest/gtest.h>

#include "audit/decisions_log.h"

namespace writ::audit {
namespace {

Record denied() {
  Record record;
  record.event = Event::call;
  record.effect = Effect::deny;
  record.time = from_unix_seconds(1'795'000'000);
  record.reason = "no_permit";
  record.user = "usr_1";
  return record;
}

TEST(AuditRecord, HoldsMembersWithValuesOnlyAndTheCodeOfADenial) {
  EXPECT_EQ(to_json_line(denied(), 7, "n1"),
            R"({"position":7,"node":"n1","time":"2026-11-18T11:06:40.000Z","event":"call","effect":"deny","code":")" + denial_code(7) +
                R"(","reason":"no_permit","user":"usr_1"})");
}

struct Hostile {
  const char* name;
  std::string value, written;
};
class RecordForging : public testing::TestWithParam<Hostile> {};

// S4: whatever a jti, a name or a tool contains, a record stays one line of JSON and shows what was there.
TEST_P(RecordForging, IsEscaped) {
  Record record = denied();
  record.tool = GetParam().value;
  const std::string line = to_json_line(record, 1, "n1");
  EXPECT_NE(line.find("\"tool\":\"" + GetParam().written + "\""), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    S4, RecordForging,
    testing::Values(Hostile{"line_end", "a\r\nb", "a\\u000d\\u000ab"}, Hostile{"quote", R"(a"b\c)", R"(a\"b\\c)"},
                    Hostile{"escape_sequence", "a\x1b[31m", "a\\u001b[31m"}, Hostile{"nul", std::string("a\0b", 3), "a\\u0000b"},
                    Hostile{"line_separator", "a\xE2\x80\xA8" "b", "a\\u2028b"}, Hostile{"bidi_override", "a\xE2\x80\xAE" "b", "a\\u202eb"},
                    Hostile{"bidi_isolate", "\xE2\x81\xA6", "\\u2066"}, Hostile{"c1_control", "\xC2\x85", "\\u0085"},
                    Hostile{"invalid_utf8", "a\xFF" "b", "a\\ufffdb"}, Hostile{"overlong_slash", "\xC0\xAF", "\\ufffd\\ufffd"},
                    Hostile{"surrogate", "\xED\xA0\x80", "\\ufffd\\ufffd\\ufffd"}, Hostile{"umlaut_is_kept", "\xC3\xBC", "\xC3\xBC"},
                    Hostile{"exactly_256_bytes", std::string(256, 'x'), std::string(256, 'x')},
                    Hostile{"cut_at_256_bytes", std::string(257, 'x'), std::string(256, 'x') + "…"},
                    Hostile{"never_cut_inside_a_character", std::string(255, 'x') + "\xC3\xBC", std::string(255, 'x') + "…"}),
    [](const auto& row) { return row.param.name; });

TEST(DenialCode, ReadsBackForEveryPositionAndNode) {
  for (const std::uint64_t position : {0ULL, 1ULL, 31ULL, 32'767ULL, 32'768ULL, 1'000'000'007ULL, (1ULL << 54) - 1}) {
    for (const std::uint32_t node : {0U, 1U, 1023U}) {
      const auto read = parse_denial_code(denial_code(position, node));
      ASSERT_TRUE(read) << denial_code(position, node);
      EXPECT_EQ(read->position, position);
      EXPECT_EQ(read->node, node);
    }
  }
}

TEST(DenialCode, IsGroupedForReadingAloud) {
  const std::string code = denial_code(7);
  EXPECT_EQ(code.size(), 9U);
  EXPECT_EQ(code.substr(0, 2), "W-");
  EXPECT_EQ(code[6], '-');
}

TEST(DenialCode, ForgivesCaseDashesAndLookAlikes) {
  std::string typed;
  for (const char character : denial_code(123'456)) {
    if (character != '-') typed += static_cast<char>(character == '0' ? 'o' : character == '1' ? 'l' : std::tolower(character));
  }
  const auto read = parse_denial_code("w-" + typed.substr(1));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->position, 123'456U);
}

TEST(DenialCode, FindsEveryWrongCharacterAndEverySwap) {
  const std::string good = denial_code(987'654'321);
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  for (std::size_t i = 2; i < good.size(); ++i) {
    if (good[i] == '-') continue;
    for (const char other : kAlphabet) {
      std::string bad = good;
      bad[i] = other;
      if (bad != good) {
        EXPECT_FALSE(parse_denial_code(bad)) << bad;
      }
    }
    std::string swapped = good;
    const std::size_t next = i + 1 < good.size() && good[i + 1] == '-' ? i + 2 : i + 1;
    if (next >= good.size()) continue;
    std::swap(swapped[i], swapped[next]);
    if (swapped != good) {
      EXPECT_FALSE(parse_denial_code(swapped)) << swapped;
    }
  }
}

TEST(DenialCode, RefusesWhatIsNone) {
  for (const char* text : {"", "W-", "W", "W-1234", "hello world", "W-7K2F-9Q!", "W-UUUU-UU", "W-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ"}) {
    EXPECT_FALSE(parse_denial_code(text)) << text;
  }
}

TEST(Claim, KeepsUsesIssuersAndJtisApart) {
  const auto key = [](Claim::Use use, const char* issuer, const char* jti) { return make_claim(use, issuer, jti, Instant{}).key; };
  const auto base = key(Claim::Use::id_jag, "https://a", "1");
  EXPECT_EQ(base, key(Claim::Use::id_jag, "https://a", "1"));
  EXPECT_NE(base, key(Claim::Use::client_assertion, "https://a", "1"));   // C8: another use
  EXPECT_NE(base, key(Claim::Use::id_jag, "https://b", "1"));             // C8: another issuer
  EXPECT_NE(base, key(Claim::Use::id_jag, "https://a", "2"));
  EXPECT_NE(key(Claim::Use::id_jag, "ab", "c"), key(Claim::Use::id_jag, "a", "bc"));
}

// S7: an hour of a clock that runs ahead forgets nothing that is still needed when it comes back.
TEST(Claim, SurvivesAClockThatStepsAnHour) {
  const Instant needed_until = from_unix_seconds(1'795'000'330);
  const auto is_forgotten_at = [&](Instant now) { return needed_until < claims_forgotten_before(now); };
  EXPECT_FALSE(is_forgotten_at(needed_until));
  EXPECT_FALSE(is_forgotten_at(needed_until + std::chrono::hours{1}));
  EXPECT_TRUE(is_forgotten_at(needed_until + std::chrono::hours{1} + Milliseconds{1}));
  EXPECT_FALSE(is_forgotten_at(needed_until - std::chrono::hours{1}));   // the clock steps back
}

}  // namespace
}  // namespace writ::audit
