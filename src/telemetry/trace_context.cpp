#include "telemetry/trace_context.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "crypto/random.h"

namespace writ::telemetry {
namespace {

constexpr std::size_t kStateBytesMax = 512, kStateMembersMax = 32;
constexpr std::string_view kDigits = "0123456789abcdef";

template <std::size_t Size>
std::string hex(const std::array<std::uint8_t, Size>& bytes) {
  std::string text(Size * 2, '0');
  for (std::size_t i = 0; i < Size; ++i) text[2 * i] = kDigits[bytes[i] >> 4], text[2 * i + 1] = kDigits[bytes[i] & 15];
  return text;
}

template <std::size_t Size>
bool read_hex(std::string_view text, std::array<std::uint8_t, Size>& out) {
  if (text.size() != Size * 2) return false;
  for (std::size_t i = 0; i < Size; ++i) {
    const auto high = kDigits.find(text[2 * i]), low = kDigits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

template <std::size_t Size>
bool is_zero(const std::array<std::uint8_t, Size>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// §3.3.1.3.1: a simple key, or tenant@system.
bool is_key_part(std::string_view part, std::size_t bytes_max, bool may_begin_with_digit) {
  if (part.empty() || part.size() > bytes_max) return false;
  if (!is_lower(part[0]) && !(may_begin_with_digit && is_digit(part[0]))) return false;
  return std::all_of(part.begin(), part.end(), [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '*' || c == '/'; });
}

bool is_key(std::string_view key) {
  const auto at = key.find('@');
  if (at == std::string_view::npos) return is_key_part(key, 256, false);
  return is_key_part(key.substr(0, at), 241, true) && is_key_part(key.substr(at + 1), 14, false);
}

bool is_value(std::string_view value) {
  if (value.empty() || value.size() > 256 || value.back() == ' ') return false;
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7E && c != ',' && c != '='; });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// xoshiro256**: seeded by the system for each thread.
class Generator {
 public:
  Generator() {
    const std::string seed = crypto::random_bytes(sizeof state_);
    std::memcpy(state_, seed.data(), sizeof state_);
    state_[0] |= 1;   // never all zero
  }
  std::uint64_t next() {
    const std::uint64_t result = rotated(state_[1] * 5, 7) * 9, shifted = state_[1] << 17;
    state_[2] ^= state_[0], state_[3] ^= state_[1], state_[1] ^= state_[2], state_[0] ^= state_[3];
    state_[2] ^= shifted, state_[3] = rotated(state_[3], 45);
    return result;
  }

 private:
  static std::uint64_t rotated(std::uint64_t value, int by) { return (value << by) | (value >> (64 - by)); }
  std::uint64_t state_[4];
};

template <class Id>
Id new_id() {
  Id id{};
  while (is_zero(id)) {
    for (std::size_t at = 0; at < id.size(); at += sizeof(std::uint64_t)) {
      const std::uint64_t number = random_number();
      std::memcpy(id.data() + at, &number, sizeof number);
    }
  }
  return id;
}

}  // namespace

std::string to_hex(const TraceId& id) { return hex(id); }
std::string to_hex(const SpanId& id) { return hex(id); }

std::uint64_t random_number() {
  thread_local Generator generator;
  return generator.next();
}
TraceId new_trace_id() { return new_id<TraceId>(); }
SpanId new_span_id() { return new_id<SpanId>(); }

std::optional<TraceContext> parse_traceparent(std::string_view text) {
  constexpr std::size_t kBytes = 55, kBytesMax = 256;
  if (text.size() < kBytes || text.size() > kBytesMax) return std::nullopt;
  std::array<std::uint8_t, 1> version{}, flags{};
  TraceContext context;
  const bool is_formed = text[2] == '-' && text[35] == '-' && text[52] == '-' && read_hex(text.substr(0, 2), version) && read_hex(text.substr(3, 32), context.trace) &&
                         read_hex(text.substr(36, 16), context.span) && read_hex(text.substr(53, 2), flags);
  if (!is_formed || version[0] == 0xFF || is_zero(context.trace) || is_zero(context.span)) return std::nullopt;
  if (version[0] == 0 && text.size() != kBytes) return std::nullopt;
  if (text.size() > kBytes && text[kBytes] != '-') return std::nullopt;
  context.is_sampled = (flags[0] & 1) != 0;
  return context;
}

std::string write_traceparent(const TraceContext& context) {
  return "00-" + to_hex(context.trace) + "-" + to_hex(context.span) + (context.is_sampled ? "-01" : "-00");
}

bool is_tracestate(std::string_view text) {
  if (text.size() > kStateBytesMax) return false;
  std::vector<std::string_view> keys;
  while (true) {
    const auto comma = std::min(text.find(','), text.size());
    const std::string_view member = trimmed(text.substr(0, comma));
    if (!member.empty()) {   // empty members are allowed
      const auto equals = member.find('=');
      if (equals == std::string_view::npos) return false;
      const std::string_view key = member.substr(0, equals);
      if (!is_key(key) || !is_value(member.substr(equals + 1)) || std::find(keys.begin(), keys.end(), key) != keys.end()) return false;
      keys.push_back(key);
      if (keys.size() > kStateMembersMax) return false;
    }
    if (comma == text.size()) return !keys.empty();
    text.remove_prefix(comma + 1);
  }
}

std::optional<TraceContext> read_trace_context(const http::Headers& headers) {
  const std::string* parent = headers.find_single("traceparent");
  if (!parent) return std::nullopt;
  auto context = parse_traceparent(*parent);
  if (!context) return std::nullopt;
  std::string state;
  for (const std::string_view field : headers.find_all("tracestate")) {
    if (!state.empty()) state += ',';
    state += field;
    if (state.size() > kStateBytesMax) break;
  }
  if (is_tracestate(state)) context->state = std::move(state);
  return context;
}

void write_trace_context(http::Headers& headers, const TraceContext& context) {
  headers.set("traceparent", write_traceparent(context));
  headers.erase("tracestate");
  if (!context.state.empty()) headers.add("tracestate", context.state);
}

}  // namespace writ::telemetry
