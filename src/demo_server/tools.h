#pragma once

// The demo's tools: their definitions, and what they do. Results are the `result` of tools/call, without what an era adds.

#include <optional>
#include <string_view>

#include "demo_server/notes.h"
#include "encoding/json.h"

namespace writ::demo_server {

inline constexpr std::string_view kSlowReport = "slow_report";
inline constexpr int kReportStepsMax = 50;

json::Array tool_definitions();

// Absent for a tool that does not exist, and for slow_report, which is a stream. Bad arguments are a result with isError.
std::optional<json::Value> call_tool(Notes& notes, std::string_view name, const json::Value& arguments);
// How many steps the report takes; absent when the arguments are bad.
std::optional<int> report_steps(const json::Value& arguments);
json::Value text_result(std::string_view text, bool is_error = false);

}  // namespace writ::demo_server
