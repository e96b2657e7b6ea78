// B4, MCPA-109: accounts at other servers rest like the sign-in: for their owner alone, each for one issuer, one resource and one person.

#include "saved_accounts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "crypto/random.h"

namespace writ::cli {
namespace {

class SavedAccountsFile : public testing::Test {
 protected:
  std::string directory_ = std::filesystem::temp_directory_path() / ("writ-accounts-" + crypto::random_token());
  void SetUp() override {
    setenv("WRIT_CONFIG_DIR", directory_.c_str(), 1);
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string file() const { return directory_ + "/accounts.json"; }
  static client::Account account(const std::string& resource, const std::string& refresh_token) {
    return {"https://as.example", resource, {"c-1", client::ClientSecretBasic{Secret("cs")}}, "read", Secret(refresh_token)};
  }
  SavedAccounts alice_{"https://writ.example/idp alice"};
};

TEST_F(SavedAccountsFile, ReadsBackWhatWasSaved) {
  ASSERT_TRUE(alice_.save(account("https://a.example/mcp", "rt-1")));
  ASSERT_TRUE(alice_.save(account("https://b.example/mcp", "rt-2")));
  ASSERT_TRUE(alice_.save(account("https://a.example/mcp", "rt-3")));
  const auto found = SavedAccounts("https://writ.example/idp alice").find("https://as.example", "https://a.example/mcp");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->refresh_token.reveal(), "rt-3");
  EXPECT_EQ(found->scope, "read");
  EXPECT_EQ(found->credentials.client_id, "c-1");
  ASSERT_TRUE(std::holds_alternative<client::ClientSecretBasic>(found->credentials.method));
  EXPECT_EQ(std::get<client::ClientSecretBasic>(found->credentials.method).secret.reveal(), "cs");
  EXPECT_TRUE(alice_.find("https://as.example", "https://b.example/mcp"));
}

TEST_F(SavedAccountsFile, KeepsHowTheClientAuthenticates) {
  client::Account open = account("https://a.example/mcp", "rt");
  open.credentials.method = client::NoAuthentication{};
  client::Account post = account("https://b.example/mcp", "rt");
  post.credentials.method = client::ClientSecretPost{Secret("cs")};
  ASSERT_TRUE(alice_.save(open));
  ASSERT_TRUE(alice_.save(post));
  EXPECT_TRUE(std::holds_alternative<client::NoAuthentication>(alice_.find("https://as.example", "https://a.example/mcp")->credentials.method));
  EXPECT_TRUE(std::holds_alternative<client::ClientSecretPost>(alice_.find("https://as.example", "https://b.example/mcp")->credentials.method));
}

TEST_F(SavedAccountsFile, GivesNothingToAnotherIssuerResourceOrPerson) {
  ASSERT_TRUE(alice_.save(account("https://a.example/mcp", "rt-1")));
  EXPECT_FALSE(alice_.find("https://other.example", "https://a.example/mcp"));
  EXPECT_FALSE(alice_.find("https://as.example", "https://a.example"));
  EXPECT_FALSE(SavedAccounts("https://writ.example/idp bob").find("https://as.example", "https://a.example/mcp"));
}

TEST_F(SavedAccountsFile, IsReadableByItsOwnerAloneAndElseNotUsed) {
  ASSERT_TRUE(alice_.save(account("https://a.example/mcp", "rt-1")));
  struct stat status{};
  ASSERT_EQ(stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  chmod(file().c_str(), 0644);
  EXPECT_FALSE(alice_.find("https://as.example", "https://a.example/mcp"));
  const auto saved = alice_.save(account("https://a.example/mcp", "rt-2"));
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().message.find("chmod 600"), std::string::npos);
}

TEST_F(SavedAccountsFile, ForgetsOnlyTheRefreshTokenThatIsOver) {
  ASSERT_TRUE(alice_.save(account("https://a.example/mcp", "rt-2")));
  alice_.forget(account("https://a.example/mcp", "rt-1"));
  EXPECT_TRUE(alice_.find("https://as.example", "https://a.example/mcp"));
  alice_.forget(account("https://a.example/mcp", "rt-2"));
  EXPECT_FALSE(alice_.find("https://as.example", "https://a.example/mcp"));
}

TEST_F(SavedAccountsFile, SaysWhenItIsDamaged) {
  std::ofstream(file()) << "{";
  chmod(file().c_str(), 0600);
  EXPECT_FALSE(alice_.find("https://as.example", "https://a.example/mcp"));
  const auto saved = alice_.save(account("https://a.example/mcp", "rt-1"));
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().message.find("damaged"), std::string::npos);
}

TEST_F(SavedAccountsFile, GoesWithTheSignIn) {
  ASSERT_TRUE(alice_.save(account("https://a.example/mcp", "rt-1")));
  EXPECT_TRUE(forget_accounts());
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_TRUE(forget_accounts());
}

}  // namespace
}  // namespace writ::cli
