#include "doctor/report.h"

#include <algorithm>

namespace writ::doctor {
namespace {

std::string_view mark_of(Level level) {
  switch (level) {
    case Level::good: return "✓";
    case Level::note: return "-";
    case Level::warning: return "!";
    case Level::wrong: return "✗";
  }
  return "?";
}

// What others named may hold anything; a line is a line.
std::string one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::good: return "good";
    case Level::note: return "note";
    case Level::warning: return "warning";
    case Level::wrong: return "wrong";
  }
  return "wrong";
}

std::size_t Report::count(Level level) const {
  return static_cast<std::size_t>(std::count_if(findings_.begin(), findings_.end(), [level](const Finding& finding) { return finding.level == level; }));
}

json::Value to_json(const Report& report) {
  json::Array findings;
  for (const Finding& finding : report.findings()) {
    json::Value one{{"level", std::string(to_string(finding.level))}, {"area", finding.area}, {"what", finding.what}};
    if (!finding.remedy.empty()) one.set("remedy", finding.remedy);
    findings.push_back(std::move(one));
  }
  const auto count = [&report](Level level) { return static_cast<std::int64_t>(report.count(level)); };
  return {{"good", count(Level::good)}, {"notes", count(Level::note)}, {"warnings", count(Level::warning)}, {"wrong", count(Level::wrong)}, {"findings", std::move(findings)}};
}

std::string to_text(const Report& report) {
  std::string out;
  for (const Finding& finding : report.findings()) {
    out.append(mark_of(finding.level)).append(" ").append(finding.area).append(": ").append(one_line(finding.what)).append("\n");
    if (!finding.remedy.empty()) out.append("    ").append(one_line(finding.remedy)).append("\n");
  }
  const std::size_t wrong = report.count(Level::wrong), warnings = report.count(Level::warning);
  const auto counted = [](std::size_t count, const std::string& what) { return std::to_string(count) + " " + what + (count == 1 ? "" : "s"); };
  if (wrong == 0 && warnings == 0) return out + "Nothing is wrong: " + counted(report.count(Level::good), "check") + " passed.\n";
  return out + counted(wrong, "thing") + (wrong == 1 ? " is" : " are") + " wrong, " + counted(warnings, "warning") + ".\n";
}

}  // namespace writ::doctor
