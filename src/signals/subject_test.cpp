#include "signals/subject.h"

#include <gtest/gtest.h>

#include <random>

#include "signals/subject_session.h"

namespace writ::signals {
namespace {

std::string outcome(std::string_view text) {
  const auto value = json::parse(text);
  if (!value) return "not_json";
  const auto subject = parse_subject(*value);
  if (!subject) return std::string(to_string(subject.error()));
  std::string words = subject->has_user ? subject->user.format_name + ":" + subject->user.issuer + subject->user.email + subject->user.id + "/" + subject->user.subject : "nobody";
  if (!subject->tenant.empty()) words += " tenant " + subject->tenant;
  for (const auto& name : subject->unprocessable) words += " ?" + name;
  return words;
}

TEST(SubjectIdentifier, IsReadByItsFormat) {
  const struct {
    const char* what;
    const char* text;
    const char* expected;
  } rows[] = {
      {"iss_sub", R"({"format":"iss_sub","iss":"https://a.example","sub":"u-1"})", "iss_sub:https://a.example/u-1"},
      {"email", R"({"format":"email","email":"ines@larkspur.example"})", "email:ines@larkspur.example/"},
      {"opaque", R"({"format":"opaque","id":"stm_1"})", "opaque:stm_1/"},
      {"more members than the format has", R"({"format":"opaque","id":"stm_1","note":7})", "opaque:stm_1/"},
      {"a format that means nothing here", R"({"format":"phone_number","phone_number":"+12065550100"})", "phone_number:/"},
      {"a format that nobody knows", R"({"format":"starsign","sign":"leo"})", "starsign:/"},
      {"no object", R"("u-1")", "subject_not_an_object"},
      {"null", "null", "subject_not_an_object"},
      {"no format", R"({"iss":"https://a.example","sub":"u-1"})", "subject_no_format"},
      {"format of another type", R"({"format":1,"id":"x"})", "subject_wrong_type"},
      {"format in other letters", R"({"format":"ISS_SUB","iss":"https://a.example","sub":"u-1"})", "ISS_SUB:/"},
      {"sub is absent", R"({"format":"iss_sub","iss":"https://a.example"})", "subject_missing_member"},
      {"sub is empty", R"({"format":"iss_sub","iss":"https://a.example","sub":""})", "subject_missing_member"},
      {"sub is a number", R"({"format":"iss_sub","iss":"https://a.example","sub":7})", "subject_wrong_type"},
      {"sub is a list", R"({"format":"iss_sub","iss":"https://a.example","sub":["u-1","u-2"]})", "subject_wrong_type"},
      {"iss is null", R"({"format":"iss_sub","iss":null,"sub":"u-1"})", "subject_wrong_type"},
      {"a member twice", R"({"format":"email","email":"a@b.example","email":"c@d.example"})", "not_json"},
      {"a member that its format needs, of one that means nothing here", R"({"format":"jwt_id","iss":"https://a.example"})", "subject_missing_member"},
  };
  for (const auto& row : rows) EXPECT_EQ(outcome(row.text), row.expected) << row.what;
}

TEST(SubjectIdentifier, IsNoLongerThanAThousandBytes) {
  const std::string just(1'024, 'u');
  EXPECT_EQ(outcome(R"({"format":"opaque","id":")" + just + "\"}"), "opaque:" + just + "/");
  EXPECT_EQ(outcome(R"({"format":"opaque","id":")" + just + "u\"}"), "subject_too_long");
}

TEST(ComplexSubject, SaysWhoAndWhatCannotBeProcessed) {
  const struct {
    const char* what;
    const char* text;
    const char* expected;
  } rows[] = {
      {"a user", R"({"format":"complex","user":{"format":"email","email":"a@b.example"}})", "email:a@b.example/"},
      {"a user of a tenant", R"({"format":"complex","user":{"format":"opaque","id":"u"},"tenant":{"format":"opaque","id":"t-1"}})", "opaque:u/ tenant t-1"},
      {"a tenant alone", R"({"format":"complex","tenant":{"format":"opaque","id":"t-1"}})", "nobody tenant t-1"},
      {"a tenant named otherwise", R"({"format":"complex","tenant":{"format":"iss_sub","iss":"https://a.example","sub":"t"}})", "nobody ?tenant"},
      {"a session of a user", R"({"format":"complex","session":{"format":"opaque","id":"s"},"user":{"format":"opaque","id":"u"}})", "opaque:u/ ?session"},
      {"a device alone", R"({"format":"complex","device":{"format":"opaque","id":"d"}})", "nobody ?device"},
      {"a member that nobody knows", R"({"format":"complex","user":{"format":"opaque","id":"u"},"planet":1})", "opaque:u/ ?planet"},
      {"a user that cannot be read", R"({"format":"complex","user":{"format":"email"},"device":{"format":"opaque","id":"d"}})", "subject_missing_member"},
      {"a user that is no object", R"({"format":"complex","user":"u-1"})", "subject_not_an_object"},
      {"a user that is complex itself", R"({"format":"complex","user":{"format":"complex","user":{"format":"opaque","id":"u"}}})", "subject_nested"},
      {"nothing at all", R"({"format":"complex"})", "subject_empty_complex"},
  };
  for (const auto& row : rows) EXPECT_EQ(outcome(row.text), row.expected) << row.what;
}

TEST(ComplexSubject, IsDroppedForACriticalMemberThatCannotBeProcessed) {
  const auto subject = parse_subject(*json::parse(R"({"format":"complex","user":{"format":"opaque","id":"u"},"session":{"format":"opaque","id":"s"}})"));
  ASSERT_TRUE(subject);
  EXPECT_EQ(critical_and_unprocessable(*subject, {}), std::nullopt);
  EXPECT_EQ(critical_and_unprocessable(*subject, {"user", "tenant"}), std::nullopt);
  EXPECT_EQ(critical_and_unprocessable(*subject, {"device"}), std::nullopt) << "undefined members match anything";
  EXPECT_EQ(critical_and_unprocessable(*subject, {"user", "session"}), "session");
}

TEST(SubjectIdentifier, IsWrittenAsItIsRead) {
  for (const Identifier& identifier : {iss_sub("https://a.example", "u-1"), email("a@b.example"), opaque("stm_1")}) {
    const auto read = parse_subject(to_json(identifier));
    ASSERT_TRUE(read) << identifier.format_name;
    EXPECT_EQ(read->user, identifier);
    EXPECT_FALSE(read->is_complex);
  }
}

// Texts that are nearly subjects: whatever comes of them, a user who was read is one that the text names, and reading it again reads the same.
TEST(SubjectIdentifier, AnyTextIsReadOrRefused) {
  std::mt19937 random(20261125);
  const std::vector<std::string> names = {"format", "iss", "sub", "email", "id", "user", "tenant", "session", "uri", "x"};
  const std::vector<std::string> values = {"iss_sub", "email", "opaque", "complex", "did", "", "https://a.example", "u-1", "a@b.example", "\x01", "ü"};
  const auto pick = [&](const auto& from) { return from[random() % from.size()]; };
  std::function<json::Value(int)> any = [&](int depth) -> json::Value {
    switch (random() % (depth > 0 ? 8 : 5)) {
      case 0: return json::Value(nullptr);
      case 1: return json::Value(random() % 2 == 0);
      case 2: return json::Value(static_cast<std::int64_t>(random()));
      case 5: return json::Array{any(depth - 1)};
      case 6:
      case 7: {
        json::Value object = json::Object{};
        for (unsigned i = random() % 5; i > 0; --i) object.set(pick(names), any(depth - 1));
        if (random() % 4 != 0) object.set("format", pick(values));
        return object;
      }
      default: return json::Value(pick(values));
    }
  };
  int read = 0, refused = 0;
  for (int i = 0; i < 100'000; ++i) {
    json::Value value = any(3);
    const auto subject = parse_subject(value);
    ++(subject ? read : refused);
    if (!subject) {
      EXPECT_FALSE(to_string(subject.error()).empty());
      continue;
    }
    const std::string text = json::write(value);
    const auto again = parse_subject(*json::parse(text));
    ASSERT_TRUE(again) << text;
    EXPECT_EQ(*again, *subject) << text;
    if (!subject->has_user) {
      EXPECT_TRUE(subject->is_complex && value.find("user") == nullptr) << text;
      continue;
    }
    const json::Value& named = subject->is_complex ? *value.find("user") : value;
    EXPECT_EQ(*named.find_string("format"), subject->user.format_name) << text;
    if (subject->user.format == Identifier::Format::iss_sub) {
      EXPECT_EQ(*named.find_string("sub"), subject->user.subject) << text;
      EXPECT_FALSE(subject->user.subject.empty() || subject->user.issuer.empty()) << text;
    }
  }
  EXPECT_GT(read, 1'000);
  EXPECT_GT(refused, 1'000);
}

TEST(SubjectSession, IsOneNameForOneSubject) {
  const std::string name = subject_session("https://a.example", "", "u-1");
  EXPECT_EQ(name, subject_session("https://a.example", "", "u-1"));
  EXPECT_NE(name, subject_session("https://a.example", "u-1", ""));
  EXPECT_NE(name, subject_session("https://a.example", "", "u-2"));
  EXPECT_NE(name, subject_session("https://a.exampl", "", "eu-1"));
  EXPECT_NE(name, sign_in_session("https://a.example", "", "u-1"));
  EXPECT_EQ(since(name, 1'795'001'000), name + "@1795001000");
}

}  // namespace
}  // namespace writ::signals
