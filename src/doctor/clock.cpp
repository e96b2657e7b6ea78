#include "doctor/clock.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace writ::doctor {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

std::optional<int> number(std::string_view digits) {
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.front() == '-') return std::nullopt;
  return value;
}

}  // namespace

std::optional<Instant> parse_http_date(std::string_view text) {
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  //  0    5  8   12   17 20 23
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT") return std::nullopt;
  if (std::find(kDays.begin(), kDays.end(), text.substr(0, 3)) == kDays.end()) return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto day = number(text.substr(5, 2)), year = number(text.substr(12, 4)), hour = number(text.substr(17, 2)), minute = number(text.substr(20, 2)), second = number(text.substr(23, 2));
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(month - kMonths.begin() + 1)}, std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return Instant{std::chrono::sys_days{date}} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} + Seconds{*second};
}

void judge_clock(Report& report, const std::string& whose, std::string_view date, Instant sent, Instant received, Seconds allowed) {
  constexpr const char* kArea = "clock";
  const auto theirs = parse_http_date(date);
  if (!theirs) return report.note(kArea, whose + " does not say what time it is");
  // Theirs was cut to a whole second somewhere between `sent` and `received`: only what lies outside of that is a difference.
  const Instant earliest = *theirs, latest = *theirs + Milliseconds{999};
  Milliseconds off{0};
  if (latest < sent) off = latest - sent;
  if (earliest > received) off = earliest - received;
  const auto seconds = std::chrono::round<Seconds>(off).count();
  const std::string sentence = whose + " is " + std::to_string(std::abs(seconds)) + " s " + (seconds < 0 ? "behind" : "ahead of") + " this machine's clock";
  if (off > allowed || -off > allowed) {
    return report.wrong(kArea, sentence + ": more than the " + std::to_string(allowed.count()) + " s of `clock_skew`, so tokens are refused", "set this machine's clock by NTP; if it is right, tell them");
  }
  if (off * 2 > allowed || off * -2 > allowed) return report.warning(kArea, sentence, "set this machine's clock by NTP before tokens are refused");
  report.good(kArea, whose + " agrees with this machine's clock");
}

}  // namespace writ::doctor
