#include "adapters/sqlite/inspection.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "adapters/sqlite/documents.h"

namespace writ::sqlite {
namespace {

namespace fs = std::filesystem;

class Inspection : public testing::Test {
 protected:
  Inspection() : folder_(fs::temp_directory_path() / ("writ inspection %3F " + std::to_string(::getpid()))) { fs::create_directories(folder_); }
  ~Inspection() override { fs::remove_all(folder_); }
  std::string path() const { return folder_ / "state.db"; }
  void put(SqliteDocuments& documents, const std::string& key) {
    QueueExecutor executor;
    ASSERT_TRUE(run(executor, documents.put({"keys", key, 1, from_unix_seconds(2'000'000'000), "{}"})));
  }
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      std::ifstream file(entry.path(), std::ios::binary);
      if (!entry.path().string().ends_with("-shm")) found[entry.path()] = std::string(std::istreambuf_iterator<char>(file), {});   // locks are noted there
    }
    return found;
  }
  fs::path folder_;
};

TEST_F(Inspection, OfAFileInUseSeesWhatIsCommittedAndChangesNothing) {
  const auto documents = SqliteDocuments::open(path());
  ASSERT_TRUE(documents);
  put(**documents, "one");
  const auto before = files();
  const auto read = inspect_documents(path(), {"keys", "none"});
  ASSERT_TRUE(read) << read.error().detail;
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(read->front().key, "one");
  EXPECT_EQ(check_database(path()).value(), "ok");
  EXPECT_EQ(files(), before);
  put(**documents, "two");
  EXPECT_EQ(inspect_documents(path(), {"keys"})->size(), 2U);
}

TEST_F(Inspection, OfAFileAtRestLaysNothingBesideIt) {
  {
    const auto documents = SqliteDocuments::open(path());
    put(**documents, "one");
  }
  const auto before = files();
  EXPECT_EQ(before.size(), 1U);
  EXPECT_EQ(inspect_documents(path(), {"keys"})->size(), 1U);
  EXPECT_EQ(check_database(path()).value(), "ok");
  EXPECT_EQ(files(), before);
  EXPECT_FALSE(fs::exists(path() + "-shm"));
}

TEST_F(Inspection, WritesNothingEvenWhenItIsTold) {
  { static_cast<void>(SqliteDocuments::open(path())); }
  auto connection = Connection::open_to_read(path());
  ASSERT_TRUE(connection);
  EXPECT_FALSE(connection->execute("DELETE FROM documents"));
  EXPECT_FALSE(connection->execute("CREATE TABLE more(x)"));
}

TEST_F(Inspection, OfWhatIsNotThereOrIsNoDatabaseFails) {
  EXPECT_FALSE(check_database(path()));
  EXPECT_FALSE(fs::exists(path())) << "looking makes nothing";
  std::ofstream(path()) << std::string(4'096, 'x');
  EXPECT_FALSE(check_database(path()));
  EXPECT_FALSE(inspect_objects(path()));
}

TEST_F(Inspection, FindsDamage) {
  {
    const auto documents = SqliteDocuments::open(path());
    for (int i = 0; i < 200; ++i) put(**documents, "key" + std::to_string(i));
  }
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4'096 + 8);
  file.write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  file.close();
  const auto checked = check_database(path());
  EXPECT_TRUE(!checked || *checked != "ok");
}

}  // namespace
}  // namespace writ::sqlite
