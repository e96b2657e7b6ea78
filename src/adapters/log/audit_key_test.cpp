#include "adapters/log/audit_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "crypto/random.h"

namespace writ::log {
namespace {

class AuditKey : public testing::Test {
 protected:
  AuditKey() { std::filesystem::create_directories(directory_); }
  ~AuditKey() override { std::filesystem::remove_all(directory_); }
  std::string directory_ = std::filesystem::temp_directory_path() / ("writ-audit-key-" + crypto::random_token());
  crypto::SealingKey seal_{Secret(std::string(32, 's'))};
};

TEST_F(AuditKey, StaysTheSameAndRestsSealed) {
  const auto made = open_audit_key(directory_, seal_);
  ASSERT_TRUE(made) << made.error();
  const auto again = open_audit_key(directory_, seal_);
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(made->kid, again->kid);
  EXPECT_FALSE(open_audit_key(directory_, crypto::SealingKey(Secret(std::string(32, 'x')))));
}

// S10
TEST_F(AuditKey, IsRefusedWhenOpenToOthers) {
  ASSERT_TRUE(open_audit_key(directory_, seal_));
  ASSERT_EQ(::chmod((directory_ + "/audit.key").c_str(), 0644), 0);
  const auto refused = open_audit_key(directory_, seal_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("chmod 600"), std::string::npos) << refused.error();
}

TEST_F(AuditKey, IsLookedAtWithoutBeingMadeOrPublished) {
  EXPECT_FALSE(check_audit_key(directory_, seal_));
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
  ASSERT_TRUE(open_audit_key(directory_, seal_));
  std::filesystem::remove(directory_ + "/keys.json");
  EXPECT_TRUE(check_audit_key(directory_, seal_));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/keys.json"));
  const auto other = check_audit_key(directory_, crypto::SealingKey(Secret(std::string(32, 'x'))));
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().find("does not open with the configured sealing key"), std::string::npos) << other.error();
}

// A key that was lost has a successor; what it had signed still verifies.
TEST_F(AuditKey, KeepsThePublicKeysOfItsPredecessors) {
  const auto first = open_audit_key(directory_, seal_);
  ASSERT_TRUE(first);
  std::filesystem::remove(directory_ + "/audit.key");
  const auto second = open_audit_key(directory_, seal_);
  ASSERT_TRUE(second);
  EXPECT_NE(first->kid, second->kid);
  FILE* file = std::fopen((directory_ + "/keys.json").c_str(), "r");
  ASSERT_NE(file, nullptr);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  EXPECT_NE(text.find(first->kid), std::string::npos);
  EXPECT_NE(text.find(second->kid), std::string::npos);
}

}  // namespace
}  // namespace writ::log
