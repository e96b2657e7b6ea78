#pragma once

// A PostgreSQL server of the tests' own: its data and its socket lie in a folder of its own, it listens on no port, and it ends with the program.

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/postgresql/session.h"

namespace writ {

class PostgresqlServer {
 public:
  // One for the whole program. Null: PostgreSQL is not installed here.
  static PostgresqlServer* shared() {
    static const std::unique_ptr<PostgresqlServer> kServer = [] {
      const std::string programs = find_programs();
      if (programs.empty()) return std::unique_ptr<PostgresqlServer>();
      std::unique_ptr<PostgresqlServer> server(new PostgresqlServer(programs));
      return server->start() ? std::move(server) : nullptr;
    }();
    return kServer.get();
  }
  ~PostgresqlServer() {
    stop(SIGQUIT);
    std::filesystem::remove_all(folder_);
  }

  // A new database.
  postgresql::Address new_database() {
    const std::string name = "t" + std::to_string(++databases_);
    postgresql::Session session(address("postgres"));
    const auto connection = session.connection();
    EXPECT_TRUE(connection) << connection.error().detail;
    EXPECT_TRUE(connection && (*connection)->execute("CREATE DATABASE " + name)) << "cannot make a database";
    return address(name);
  }

  // For tests of what only a database that keeps its word is used for.
  void set(const std::string& name, const std::string& value) {
    postgresql::Session session(address("postgres"));
    const auto connection = session.connection();
    EXPECT_TRUE(connection && (*connection)->execute("ALTER SYSTEM SET " + name + " = '" + value + "'") && (*connection)->execute("SELECT pg_reload_conf()"));
    for (int i = 0; i < 100; ++i) {
      postgresql::Session fresh(address("postgres"));
      const auto asked = fresh.connection();
      const auto shown = asked ? (*asked)->run(postgresql::Query("SELECT current_setting('" + name + "')")) : unexpected(postgresql::Failure{});
      if (shown && shown->bytes(0, 0) == value) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << name << " does not become " << value;
  }

  bool start() {
    server_ = spawn({programs_ + "/postgres", "-D", folder_ + "/data", "-k", folder_, "-c", "listen_addresses=", "-c", "max_connections=60"});
    for (int i = 0; i < 200; ++i) {
      postgresql::Session session(address("postgres"));
      if (session.connection()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }
  // SIGQUIT: at once, as when the machine fails; its children end with it.
  void stop(int signal) {
    if (server_ <= 0) return;
    kill(server_, signal);
    waitpid(server_, nullptr, 0);
    server_ = -1;
  }

 private:
  explicit PostgresqlServer(std::string programs) : programs_(std::move(programs)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "writ-pg-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    const passwd* user = service_user();
    EXPECT_TRUE(!user || chown(folder_.c_str(), user->pw_uid, user->pw_gid) == 0);
    int status = 1;
    waitpid(spawn({programs_ + "/initdb", "-D", folder_ + "/data", "-A", "trust", "-U", "writ", "-E", "UTF8", "--no-locale", "--no-sync"}), &status, 0);
    EXPECT_EQ(status, 0) << "initdb failed";
    std::ofstream(folder_ + "/data/postgresql.conf", std::ios::app) << "fsync = off\n";   // in the file, so that a test can change its mind
  }

  static std::string find_programs() {
    for (const char* version : {"17", "16", "15"}) {
      const std::string folder = std::string("/usr/lib/postgresql/") + version + "/bin";
      if (std::filesystem::exists(folder + "/initdb")) return folder;
    }
    return "";
  }
  // PostgreSQL refuses to run as root; the package brings a user for it.
  static const passwd* service_user() { return geteuid() == 0 ? getpwnam("postgres") : nullptr; }

  pid_t spawn(const std::vector<std::string>& command) {
    const pid_t child = fork();
    if (child != 0) return child;
    if (const passwd* user = service_user()) {
      if (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) _exit(126);
    }
    const std::string log = folder_ + "/log";
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (output < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) _exit(126);
    if (chdir(folder_.c_str()) != 0) _exit(126);
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }

  postgresql::Address address(const std::string& database) const { return {"host=" + folder_ + " user=writ dbname=" + database, ""}; }

  std::string programs_, folder_;
  pid_t server_ = -1;
  int databases_ = 0;
};

}  // namespace writ
