#include "adapters/log/reader.h"

#include <algorithm>
#include <chrono>

namespace writ::log {
namespace {

// A record's own time and that of the group it was written in differ by its time in the queue; clocks may be set.
constexpr std::int64_t kTimeSlackMs = 3'600'000;

bool may_be_in_time(const Block& block, const audit::Query& query) {
  return (!query.since || block.time_max + kTimeSlackMs >= query.since->time_since_epoch().count()) &&
         (!query.until || block.time_min - kTimeSlackMs < query.until->time_since_epoch().count());
}

}  // namespace

Reader::Reader(std::shared_ptr<Files> files, std::string directory, Segments& segments)
    : files_(std::move(files)), directory_(std::move(directory)), segments_(segments), thread_([this] { run(); }) {}

Reader::~Reader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    arrived_.notify_one();
  }
  thread_.join();
}

void Reader::ask(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  arrived_.notify_one();
}

void Reader::run() {
  while (true) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

// The file beside a closed segment; when it is missing or damaged it is made again.
Result<SegmentIndex, IoError> Reader::index_of(const SegmentInfo& segment, const File& file) {
  if (auto active = segments_.active_index(segment.number)) return std::move(*active);
  const SegmentHeader header = TRY(read_segment_header(file, segment_path(directory_, segment.number)));
  const std::string path = segment_path(directory_, segment.number, ".index");
  if (const auto stored = read_whole(*files_, path)) {
    if (auto index = SegmentIndex::decode(*stored, header)) return std::move(*index);
  }
  SegmentIndex index{.end = kSegmentHeaderBytes};
  const std::string bytes = TRY(file.read_at(0, TRY(file.size())));
  for (std::size_t at = kSegmentHeaderBytes; at < bytes.size();) {
    const auto group = parse_group(std::string_view(bytes).substr(at));
    if (!group) break;
    index.add(*group, at);
    at += group->header.size;
  }
  if (auto made = files_->open(path, Files::Mode::create)) static_cast<void>((*made)->write_at(0, index.encode(header)));
  return index;
}

Result<void, IoError> Reader::search(const SegmentInfo& segment, const audit::Query& query, const Search& wanted, std::vector<audit::StoredRecord>& rows) {
  const auto known = events_.find(segment.number);
  if (known != events_.end() && !wanted.may_have_event(known->second)) return {};
  const std::string path = segment_path(directory_, segment.number);
  const auto file = TRY(files_->open(path, Files::Mode::read));
  const SegmentIndex index = TRY(index_of(segment, *file));
  if (!segments_.active_index(segment.number)) events_[segment.number] = index.events;
  const bool oldest_first = query.after_position != 0;
  for (std::size_t i = 0; i < index.blocks.size() && rows.size() < query.limit; ++i) {
    const std::size_t number = oldest_first ? i : index.blocks.size() - 1 - i;
    const Block& block = index.blocks[number];
    const bool is_last = number + 1 == index.blocks.size();
    const std::uint64_t behind = is_last ? index.end : index.blocks[number + 1].offset;
    const std::uint64_t last_position = is_last ? index.last_position : index.blocks[number + 1].first_position - 1;
    if ((query.before_position != 0 && block.first_position >= query.before_position) || last_position <= query.after_position) continue;
    if (!wanted.may_be_in(block) || !may_be_in_time(block, query)) continue;
    const std::string bytes = TRY(file->read_at(block.offset, behind - block.offset));
    std::vector<audit::StoredRecord> found;
    for (std::size_t at = 0; at < bytes.size();) {
      const auto group = parse_group(std::string_view(bytes).substr(at));
      if (!group) return unexpected(IoError{false, "`" + path + "` is damaged near byte " + std::to_string(block.offset + at)});
      at += group->header.size;
      if (group->header.kind != GroupHeader::Kind::records) continue;
      for (const Entry& entry : group->entries) {
        if ((query.before_position != 0 && entry.position >= query.before_position) || entry.position <= query.after_position) continue;
        if (wanted.matches(entry.text)) found.push_back({entry.position, std::string(entry.text)});
      }
    }
    if (!oldest_first) std::reverse(found.begin(), found.end());
    for (auto& row : found) {
      if (rows.size() < query.limit) rows.push_back(std::move(row));
    }
  }
  return {};
}

Result<std::vector<audit::StoredRecord>, IoError> Reader::query(const audit::Query& query) {
  const Search wanted(query);
  std::vector<audit::StoredRecord> rows;
  auto segments = segments_.list();
  const bool oldest_first = query.after_position != 0;
  for (std::size_t i = 0; i < segments.size() && rows.size() < query.limit; ++i) {
    const std::size_t number = oldest_first ? i : segments.size() - 1 - i;
    const bool is_last = number + 1 == segments.size();
    if (query.before_position != 0 && segments[number].first_position >= query.before_position) continue;
    if (!is_last && segments[number + 1].first_position <= query.after_position + 1) continue;
    const auto searched = search(segments[number], query, wanted, rows);
    // A segment that retention has removed meanwhile holds nothing any more.
    if (!searched && number == 0 && segments_.list().front().number > segments[number].number) continue;
    if (!searched) return unexpected(searched.error());
  }
  return rows;
}

}  // namespace writ::log
