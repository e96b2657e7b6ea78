#include "telemetry/trace_context.h"

#include <gtest/gtest.h>

#include <set>

namespace writ::telemetry {
namespace {

const std::string kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Row {
  const char* name;
  std::string text;
  bool is_good;
};
class Traceparents : public testing::TestWithParam<Row> {};
TEST_P(Traceparents, AreReadStrictly) { EXPECT_EQ(parse_traceparent(GetParam().text).has_value(), GetParam().is_good) << GetParam().text; }

INSTANTIATE_TEST_SUITE_P(
    Rows, Traceparents,
    testing::Values(Row{"good", kGood, true}, Row{"not_sampled", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true},
                    Row{"unknown_flags", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", true}, Row{"empty", "", false},
                    Row{"upper_case", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false},
                    Row{"upper_case_flags", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0A", false},
                    Row{"trace_of_zeros", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
                    Row{"span_of_zeros", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false}, Row{"version_ff", "ff" + kGood.substr(2), false},
                    Row{"version_in_upper_case", "0A" + kGood.substr(2), false}, Row{"more_than_version_0_has", kGood + "-what", false},
                    Row{"trailing_dash", kGood + "-", false}, Row{"later_version", "cc" + kGood.substr(2), true}, Row{"later_version_with_more", "cc" + kGood.substr(2) + "-what-ever", true},
                    Row{"later_version_run_on", "cc" + kGood.substr(2) + ".what", false}, Row{"too_long", "cc" + kGood.substr(2) + "-" + std::string(300, 'a'), false},
                    Row{"short_trace", "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false}, Row{"no_dashes", "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01", false},
                    Row{"space_before", " " + kGood, false}, Row{"space_behind", kGood + " ", false}, Row{"no_hexadecimal", "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", false},
                    Row{"line_feed", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\n", false}, Row{"nul", std::string("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0\0", 55), false}),
    [](const auto& row) { return row.param.name; });

TEST(Traceparents, AreRefusedWhenCutAnywhere) {
  for (std::size_t i = 0; i < kGood.size(); ++i) EXPECT_FALSE(parse_traceparent(kGood.substr(0, i))) << i;
}

TEST(Traceparents, AreWrittenAsTheyWereRead) {
  const auto context = parse_traceparent(kGood);
  ASSERT_TRUE(context);
  EXPECT_TRUE(context->is_sampled);
  EXPECT_EQ(to_hex(context->trace), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(to_hex(context->span), "00f067aa0ba902b7");
  EXPECT_EQ(write_traceparent(*context), kGood);
  EXPECT_EQ(write_traceparent(*parse_traceparent("cc" + kGood.substr(2) + "-more")), kGood) << "what is written is of the version that is known";
}

std::string members(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += (i ? ",k" : "k") + std::to_string(i) + "=v";
  return text;
}

class Tracestates : public testing::TestWithParam<Row> {};
TEST_P(Tracestates, AreReadStrictly) { EXPECT_EQ(is_tracestate(GetParam().text), GetParam().is_good) << GetParam().text; }

INSTANTIATE_TEST_SUITE_P(
    Rows, Tracestates,
    testing::Values(Row{"one", "rojo=00f067aa0ba902b7", true}, Row{"two", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", true}, Row{"tenant", "0tenant@system=1", true},
                    Row{"spaces_around", "a=1 ,\tb=2", true}, Row{"empty_members", "a=1,,b=2,", true}, Row{"as_many_as_may_be", members(32), true}, Row{"one_too_many", members(33), false},
                    Row{"too_long", "a=" + std::string(250, 'x') + ",b=" + std::string(256, 'x') + ",c=1", false}, Row{"long_value", "a=" + std::string(257, 'x'), false}, Row{"nothing", "", false},
                    Row{"only_commas", ",,", false}, Row{"key_twice", "a=1,a=2", false}, Row{"no_value", "a=", false}, Row{"no_equals", "a", false},
                    Row{"two_equals", "a=b=c", false}, Row{"upper_case_key", "A=1", false}, Row{"digit_first", "1a=1", false},
                    Row{"two_at", "a@b@c=1", false}, Row{"empty_tenant", "@b=1", false}, Row{"long_system", "a@" + std::string(15, 'b') + "=1", false}, Row{"line_feed", "a=1\nb", false},
                    Row{"control_character", "a=\x01", false}, Row{"not_ascii", "a=\xC3\xA4", false}),
    [](const auto& row) { return row.param.name; });

TEST(TraceContextOfARequest, NeedsExactlyOneParent) {
  EXPECT_TRUE(read_trace_context({{"Traceparent", kGood}}));
  EXPECT_FALSE(read_trace_context({}));
  EXPECT_FALSE(read_trace_context({{"traceparent", kGood}, {"traceparent", kGood}}));
  EXPECT_FALSE(read_trace_context({{"tracestate", "a=1"}}));
}

TEST(TraceContextOfARequest, DropsABadStateAlone) {
  const auto state = [](http::Headers headers) {
    headers.add("traceparent", kGood);
    return read_trace_context(headers)->state;
  };
  EXPECT_EQ(state({{"tracestate", "a=1"}}), "a=1");
  EXPECT_EQ(state({{"tracestate", "a=1"}, {"tracestate", "b=2"}}), "a=1,b=2");
  EXPECT_EQ(state({{"tracestate", "a=1"}, {"tracestate", "a=2"}}), "");
  EXPECT_EQ(state({{"tracestate", "a"}}), "");
  EXPECT_EQ(state({{"tracestate", std::string(5'000, 'a')}}), "");
}

TEST(TraceContextOfARequest, TakesThePlaceOfWhatStoodThere) {
  http::Headers headers{{"traceparent", "old"}, {"tracestate", "old=1"}, {"x", "y"}};
  write_trace_context(headers, *parse_traceparent(kGood));
  EXPECT_EQ(*headers.find_single("traceparent"), kGood);
  EXPECT_EQ(headers.count("tracestate"), 0u) << "the state of another parent means nothing";
  EXPECT_EQ(*headers.find("x"), "y");
}

TEST(TraceIds, AreNotRepeated) {
  std::set<TraceId> traces;
  std::set<SpanId> spans;
  for (int i = 0; i < 10'000; ++i) traces.insert(new_trace_id()), spans.insert(new_span_id());
  EXPECT_EQ(traces.size(), 10'000u);
  EXPECT_EQ(spans.size(), 10'000u);
}

}  // namespace
}  // namespace writ::telemetry
