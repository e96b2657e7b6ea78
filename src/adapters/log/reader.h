#pragma once

// The one thread that reads: queries over the segments, newest or oldest first. Memory is bounded by one block and one segment's index.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "adapters/log/files.h"
#include "adapters/log/segments.h"
#include "audit/decisions_log.h"

namespace writ::log {

class Reader {
 public:
  Reader(std::shared_ptr<Files> files, std::string directory, Segments& segments);
  ~Reader();   // does what was asked for
  void ask(std::function<void()> work);   // runs on the reader's thread, in the order of asking

  // On the reader's thread.
  Result<std::vector<audit::StoredRecord>, IoError> query(const audit::Query& query);

 private:
  void run();
  Result<SegmentIndex, IoError> index_of(const SegmentInfo& segment, const File& file);
  Result<void, IoError> search(const SegmentInfo& segment, const audit::Query& query, const Search& wanted, std::vector<audit::StoredRecord>& rows);

  std::shared_ptr<Files> files_;
  const std::string directory_;
  Segments& segments_;
  // Which events closed segments hold: most queries for rare events need not open most segments.
  std::map<std::uint64_t, std::uint32_t> events_;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace writ::log
