// Project Wycheproof's JOSE vectors. Their payload is text, so they are put to the JWS layer.

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "encoding/shared_files_fixture.h"
#include "jose/jws.h"

namespace writ::jose {
namespace {

using crypto::Algorithm;
constexpr Algorithm kAll[] = {Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa};

// One key or a set of them, as the vectors have it; the symmetric groups only have a private member.
KeySet keys_of(const json::Value& group) {
  const json::Value* key = group.find("public");
  if (key == nullptr) key = group.find("private");
  if (auto set = KeySet::from_json(*key)) return *set;
  auto jwk = parse_jwk(*key);
  return jwk ? KeySet({std::move(*jwk)}) : KeySet();
}

std::string outcome(std::string_view text, const KeySet& keys) {
  const auto jws = Jws::parse(text);
  if (!jws) return std::string(to_string(jws.error()));
  const auto checked = check_signature(*jws, keys, kAll);
  return checked ? "verified" : std::string(to_string(checked.error()));
}

// What is valid for the vectors and refused by us, and why.
std::map<std::int64_t, std::string> refused_on_purpose(const json::Value& file) {
  std::map<std::int64_t, std::string> refused;
  for (const json::Value& group : *file.find_array("testGroups")) {
    const json::Value* key = group.find("public");
    for (const json::Value& row : *group.find_array("tests")) {
      if (*row.find_string("result") != "valid") continue;
      const auto add = [&](const char* why) { refused.emplace(*row.find_int("tcId"), why); };
      if (row.find("jwe") != nullptr || (row.find("jws") != nullptr && !row.find("jws")->is_string())) {
        add("not compact JWS");
      } else if (key == nullptr) {
        add("symmetric");
      } else if (const std::string* alg = key->find_string("alg"); alg != nullptr && !crypto::parse_algorithm(*alg)) {
        add("an algorithm that is not ours");
      }
    }
  }
  return refused;
}

struct File {
  std::string name;
  std::set<std::int64_t> refused_besides;   // valid for the vectors, with a token algorithm that is not the key's
  int cases, verified;
};
void PrintTo(const File& file, std::ostream* out) { *out << file.name; }

class WycheproofJose : public testing::TestWithParam<File> {};
TEST_P(WycheproofJose, NothingInvalidVerifiesAndWhatIsValidIsRefusedOnlyOnPurpose) {
  const auto folder = writ::test::shared_folder("security/wycheproof");
  WRIT_SKIP_WITHOUT(folder);
  const auto file = json::parse(writ::test::read_file(*folder / (GetParam().name + ".json")), {.bytes_max = 4 << 20, .depth_max = 32, .members_max = 100'000});
  ASSERT_TRUE(file);
  const auto refused = refused_on_purpose(*file);
  int cases = 0;
  int verified = 0;
  for (const json::Value& group : *file->find_array("testGroups")) {
    const KeySet keys = keys_of(group);
    for (const json::Value& row : *group.find_array("tests")) {
      const json::Value* token = row.find("jws") != nullptr ? row.find("jws") : row.find("jwe");
      const std::string text = token->is_string() ? *token->as_string() : json::write(*token);
      const std::int64_t id = *row.find_int("tcId");
      const bool expected = *row.find_string("result") == "valid" && !refused.contains(id) && !GetParam().refused_besides.contains(id);
      const std::string got = outcome(text, keys);
      EXPECT_EQ(got == "verified", expected) << "tcId " << id << " " << *row.find_string("comment") << ": " << got;
      ++cases;
      verified += got == "verified" ? 1 : 0;
    }
  }
  EXPECT_EQ(cases, GetParam().cases);
  EXPECT_EQ(verified, GetParam().verified);
}

INSTANTIATE_TEST_SUITE_P(Files, WycheproofJose, testing::Values(
    File{"json_web_signature_test", {346, 347, 350, 351}, 401, 16},
    File{"json_web_key_test", {}, 26, 1},
    File{"json_web_crypto_test", {}, 83, 2}), [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace writ::jose
