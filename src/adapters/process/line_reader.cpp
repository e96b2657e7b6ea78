#include "adapters/process/line_reader.h"

#include <utility>

#include "encoding/hidden_text.h"
#include "encoding/json.h"

namespace writ::process {
namespace {
constexpr std::size_t kEdgeBytes = 512;   // what is kept of a lost line's beginning and end
}

void LineReader::feed(std::string_view bytes, const Lines& lines) {
  while (!bytes.empty()) {
    const auto feed_at = bytes.find('\n');
    const auto piece = bytes.substr(0, feed_at);
    if (is_lost_) {
      end_.append(piece.size() > kEdgeBytes ? piece.substr(piece.size() - kEdgeBytes) : piece);
      if (end_.size() > kEdgeBytes) end_.erase(0, end_.size() - kEdgeBytes);
    } else if (line_.size() + piece.size() > bytes_max_) {
      line_.append(piece.substr(0, kEdgeBytes));
      beginning_ = line_.substr(0, kEdgeBytes);
      line_.append(piece.size() > kEdgeBytes ? piece.substr(piece.size() - kEdgeBytes) : std::string_view());
      end_ = line_.size() > kEdgeBytes ? line_.substr(line_.size() - kEdgeBytes) : line_;
      line_ = std::string();
      is_lost_ = true;
    } else {
      line_.append(piece);
    }
    if (feed_at == std::string_view::npos) return;
    end_line(lines);
    bytes.remove_prefix(feed_at + 1);
  }
}

void LineReader::finish(const Lines& lines) { end_line(lines); }

void LineReader::end_line(const Lines& lines) {
  if (std::exchange(is_lost_, false)) {
    lines.too_long(std::exchange(beginning_, {}), std::exchange(end_, {}));
    return;
  }
  std::string line = std::exchange(line_, {});
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (!line.empty()) lines.whole(std::move(line));
}

std::string shown_in_log(std::string_view line) {
  const std::string quoted = text::with_hidden_escaped(json::write(json::Value(line)));   // controls escaped, no broken UTF-8
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace writ::process
