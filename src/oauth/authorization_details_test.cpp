// RFC 9396: what a detail may look like, and when one is no more than another.
#include "oauth/authorization_details.h"

#include <gtest/gtest.h>

#include <random>

namespace writ::oauth {
namespace {

const std::vector<std::string> kTypes = {"payment", "https://types.example/note"};

std::string judged(std::string_view text) {
  const auto parsed = parse_authorization_details(text);
  if (!parsed) return std::string(to_string(parsed.error()));
  const auto checked = check_authorization_details(*parsed, kTypes);
  return checked ? "good" : std::string(to_string(checked.error()));
}
std::string many(int count) {
  std::string text = "[";
  for (int i = 0; i < count; ++i) text += std::string(i ? "," : "") + R"({"type":"payment"})";
  return text + "]";
}
std::string list(int count) {
  std::string text = R"([{"type":"payment","actions":[)";
  for (int i = 0; i < count; ++i) text += (i ? ",\"a" : "\"a") + std::to_string(i) + "\"";
  return text + "]}]";
}

TEST(AuthorizationDetails, AreReadStrictly) {
  const std::pair<std::string, const char*> rows[] = {
      {R"([{"type":"payment"}])", "good"},
      {R"([{"type":"payment"},{"type":"https://types.example/note","locations":["https://m.example"],"actions":["a","b"],"datatypes":["d"],"privileges":["p"],"identifier":"i"}])", "good"},
      {many(20), "good"},
      {many(21), "too_many"},
      {list(50), "good"},
      {list(51), "member_malformed"},
      {"", "malformed"},
      {"[]", "malformed"},
      {"{}", "malformed"},
      {"null", "malformed"},
      {"[null]", "malformed"},
      {"[[]]", "malformed"},
      {"[{}]", "malformed"},
      {R"([{"type":""}])", "malformed"},
      {R"([{"type":1}])", "malformed"},
      {R"([{"type":["payment"]}])", "malformed"},
      {R"([{"type":"payment"}] )", "good"},
      {R"([{"type":"payment"}]])", "malformed"},
      {R"([{"type":"payment","type":"payment"}])", "malformed"},
      {R"([{"type":"payment","typ\u0065":"payment"}])", "malformed"},
      {R"([{"type":"Payment"}])", "type_unknown"},
      {R"([{"type":"payment "}])", "type_unknown"},
      {R"([{"type":"payment","Actions":["a"]}])", "member_unknown"},
      {R"([{"type":"payment","amount":{"value":1}}])", "member_unknown"},
      {R"([{"type":"payment","actions":"a"}])", "member_malformed"},
      {R"([{"type":"payment","actions":[]}])", "member_malformed"},
      {R"([{"type":"payment","actions":[""]}])", "member_malformed"},
      {R"([{"type":"payment","actions":[null]}])", "member_malformed"},
      {R"([{"type":"payment","actions":null}])", "member_malformed"},
      {R"([{"type":"payment","identifier":""}])", "member_malformed"},
      {R"([{"type":"payment","identifier":7}])", "member_malformed"},
      {R"([{"type":"payment","identifier":")" + std::string(512, 'x') + R"("}])", "good"},
      {R"([{"type":"payment","identifier":")" + std::string(513, 'x') + R"("}])", "member_malformed"},
      {std::string(9'000, ' ') + R"([{"type":"payment"}])", "malformed"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(judged(text), expected) << text.substr(0, 200);
  for (const std::string& whole : {list(3), std::string(R"([{"type":"payment","identifier":"i"}])")})
    for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_EQ(judged(whole.substr(0, length)), "malformed") << length;
}

bool is_covered(const char* granted, const char* asked) { return covers(*json::parse(granted), *json::parse(asked)); }

TEST(AuthorizationDetails, CoverWhatIsNoMore) {
  const std::tuple<const char*, const char*, bool> rows[] = {
      {R"({"type":"a"})", R"({"type":"a"})", true},
      {R"({"type":"a"})", R"({"type":"b"})", false},
      {R"({"type":"a","actions":["x","y"]})", R"({"type":"a","actions":["y"]})", true},
      {R"({"type":"a","actions":["x","y"]})", R"({"type":"a","actions":["y","x"]})", true},
      {R"({"type":"a","actions":["x"]})", R"({"type":"a","actions":["x","y"]})", false},
      {R"({"type":"a","actions":["x"]})", R"({"type":"a"})", false},
      {R"({"type":"a"})", R"({"type":"a","actions":["x"]})", false},
      {R"({"type":"a","identifier":"1"})", R"({"type":"a","identifier":"1"})", true},
      {R"({"type":"a","identifier":"1"})", R"({"type":"a","identifier":"2"})", false},
      {R"({"type":"a","identifier":"1"})", R"({"type":"a"})", false},
      {R"({"type":"a"})", R"({"type":"a","identifier":"1"})", false},
      {R"({"type":"a","locations":["l"],"actions":["x"]})", R"({"type":"a","locations":["m"],"actions":["x"]})", false},
      {R"({"type":"a","datatypes":["x"],"privileges":["p","q"]})", R"({"type":"a","datatypes":["x"],"privileges":["q"]})", true},
  };
  for (const auto& [granted, asked, expected] : rows) EXPECT_EQ(is_covered(granted, asked), expected) << granted << " and " << asked;
}

// Whatever is covered by something that is covered is covered, and everything covers itself: no chain of narrowings widens.
TEST(AuthorizationDetails, CoverAsAnOrderOfMadeUpDetails) {
  std::mt19937 random(7);
  const auto made = [&] {
    json::Value detail{{"type", random() % 8 ? "a" : "b"}};
    for (const char* name : {"actions", "locations"}) {
      if (random() % 3 == 0) continue;
      json::Array values;
      for (const char* value : {"x", "y"})
        if (random() % 2) values.emplace_back(value);
      if (!values.empty()) detail.set(name, std::move(values));
    }
    if (random() % 2) detail.set("identifier", random() % 8 ? "1" : "2");
    return detail;
  };
  int chains = 0;
  for (int i = 0; i < 20'000; ++i) {
    const json::Value a = made(), b = made(), c = made();
    EXPECT_TRUE(covers(a, a));
    if (!covers(a, b) || !covers(b, c)) continue;
    ++chains;
    EXPECT_TRUE(covers(a, c)) << json::write(a) << json::write(b) << json::write(c);
  }
  EXPECT_GT(chains, 20);
}

}  // namespace
}  // namespace writ::oauth
