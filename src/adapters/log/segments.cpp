#include "adapters/log/segments.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace writ::log {

std::string segment_path(const std::string& directory, std::uint64_t number, const char* suffix) {
  char name[40];
  std::snprintf(name, sizeof name, "/%010llu%s", static_cast<unsigned long long>(number), suffix);
  return directory + name;
}

Result<std::vector<std::uint64_t>, IoError> list_segments(Files& files, const std::string& directory) {
  constexpr std::string_view kSuffix = ".audit";
  std::vector<std::uint64_t> found;
  for (const std::string& name : TRY(files.list(directory))) {
    if (!name.ends_with(kSuffix) || name.size() <= kSuffix.size() || name.size() > kSuffix.size() + 18) continue;
    const std::string digits = name.substr(0, name.size() - kSuffix.size());
    if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    found.push_back(std::stoull(digits));
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<SegmentHeader, IoError> read_segment_header(const File& file, const std::string& path) {
  const std::string bytes = TRY(file.read_at(0, kSegmentHeaderBytes));
  SegmentHeader header;
  if (const auto problem = decode(bytes, header)) return unexpected(IoError{false, "cannot read `" + path + "`: " + std::string(to_string(*problem))});
  return header;
}

void Segments::start(std::vector<SegmentInfo> closed, SegmentInfo active, SegmentIndex index) {
  const std::lock_guard lock(mutex_);
  segments_ = std::move(closed);
  segments_.push_back(active);
  index_ = std::move(index);
}

void Segments::add(const Group& group, std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  index_.add(group, offset);
}

SegmentIndex Segments::roll(SegmentInfo next) {
  const std::lock_guard lock(mutex_);
  segments_.push_back(next);
  return std::exchange(index_, SegmentIndex{.end = kSegmentHeaderBytes});
}

void Segments::remove_before(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  std::erase_if(segments_, [&](const SegmentInfo& segment) { return segment.number < number; });
}

std::vector<SegmentInfo> Segments::list() const {
  const std::lock_guard lock(mutex_);
  return segments_;
}

std::vector<SegmentInfo> Segments::closed() const {
  auto all = list();
  all.pop_back();
  return all;
}

std::optional<SegmentIndex> Segments::active_index(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  if (segments_.empty() || segments_.back().number != number) return std::nullopt;
  return index_;
}

}  // namespace writ::log
