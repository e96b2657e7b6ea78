#include <chrono>
#include <cstdio>

#include "cedar/extension.h"

// Language reference §6.3.

namespace writ::cedar {

namespace {

constexpr std::int64_t kDay = 86'400'000;

// Takes exactly what is asked for from the front of the text; after the first thing that is not there it stays failed.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (text_.empty() || text_[0] < '0' || text_[0] > '9') return fail();
      value = value * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
    }
    return value;
  }
  int digits_up_to(std::size_t count, int max) {
    const int value = digits(count);
    return value > max ? fail() : value;
  }
  void expect(char c) {
    if (!take(c)) fail();
  }
  bool take(char c) {
    if (failed_ || !text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool is_at_end() const { return text_.empty(); }
  bool failed() const { return failed_; }

 private:
  int fail() {
    failed_ = true;
    text_ = {};
    return 0;
  }
  std::string_view text_;
  bool failed_ = false;
};

std::optional<std::int64_t> scan_date(Scanner& scanner) {
  using namespace std::chrono;
  const int years = scanner.digits(4);
  scanner.expect('-');
  const int months = scanner.digits(2);
  scanner.expect('-');
  const int days_ = scanner.digits(2);
  const year_month_day date{year(years), month(static_cast<unsigned>(months)), day(static_cast<unsigned>(days_))};
  if (scanner.failed() || !date.ok()) return std::nullopt;
  return sys_days(date).time_since_epoch().count() * kDay;
}

// Local time minus the offset is UTC.
std::int64_t scan_offset(Scanner& scanner) {
  if (scanner.take('Z')) return 0;
  const bool is_negative = scanner.take('-');
  if (!is_negative) scanner.expect('+');
  const int hours = scanner.digits_up_to(2, 23);
  const int minutes = scanner.digits_up_to(2, 59);
  const std::int64_t offset = (hours * 60 + minutes) * 60'000LL;
  return is_negative ? -offset : offset;
}

}  // namespace

std::optional<std::int64_t> parse_datetime(std::string_view text) {
  Scanner scanner(text);
  const auto date = scan_date(scanner);
  if (!date) return std::nullopt;
  if (scanner.is_at_end()) return date;
  scanner.expect('T');
  const int hours = scanner.digits_up_to(2, 23);
  scanner.expect(':');
  const int minutes = scanner.digits_up_to(2, 59);
  scanner.expect(':');
  const int seconds = scanner.digits_up_to(2, 59);
  const int milliseconds = scanner.take('.') ? scanner.digits(3) : 0;
  const std::int64_t offset = scan_offset(scanner);
  if (scanner.failed() || !scanner.is_at_end()) return std::nullopt;
  return *date + ((hours * 60LL + minutes) * 60 + seconds) * 1000 + milliseconds - offset;
}

std::optional<std::int64_t> midnight_of(std::int64_t milliseconds) {
  std::int64_t midnight;
  if (__builtin_sub_overflow(milliseconds, since_midnight(milliseconds), &midnight)) return std::nullopt;
  return midnight;
}

std::int64_t since_midnight(std::int64_t milliseconds) {
  const std::int64_t rest = milliseconds % kDay;
  return rest < 0 ? rest + kDay : rest;
}

std::string datetime_to_string(std::int64_t milliseconds) {
  using namespace std::chrono;
  const auto midnight = midnight_of(milliseconds);
  // Well inside the range of `sys_days`, and a little wider than the years that have a text.
  constexpr std::int64_t kFarDays = 4'000'000;
  if (!midnight || *midnight / kDay > kFarDays || *midnight / kDay < -kFarDays) return {};
  const year_month_day date{sys_days(days(*midnight / kDay))};
  const int years = static_cast<int>(date.year());
  if (years < 0 || years > 9999) return {};
  const auto time = static_cast<int>(since_midnight(milliseconds));
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", years, static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), time / 3'600'000, time / 60'000 % 60, time / 1000 % 60, time % 1000);
  return text;
}

}  // namespace writ::cedar
