#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace writ::demo_server {

struct Note {
  std::string id, title, text;
};

// The notebook behind the demo's tools. In memory, bounded. Safe to share between threads.
class Notes {
 public:
  Notes();   // with a few pages in it
  std::vector<Note> search(std::string_view words) const;   // in title or text, without regard to ASCII case; empty finds all
  std::optional<Note> find(const std::string& id) const;
  // Absent when the notebook is full.
  std::optional<Note> add(std::string title, std::string text);
  bool remove(const std::string& id);

 private:
  static constexpr std::size_t kNotesMax = 1'000;
  mutable std::mutex mutex_;
  std::map<std::string, Note> notes_;
  std::uint64_t next_ = 1;
};

}  // namespace writ::demo_server
