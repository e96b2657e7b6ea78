#pragma once

// Which audit segments there are, and how far they may be read: written by the writer's thread, read by the reader's.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "adapters/log/files.h"
#include "adapters/log/segment_index.h"

namespace writ::log {

std::string segment_path(const std::string& directory, std::uint64_t number, const char* suffix = ".audit");
// Numbers of the segments in a folder, rising.
Result<std::vector<std::uint64_t>, IoError> list_segments(Files& files, const std::string& directory);
Result<SegmentHeader, IoError> read_segment_header(const File& file, const std::string& path);

struct SegmentInfo {
  std::uint64_t number = 0;
  std::uint64_t first_position = 0;
  std::int64_t created_ms = 0;
};

// Safe to share between threads.
class Segments {
 public:
  void start(std::vector<SegmentInfo> closed, SegmentInfo active, SegmentIndex index);
  void add(const Group& group, std::uint64_t offset);   // to the active segment
  SegmentIndex roll(SegmentInfo next);                  // the index of the one that is closed now
  void remove_before(std::uint64_t number);

  std::vector<SegmentInfo> list() const;                // the active one last
  std::vector<SegmentInfo> closed() const;
  // The active segment's index when `number` is still that.
  std::optional<SegmentIndex> active_index(std::uint64_t number) const;

 private:
  mutable std::mutex mutex_;
  std::vector<SegmentInfo> segments_;
  SegmentIndex index_;
};

}  // namespace writ::log
