#pragma once

// Bytes of a pipe into lines, within a bound. Private to this folder.

#include <functional>
#include <string>
#include <string_view>

namespace writ::process {

class LineReader {
 public:
  struct Lines {
    std::function<void(std::string)> whole;                    // not empty, without its line feed
    std::function<void(std::string, std::string)> too_long;    // how a lost line began and ended
  };
  explicit LineReader(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  void feed(std::string_view bytes, const Lines& lines);
  // What stands after the last line feed, as a line.
  void finish(const Lines& lines);

 private:
  void end_line(const Lines& lines);
  std::size_t bytes_max_;
  std::string line_, beginning_, end_;
  bool is_lost_ = false;
};

// For the log: what could end the line, move the cursor or hide text is escaped, and what is no UTF-8 is replaced.
std::string shown_in_log(std::string_view text);

}  // namespace writ::process
