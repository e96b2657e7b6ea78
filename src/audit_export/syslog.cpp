#include "audit_export/syslog.h"

#include <algorithm>

#include "encoding/json.h"

namespace writ::audit_export {
namespace {

constexpr int kFacility = 10;               // security/authorization
constexpr int kNotice = 5, kInformational = 6;
constexpr std::uint64_t kSequenceMax = 2'147'483'647;   // RFC 5424 §7.3.1: from 1, and begins anew behind this
constexpr std::size_t kHostMax = 255, kMessageIdMax = 32;
constexpr std::string_view kBom = "\xEF\xBB\xBF";

// A field of the header: printable ASCII without spaces, cut; `-` when nothing is left (RFC 5424 §6).
std::string field(std::string_view text, std::size_t size_max) {
  std::string out;
  for (const char byte : text.substr(0, std::min(size_max, text.size()))) {
    if (byte > ' ' && byte < 0x7F) out += byte;
  }
  return out.empty() ? "-" : out;
}

}  // namespace

std::string syslog_message(const audit::StoredRecord& record, const SyslogSettings& settings) {
  const auto value = json::parse(record.json_line);
  const auto member = [&](std::string_view name) {
    const auto* text = value ? value->find_string(name) : nullptr;
    return text ? *text : std::string();
  };
  const int severity = member("effect") == "deny" ? kNotice : kInformational;
  const std::uint64_t sequence = (record.position - 1) % kSequenceMax + 1;
  std::string out = "<" + std::to_string(kFacility * 8 + severity) + ">1 " + field(member("time"), 32) + " " + field(settings.node, kHostMax) + " writ - " + field(member("event"), kMessageIdMax) +
                    " [meta sequenceId=\"" + std::to_string(sequence) + "\"] ";
  return out.append(kBom).append(line_of(record, settings.format));
}

std::string framed(const std::string& message) { return std::to_string(message.size()) + " " + message; }

Task<Result<void, std::string>> Syslog::deliver(std::vector<audit::StoredRecord> batch) {
  std::string bytes;
  for (const audit::StoredRecord& record : batch) bytes += framed(syslog_message(record, settings_));
  return stream_.send_and_close(std::move(bytes));
}

}  // namespace writ::audit_export
