// B4: what rests on a laptop is for its owner alone.

#include "saved_login.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "crypto/random.h"

namespace writ::cli {
namespace {

class SavedLoginFile : public testing::Test {
 protected:
  std::string directory_ = std::filesystem::temp_directory_path() / ("writ-login-" + crypto::random_token());
  void SetUp() override { setenv("WRIT_CONFIG_DIR", directory_.c_str(), 1); }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string file() const { return directory_ + "/login.json"; }
  static SavedLogin login() {
    SavedLogin saved;
    saved.idp_issuer = "https://writ.example/idp";
    saved.client_id = "writ-cli";
    saved.device_id = "dev_1";
    saved.user = "alice@example.com";
    saved.device_key_pem = Secret("pem");
    saved.refresh_token = Secret("rt");
    saved.id_token = Secret("it");
    saved.id_token_expires = from_unix_seconds(1'795'000'000);
    return saved;
  }
  static mode_t mode(const std::string& path) {
    struct stat status{};
    return stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
  }
};

TEST_F(SavedLoginFile, IsReadableByItsOwnerAlone) {
  ASSERT_TRUE(save_login(login()));
  EXPECT_EQ(mode(file()), 0600U);
  EXPECT_EQ(mode(directory_), 0700U);
}

TEST_F(SavedLoginFile, ReadsBackWhatWasSaved) {
  ASSERT_TRUE(save_login(login()));
  const auto read = load_login();
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->refresh_token.reveal(), "rt");
  EXPECT_EQ((*read)->device_id, "dev_1");
  EXPECT_EQ((*read)->id_token_expires, from_unix_seconds(1'795'000'000));
}

TEST_F(SavedLoginFile, IsNotUsedWhenOthersMayReadIt) {
  ASSERT_TRUE(save_login(login()));
  for (const mode_t open : {0640U, 0604U, 0660U}) {
    chmod(file().c_str(), open);
    const auto read = load_login();
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().find("chmod 600"), std::string::npos);
  }
}

TEST_F(SavedLoginFile, SaysWhenItIsDamaged) {
  ASSERT_TRUE(save_login(login()));
  std::ofstream(file()) << "{";
  const auto read = load_login();
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().find("writ login"), std::string::npos);
}

TEST_F(SavedLoginFile, NobodyIsSignedInWithoutIt) {
  const auto read = load_login();
  ASSERT_TRUE(read);
  EXPECT_FALSE(*read);
  EXPECT_TRUE(forget_login());
}

}  // namespace
}  // namespace writ::cli
