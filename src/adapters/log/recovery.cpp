#include "adapters/log/recovery.h"

#include <algorithm>

#include "adapters/log/bytes.h"
#include "adapters/log/segments.h"

namespace writ::log {
namespace {

bool is_zeros(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

// A whole group behind `broken` that was written when everything up to it was on disk: then no crash broke it.
std::optional<Group> witness_against(std::string_view bytes, std::size_t broken) {
  constexpr std::string_view kMagic = "WGRP";
  for (std::size_t at = bytes.find(kMagic, broken + 1); at != std::string_view::npos; at = bytes.find(kMagic, at + 1)) {
    const auto group = parse_group(bytes.substr(at));
    if (group && closes(*group) && group->header.synced > broken) return group;
  }
  return std::nullopt;
}

}  // namespace

Result<RecoveredSegment, IoError> read_newest_segment(Files& files, const std::string& path,
                                                      const std::function<Result<void, IoError>(const Group&)>& on_group) {
  RecoveredSegment segment;
  segment.file = TRY(files.open(path, Files::Mode::write));
  segment.header = TRY(read_segment_header(*segment.file, path));
  segment.file_size = TRY(segment.file->size());
  const std::string stored = TRY(segment.file->read_at(0, segment.file_size));
  const std::string_view bytes = stored;
  segment.link = segment.header.previous;
  segment.next_position = segment.header.first_position;
  segment.next_group = segment.header.first_group;
  segment.on_disk = kSegmentHeaderBytes;

  std::size_t at = kSegmentHeaderBytes;
  segment.index.end = at;
  while (at < bytes.size()) {
    const auto group = parse_group(bytes.substr(at));
    const bool follows = group && group->header.number == segment.next_group && !first_broken_link(*group, segment.link) &&
                         (group->header.kind == GroupHeader::Kind::checkpoint ? group->header.first_position + 1 == segment.next_position
                                                                              : group->header.first_position == segment.next_position);
    if (!follows) {
      if (is_zeros(bytes.substr(at))) break;   // room that was made ahead of use
      if (const auto later = witness_against(bytes, at)) {
        return unexpected(IoError{false, "`" + path + "` is damaged at byte " + std::to_string(at) + ": the record at position " + std::to_string(segment.next_position) +
                                             " cannot be read, although it was on disk when group " + std::to_string(later->header.number) + " was written"});
      }
      segment.cut_bytes = bytes.find_last_not_of('\0') + 1 - at;
      break;
    }
    TRY(on_group(*group));
    segment.index.add(*group, at);
    segment.link = group->link;
    segment.next_group = group->header.number + 1;
    if (group->header.kind == GroupHeader::Kind::records) segment.next_position += group->header.entries;
    segment.ends_in_checkpoint = group->header.kind == GroupHeader::Kind::checkpoint;
    segment.on_disk = std::max(segment.on_disk, group->header.synced);
    at += group->header.size;
  }
  return segment;
}

Result<void, IoError> settle(RecoveredSegment& segment) {
  if (segment.cut_bytes != 0) {
    TRY(segment.file->truncate(segment.index.end));
    segment.file_size = segment.index.end;
  }
  if (segment.on_disk < segment.index.end) {
    const std::string uncertain = TRY(segment.file->read_at(segment.on_disk, segment.index.end - segment.on_disk));
    TRY(segment.file->write_at(segment.on_disk, uncertain));
  }
  TRY(segment.file->sync());
  segment.on_disk = segment.index.end;
  return {};
}

}  // namespace writ::log
