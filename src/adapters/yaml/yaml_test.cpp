#include "adapters/yaml/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace writ::yaml {
namespace {

using registry::Node;
using testing::HasSubstr;
using testing::StartsWith;

std::string problem_of(std::string_view text, const Limits& limits = {}) {
  const auto parsed = parse(text, "f.yaml", limits);
  return parsed ? "none" : registry::to_string(parsed.error());
}

struct Row {
  const char* name;
  const char* text;
  const char* expected;
};
class YamlRefuses : public testing::TestWithParam<Row> {};
TEST_P(YamlRefuses, WithThePlace) { EXPECT_THAT(problem_of(GetParam().text), StartsWith(GetParam().expected)); }

INSTANTIATE_TEST_SUITE_P(
    What, YamlRefuses,
    testing::Values(Row{"key_twice", "a: 1\nb: 2\na: 3\n", "f.yaml:3:1: error: `a` is written twice: first in line 1"},
                    Row{"key_twice_deep_inside", "x: [{a: 1, a: 2}]\n", "f.yaml:1:12: error: `a` is written twice"},
                    Row{"key_twice_once_quoted", "a: 1\n\"a\": 2\n", "f.yaml:2:1: error: `a` is written twice"},
                    Row{"key_is_a_list", "? [a]\n: b\n", "f.yaml:1:3: error: a key must be a single word"},
                    Row{"merge_key", "a: &x {b: 1}\nc: {<<: *x}\n", "f.yaml:2:5: error: merge keys are not understood"},
                    Row{"alias_of_nothing", "a: *x\n", "f.yaml:1:4: error: no valid YAML"},
                    Row{"alias_inside_itself", "a: &x [*x]\n", "f.yaml:1:8: error: an alias may not stand inside what it names"},
                    Row{"second_document", "a: 1\n---\nb: 2\n", "f.yaml:3:1: error: a second document in one file"},
                    Row{"tag", "a: !!binary aGk=\n", "f.yaml:1:4: error: the tag `tag:yaml.org,2002:binary` is not understood"},
                    Row{"tag_of_our_own", "a: !secret x\n", "f.yaml:1:4: error: the tag `!secret` is not understood"},
                    Row{"open_bracket", "a: [1, 2\n", "f.yaml:"},
                    Row{"tab_as_indentation", "a:\n\tb: 1\n", "f.yaml:2:3: error: no valid YAML"}),
    [](const auto& row) { return row.param.name; });

TEST(YamlLimits, Depth) {
  EXPECT_EQ(problem_of(std::string(32, '[') + std::string(32, ']')), "none");
  EXPECT_THAT(problem_of(std::string(33, '[') + std::string(33, ']')), HasSubstr("nested deeper than 32"));
  EXPECT_NE(problem_of(std::string(100'000, '[')), "none");
}

TEST(YamlLimits, AliasesCountAsWhatTheyStandFor) {
  // A billion laughs: ten levels of ten aliases each.
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string previous = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + previous;
    for (int j = 0; j < 9; ++j) text += ", " + previous;
    text += "]\n";
  }
  EXPECT_THAT(problem_of(text), HasSubstr("the document has more than 500000 parts"));
  std::string many = "a: &a x\nb:\n";
  for (int i = 0; i < 101; ++i) many += "- *a\n";
  EXPECT_THAT(problem_of(many), HasSubstr("more than 100 aliases"));
}

TEST(YamlLimits, Size) {
  Limits limits;
  limits.bytes_max = 10;
  EXPECT_EQ(problem_of("a: 1234567", limits), "none");
  EXPECT_THAT(problem_of("a: 12345678", limits), HasSubstr("larger than 10 bytes"));
}

TEST(YamlScalars, AreTypedAsYaml12HasThem) {
  const auto root = parse(
      "[true, 1, -7, 1.5, ~, '', \"1\", no, on, 007, 0x10, 1_000, 9223372036854775808, 12345678901234567890123456789012345, 2026-11-24T00:00:00Z, !!str 5, .inf]\n",
      "f.yaml");
  ASSERT_TRUE(root);
  std::string kinds;
  for (const Node& item : root->items) {
    kinds += item.kind == Node::Kind::boolean ? "b" : item.kind == Node::Kind::integer ? "i" : item.kind == Node::Kind::number ? "n"
             : item.kind == Node::Kind::null  ? "0" : item.kind == Node::Kind::text    ? "t" : "?";
  }
  EXPECT_EQ(kinds, "biin0ttttttt" "nttt" "t");
  EXPECT_EQ(root->items[2].integer, -7);
  EXPECT_EQ(root->items[9].text, "007");
}

TEST(YamlPlaces, CountFromOne) {
  const auto root = parse("a:\n  - b\n  - cd: e\n", "f.yaml");
  ASSERT_TRUE(root);
  const Node& second = root->find("a")->items[1];
  EXPECT_EQ(registry::to_string(second.entries[0].at), "f.yaml:3:5");
  EXPECT_EQ(registry::to_string(second.entries[0].value.at), "f.yaml:3:9");
}

TEST(YamlAliases, StandForACopy) {
  const auto root = parse("a: &x {b: 1}\nc: *x\n", "f.yaml");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->find("c")->find("b")->integer, 1);
}

TEST(YamlText, EmptyIsNothing) {
  for (const char* text : {"", "# only a comment\n", "---\n"}) {
    const auto root = parse(text, "f.yaml");
    ASSERT_TRUE(root) << text;
    EXPECT_EQ(root->kind, Node::Kind::null) << text;
  }
}

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / ("writ-yaml-" + std::to_string(::getpid()) + "-" +
                                                      testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(path_);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }
  void write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    std::ofstream(path_ / name) << text;
    ::chmod((path_ / name).c_str(), mode);
  }
  std::filesystem::path path_;
};

using YamlFolder = Folder;
TEST_F(YamlFolder, JoinsItsFilesInTheOrderOfTheirNames) {
  write("b.yaml", "users: [{name: b}]\n");
  write("a.yml", "users: [{name: a}]\ngroups: []\n");
  write("grants.yaml", "- {group: x}\n");
  write("notes.txt", "not: [yaml");
  write(".hidden.yaml", "not: [yaml");
  const auto root = read_objects(path_);
  ASSERT_TRUE(root) << registry::to_string(root.error());
  ASSERT_EQ(root->find("users")->items.size(), 2u);
  EXPECT_EQ(root->find("users")->items[0].find("name")->text, "a");
  EXPECT_THAT(root->find("users")->items[1].at.file, testing::EndsWith("b.yaml"));
}

TEST_F(YamlFolder, TellsTheProblemsOfAllFiles) {
  write("a.yaml", "a: 1\na: 2\n");
  write("b.yaml", "b: [\n");
  const auto root = read_objects(path_);
  ASSERT_FALSE(root);
  EXPECT_EQ(root.error().size(), 2u);
}

using TextFiles = Folder;
TEST_F(TextFiles, AreReadWholeUpToTheLimitAndTakeTheRoomThatTheyNeed) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{16'383}, std::size_t{16'384}, std::size_t{16'385}, std::size_t{40'000}}) {
    std::string text(size, 'x');
    if (size > 0) text.back() = '\0';
    write("text", text);
    const auto read = read_text_file(path_ / "text", 40'000);
    ASSERT_TRUE(read) << size << ": " << read.error();
    EXPECT_EQ(*read, text) << size;
    EXPECT_LE(read->capacity(), size + 64) << "a start reads many, and keeps them";
  }
  EXPECT_THAT(read_text_file(path_ / "text", 39'999).error(), HasSubstr("is larger than 39999 bytes"));
  EXPECT_THAT(read_text_file(path_ / "nothing", 10).error(), HasSubstr("cannot open"));
  EXPECT_THAT(read_text_file(path_, 10).error(), HasSubstr("is a folder"));
}

using SecretFiles = Folder;   // S10
TEST_F(SecretFiles, AreReadWhenTheyAreTheOwnersAlone) {
  write("secret", "geheim\n", 0600);
  const auto secret = read_secret_file("secret", {path_ / "f.yaml", 1, 1});
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->reveal(), "geheim");
}
TEST_F(SecretFiles, AreRefusedWhenOpenToOthers) {
  for (const mode_t mode : {0640, 0604, 0620, 0601, 0644}) {
    write("secret", "geheim", mode);
    const auto secret = read_secret_file(path_ / "secret", {"f.yaml", 1, 1});
    ASSERT_FALSE(secret) << mode;
    EXPECT_THAT(secret.error(), HasSubstr("holds a secret and is open to others (mode 06")) << mode;
    EXPECT_THAT(secret.error(), HasSubstr("chmod 600"));
  }
}
TEST_F(SecretFiles, AreRefusedWhenTheyAreNoFiles) {
  ASSERT_FALSE(read_secret_file("nothing", {path_ / "f.yaml", 1, 1}));
  EXPECT_THAT(read_secret_file(path_, {"f.yaml", 1, 1}).error(), HasSubstr("is no regular file"));
}

}  // namespace
}  // namespace writ::yaml
