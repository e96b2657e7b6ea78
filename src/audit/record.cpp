#include "audit/record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

#include "audit/record_name.h"
#include "encoding/plain_text.h"

namespace writ::audit {
namespace {

constexpr std::size_t kFieldBytesMax = 256;
constexpr std::size_t kArgumentsBytesMax = 8 * 1024;
constexpr std::size_t kUsualBytes = 1'024;

// Length of the well-formed UTF-8 sequence that starts here, or 0 (RFC 3629: no overlong forms, no surrogates).
std::size_t sequence_length(std::string_view text, std::size_t at, char32_t& point) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char first = byte(0);
  std::size_t length = first < 0x80 ? 1 : (first >> 5) == 6 ? 2 : (first >> 4) == 14 ? 3 : (first >> 3) == 30 ? 4 : 0;
  if (length == 0 || at + length > text.size()) return 0;
  point = length == 1 ? first : first & (0x7F >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    point = (point << 6) | (byte(i) & 0x3F);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < kSmallest[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return 0;
  return length;
}

// What could end a line, move a cursor or reorder the text of a record in a terminal or a browser (S4).
bool must_escape(char32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x061C || point == 0x200E || point == 0x200F || point == 0x2028 ||
         point == 0x2029 || (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) || point == 0xFEFF;
}

// A line that is being written: room for a whole member is made at once, and then nothing asks for it any more.
class Line {
 public:
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    make_room(written_max(name) + written_max(value));
    key(name);
    append_text(value);
  }
  void number(std::string_view name, std::int64_t value) {
    make_room(written_max(name) + kDigitsMax);
    key(name);
    at_ = std::to_chars(at_, at_ + kDigitsMax, value).ptr;
  }
  // Well-formed JSON of our own writing.
  void json(std::string_view name, std::string_view value) {
    if (value.empty() || value.size() > kArgumentsBytesMax) return;
    make_room(written_max(name) + value.size());
    key(name);
    put(value);
  }
  std::string finish() && {
    *at_++ = '}';
    out_.resize(size());
    return std::move(out_);
  }

 private:
  static constexpr std::size_t kEscapeBytes = 6, kDigitsMax = 24;
  static constexpr std::size_t kAroundBytes = 16;   // of a member: comma, colon, quotes, the mark of a cut, and the closing brace
  static std::size_t written_max(std::string_view text) { return std::min(text.size(), kFieldBytesMax) * kEscapeBytes; }
  std::size_t size() const { return static_cast<std::size_t>(at_ - out_.data()); }
  void make_room(std::size_t bytes) {
    if (size() + bytes + kAroundBytes <= out_.size()) return;
    const std::size_t written = size();
    out_.resize(std::max(2 * out_.size(), written + bytes + kAroundBytes));
    at_ = out_.data() + written;
  }
  void put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void key(std::string_view name) {
    if (size() > 1) *at_++ = ',';
    append_text(name);
    *at_++ = ':';
  }
  void append_escaped(char32_t point) {
    constexpr char kHex[] = "0123456789abcdef";
    put("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) *at_++ = kHex[(point >> shift) & 0xF];
  }
  void append_text(std::string_view text) {
    *at_++ = '"';
    std::size_t at = 0;
    while (at < text.size() && at < kFieldBytesMax) {
      if (const std::size_t plain = plain_prefix(text.substr(at, kFieldBytesMax - at)); plain != 0) {
        put(text.substr(at, plain));
        at += plain;
        continue;
      }
      char32_t point = 0;
      const std::size_t length = sequence_length(text, at, point);
      if (length == 0) {
        append_escaped(0xFFFD);
        ++at;
        continue;
      }
      if (at + length > kFieldBytesMax) break;
      if (point == '"' || point == '\\') {
        *at_++ = '\\';
        *at_++ = static_cast<char>(point);
      } else if (must_escape(point)) {
        append_escaped(point);
      } else {
        put(text.substr(at, length));
      }
      at += length;
    }
    if (at < text.size()) put("…");
    *at_++ = '"';
  }

  std::string out_ = std::string(kUsualBytes, '{');   // one allocation for most records
  char* at_ = out_.data() + 1;
};

constexpr std::array<const char*, 23> kEvents = {
    "sign_in", "sign_out", "session_revoked", "token_refreshed", "refresh_reuse", "device_registered",
    "id_jag", "access_token", "client_authentication", "token_revoked", "introspection", "call",
    "outcome", "administration", "policy_activated", "keys_changed", "aborted", "service", "approval",
    "upstream_account", "provisioning", "signal", "linked_account"};

}  // namespace

std::string_view to_string(Event event) { return kEvents[static_cast<std::size_t>(event)]; }

std::string_view to_string(Effect effect) {
  switch (effect) {
    case Effect::none: return "none";
    case Effect::allow: return "allow";
    case Effect::deny: return "deny";
  }
  return "none";
}

std::string to_iso8601(Instant instant) {
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(instant - day);
  std::string text = "0000-00-00T00:00:00.000Z";
  const auto put = [&text](std::size_t at, int digits, std::int64_t value) {
    for (int digit = digits - 1; digit >= 0; --digit, value /= 10) text[at + static_cast<std::size_t>(digit)] = static_cast<char>('0' + value % 10);
  };
  put(0, 4, std::clamp(static_cast<int>(date.year()), 0, 9999));
  put(5, 2, static_cast<unsigned>(date.month()));
  put(8, 2, static_cast<unsigned>(date.day()));
  put(11, 2, time.hours().count());
  put(14, 2, time.minutes().count());
  put(17, 2, time.seconds().count());
  put(20, 3, time.subseconds().count());
  return text;
}

std::string to_json_line(const Record& record, std::uint64_t position, std::string_view node) {
  Line line;
  line.number("position", static_cast<std::int64_t>(position_of(position)));
  line.text("node", node);
  line.text("time", to_iso8601(record.time));
  line.text("event", to_string(record.event));
  if (record.effect != Effect::none) line.text("effect", to_string(record.effect));
  if (record.effect == Effect::deny) line.text("code", denial_code(position));
  line.text("reason", record.reason);
  line.text("detail", record.detail);
  line.text("user", record.user);
  line.text("user_name", record.user_name);
  line.text("agent", record.agent);
  line.text("client_id", record.client_id);
  line.text("server", record.server);
  line.text("resource", record.resource);
  line.text("scope", record.scope);
  line.text("method", record.method);
  line.text("tool", record.tool);
  line.text("issuer", record.issuer);
  line.text("session", record.session);
  line.text("id_jag_jti", record.id_jag_jti);
  line.text("access_token_jti", record.access_token_jti);
  line.text("peer", record.peer);
  line.text("policy", record.policy);
  line.text("policy_version", record.policy_version);
  if (record.object_sequence != 0) line.number("object_sequence", static_cast<std::int64_t>(record.object_sequence));
  if (record.of_position != 0) line.number("of", static_cast<std::int64_t>(position_of(record.of_position)));   // of the same node
  if (record.event == Event::outcome) {
    line.number("status", record.status);
    line.number("duration_us", record.duration_us);
    line.number("bytes", record.bytes);
  }
  line.text("action", record.action);
  line.text("acr", record.acr);
  line.text("amr", record.amr);
  if (record.authentication_age_s >= 0) line.number("authentication_age_s", record.authentication_age_s);
  line.json("arguments", record.arguments);
  for (const auto& [name, value] : record.more) line.text(name, value);
  return std::move(line).finish();
}

}  // namespace writ::audit
