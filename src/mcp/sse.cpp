#include "mcp/sse.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace writ::mcp {
namespace {
constexpr std::string_view kBom = "\xEF\xBB\xBF";
constexpr std::size_t kRetryDigitsMax = 12;
}  // namespace

Result<void, SseProblem> SseParser::feed(std::string_view bytes, std::vector<Event>& out) {
  while (!started_ && !bytes.empty()) {
    if (bytes.front() != kBom[bom_bytes_]) {
      line_.assign(kBom.substr(0, bom_bytes_));   // it was none: these bytes are content
      started_ = true;
      break;
    }
    bytes.remove_prefix(1);
    started_ = ++bom_bytes_ == kBom.size();
  }
  while (!bytes.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    if (line_.size() + part.size() > event_bytes_max_) return unexpected(SseProblem::line_too_long);
    if (end == std::string_view::npos) {
      line_.append(part);
      break;
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      end_line(part, out);   // the usual case: nothing is copied but the value
    } else {
      line_.append(part);
      const std::string line = std::exchange(line_, {});
      end_line(line, out);
    }
    if (event_.data.size() > event_bytes_max_) return unexpected(SseProblem::event_too_large);
  }
  return {};
}

void SseParser::end_line(std::string_view line, std::vector<Event>& out) {
  if (line.empty()) {
    if (has_fields_) out.push_back(std::move(event_));
    event_ = Event{};
    has_fields_ = false;
    return;
  }
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (event_.has_data) event_.data += '\n';
    event_.data.append(value);
    event_.has_data = has_fields_ = true;
  } else if (name == "id") {
    if (value.find('\0') != std::string_view::npos) return;
    event_.id = std::string(value);
    has_fields_ = true;
  } else if (name == "event") {
    event_.type = std::string(value);
  } else if (name == "retry") {
    std::int64_t milliseconds = 0;
    const bool is_number = !value.empty() && value.size() <= kRetryDigitsMax && value.find_first_not_of("0123456789") == std::string_view::npos;
    if (!is_number) return;
    std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    event_.retry_ms = milliseconds;
    has_fields_ = true;
  }
}

void append_event(std::string& out, const Event& event) {
  const auto is_one_line = [](std::string_view text) { return text.find_first_of("\r\n") == std::string_view::npos; };
  // Readers ignore an id that holds NUL.
  if (event.id && is_one_line(*event.id) && event.id->find('\0') == std::string::npos) out.append("id: ").append(*event.id) += '\n';
  if (!event.type.empty() && is_one_line(event.type)) out.append("event: ").append(event.type) += '\n';
  if (event.retry_ms) out.append("retry: ").append(std::to_string(*event.retry_ms)) += '\n';
  if (event.has_data) {
    std::string_view rest = event.data;
    while (true) {
      const std::size_t end = rest.find_first_of("\r\n");
      out.append("data: ").append(rest.substr(0, end)) += '\n';
      if (end == std::string_view::npos) break;
      const bool is_pair = rest.substr(end).starts_with("\r\n");
      rest.remove_prefix(end + (is_pair ? 2 : 1));
    }
  }
  out += '\n';
}

}  // namespace writ::mcp
