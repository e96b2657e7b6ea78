#include "signals/delivery.h"

#include <gtest/gtest.h>

namespace writ::signals {
namespace {

std::string outcome(std::string_view body) {
  const auto request = parse_poll_request(body);
  return request ? json::write(to_json(*request)) : request.error();
}

TEST(PollRequest, IsRead) {
  const struct {
    const char* body;
    const char* expected;
  } rows[] = {
      {"{}", R"({"maxEvents":100,"returnImmediately":false})"},
      {R"({"maxEvents":5,"returnImmediately":true,"ack":["a","b"],"setErrs":{"c":{"err":"invalid_key","description":"no"}}})",
       R"({"maxEvents":5,"returnImmediately":true,"ack":["a","b"],"setErrs":{"c":{"err":"invalid_key","description":"no"}}})"},
      {R"({"maxEvents":0})", R"({"maxEvents":0,"returnImmediately":false})"},
      {R"({"maxEvents":100000})", R"({"maxEvents":100,"returnImmediately":false})"},
      {R"({"somethingNew":1})", R"({"maxEvents":100,"returnImmediately":false})"},
      {R"({"setErrs":{"c":{}}})", R"({"maxEvents":100,"returnImmediately":false,"setErrs":{"c":{"err":"invalid_request","description":""}}})"},
      {"", "the body must be one JSON object"},
      {"[]", "the body must be one JSON object"},
      {"{} {}", "the body must be one JSON object"},
      {R"({"ack":["a"],"ack":["b"]})", "the body must be one JSON object"},
      {R"({"maxEvents":-1})", "`maxEvents` must be a whole number, 0 or more"},
      {R"({"maxEvents":"5"})", "`maxEvents` must be a whole number, 0 or more"},
      {R"({"returnImmediately":1})", "`returnImmediately` must be true or false"},
      {R"({"ack":"a"})", "`ack` must be a list of `jti`s"},
      {R"({"ack":[""]})", "`ack` must be a list of `jti`s"},
      {R"({"ack":[7]})", "`ack` must be a list of `jti`s"},
      {R"({"setErrs":[]})", "`setErrs` must be an object of `jti` to error"},
      {R"({"setErrs":{"c":"no"}})", "`setErrs` must be an object of `jti` to error"},
  };
  for (const auto& row : rows) EXPECT_EQ(outcome(row.body), row.expected) << row.body;
}

TEST(PollResponse, IsReadAsItIsWritten) {
  PollResponse response;
  response.sets = {{"a", "x.y.z"}, {"b", "p.q.r"}};
  response.more_available = true;
  const std::string text = json::write(to_json(response));
  EXPECT_EQ(text, R"({"sets":{"a":"x.y.z","b":"p.q.r"},"moreAvailable":true})");
  const auto read = parse_poll_response(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sets, response.sets);
  EXPECT_TRUE(read->more_available);
  for (const char* wrong : {"", "{}", R"({"sets":[]})", R"({"sets":{"a":1}})", R"({"sets":{"":"x.y.z"}})"}) EXPECT_FALSE(parse_poll_response(wrong)) << wrong;
}

TEST(DeliveryError, IsReadAsFarAsItGoes) {
  EXPECT_EQ(parse_delivery_error(*json::parse(R"({"err":"invalid_key","description":"no such key"})")), (DeliveryError{"invalid_key", "no such key"}));
  EXPECT_EQ(parse_delivery_error(json::Value()), (DeliveryError{"invalid_request", ""}));
  EXPECT_EQ(parse_delivery_error(*json::parse(R"({"err":"","description":7})")), (DeliveryError{"invalid_request", ""}));
  EXPECT_EQ(parse_delivery_error(json::Value{{"err", "x"}, {"description", std::string(5'000, 'd')}}).description.size(), 200u);
}

}  // namespace
}  // namespace writ::signals
