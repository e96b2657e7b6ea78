#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"
#include "doctor/report.h"

namespace writ::doctor {

// The Date field of an HTTP answer in the one form that is sent today (RFC 9110 §5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<Instant> parse_http_date(std::string_view text);

// Their clock against ours. `sent` and `received` are ours, around the exchange; `allowed` is `clock_skew`.
void judge_clock(Report& report, const std::string& whose, std::string_view date, Instant sent, Instant received, Seconds allowed);

}  // namespace writ::doctor
