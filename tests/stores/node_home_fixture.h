#pragma once

// The decisions log of a node: a spool in a folder of its own, delivered to a database that others may use too.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "adapters/log/audit_key.h"
#include "adapters/log/log_spool.h"
#include "adapters/postgresql/record_reader.h"
#include "adapters/postgresql/shared_log.h"
#include "crypto/random.h"
#include "nodes/node_log.h"

namespace writ {

class NodeHomeFixture {
 public:
  NodeHomeFixture(postgresql::Address address, std::string name, const Clock& clock) : address_(std::move(address)), name_(std::move(name)), clock_(clock) {
    std::string pattern = (std::filesystem::temp_directory_path() / "writ-spool-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~NodeHomeFixture() {
    log.reset();
    std::filesystem::remove_all(directory_);
  }
  // `first_position`: of a spool that is begun.
  void open(std::uint64_t first_position = 1) {
    auto shared = postgresql::SharedLog::open(address_, name_, clock_);
    ASSERT_TRUE(shared) << shared.error().detail;
    number = (*shared)->number();
    auto key = log::open_audit_key(directory_, crypto::SealingKey(sealing_));
    ASSERT_TRUE(key) << key.error();
    log::Options options{.directory = directory_, .node = name_, .number = number, .key = *key};
    options.first_position = first_position;
    auto spool = log::LogSpool::open(std::move(options), clock_);
    ASSERT_TRUE(spool) << spool.error();
    if ((*shared)->spool() != (*spool)->id()) {
      ASSERT_TRUE((*shared)->use_spool((*spool)->id()));
    }
    auto opened = nodes::NodeLog::open({number, std::move(*spool), std::move(*shared), std::make_unique<postgresql::RecordReader>(address_)}, {}, clock_, [](bool, const std::string&) {});
    ASSERT_TRUE(opened) << opened.error();
    log = std::move(*opened);
  }
  void lose_spool() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
  }
  const std::string& directory() const { return directory_; }

  std::unique_ptr<nodes::NodeLog> log;
  std::uint32_t number = 0;

 private:
  const postgresql::Address address_;
  const std::string name_;
  const Clock& clock_;
  const Secret sealing_ = Secret(crypto::random_bytes(32));
  std::string directory_;
};

}  // namespace writ
