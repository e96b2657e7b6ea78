#pragma once

// Start-up: reads the newest segment to its end, cuts what a crash left half written, and tells damage from that.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/log/files.h"
#include "adapters/log/segment_index.h"

namespace writ::log {

struct RecoveredSegment {
  SegmentHeader header;
  std::unique_ptr<File> file;
  SegmentIndex index;                 // index.end: where the next group goes
  Link link{};
  std::uint64_t next_position = 1, next_group = 1;
  std::uint64_t on_disk = 0;          // known to be synced, by what the groups say
  std::uint64_t file_size = 0;
  std::uint64_t cut_bytes = 0;        // of a torn tail
  bool ends_in_checkpoint = false;
};

// Calls `on_group` for every whole group in order. The torn tail is found, and not yet cut. The error names what is damaged: a group that was
// on disk and is not whole any more, because a later one says that everything before it was synced.
Result<RecoveredSegment, IoError> read_newest_segment(Files& files, const std::string& path,
                                                      const std::function<Result<void, IoError>(const Group&)>& on_group);

// Cuts the torn tail, writes what may be only in the page cache once more and syncs it: after a sync that failed before the restart, what is
// read back need not be on the disk.
Result<void, IoError> settle(RecoveredSegment& segment);

}  // namespace writ::log
