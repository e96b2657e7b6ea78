#include "test_report.h"

#include "encoding/utf8.h"
#include "output.h"
#include "policy_words.h"

namespace writ::cli::admin {
namespace {

bool has_passed(const json::Value& test) { return text_of(test, "outcome") == "passed"; }
std::string title_of(const json::Value& test) { return text_of(test, "name") + " (" + text_of(test, "question") + ")"; }

std::string coverage_lines(const json::Value& run, const std::string& before) {
  const json::Value& coverage = *run.find("coverage");
  std::string text = before + text_of(coverage, "exercised") + " of " + text_of(coverage, "policies") + " policies and grants decided a test\n";
  for (const auto& each : *coverage.find_array("unexercised")) {
    const auto* satisfied = each.find_bool("satisfied");
    const std::string id = text_of(each, "id"), place = place_text(each);
    text += before + "  no test needs " + id + (id.starts_with(text_of(each, "file") + ":") ? "" : " (" + place + ")");
    text += satisfied && *satisfied ? ": where it permits, a forbid decided\n" : "\n";
  }
  return text;
}

// One line of TAP: `#` begins a directive, a line end the next line.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '#' || letter == '\\') out += '\\';
    out += letter == '\n' || letter == '\r' ? ' ' : letter;
  }
  return out;
}

// As text or attribute. XML 1.0 has no control characters at all, so they are replaced rather than escaped.
std::string xml(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8::length_of_first(text);
    const char first = text[0];
    const bool is_control = static_cast<unsigned char>(first) < 0x20 && first != '\n' && first != '\t';
    if (length == 0 || is_control || text.starts_with("\xEF\xBF\xBE") || text.starts_with("\xEF\xBF\xBF")) out += "\xEF\xBF\xBD";
    else if (first == '<') out += "&lt;";
    else if (first == '>') out += "&gt;";
    else if (first == '&') out += "&amp;";
    else if (first == '"') out += "&quot;";
    else if (first == '\n') out += "&#10;";
    else out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace

std::string test_report(const json::Value& run) {
  std::string text;
  for (const auto& test : *run.find_array("tests")) {
    if (has_passed(test)) continue;
    text += place_text(test) + ": failed: test `" + text_of(test, "name") + "`: " + text_of(test, "question") + ": " + text_of(test, "message") + "\n";
  }
  text += text_of(run, "passed") + " passed, " + text_of(run, "failed") + " failed\n";
  return text + coverage_lines(run, "");
}

std::string tap_report(const json::Value& run) {
  const json::Array& tests = *run.find_array("tests");
  std::string text = "TAP version 13\n1.." + std::to_string(tests.size()) + "\n";
  std::size_t number = 0;
  for (const auto& test : tests) {
    text += (has_passed(test) ? "ok " : "not ok ") + std::to_string(++number) + " - " + one_line(title_of(test)) + "\n";
    if (has_passed(test)) continue;
    // YAML is a superset of JSON: its strings need no quoting of our own.
    text += "  ---\n  message: " + json::write(text_of(test, "message")) + "\n  at: " + json::write(place_text(test)) + "\n  expected: " + text_of(test, "expected") +
            "\n  actual: " + text_of(test, "actual") + "\n  ...\n";
  }
  return text + coverage_lines(run, "# ");
}

std::string junit_report(const json::Value& run) {
  const std::string counts = "tests=\"" + std::to_string(run.find_array("tests")->size()) + "\" failures=\"" + text_of(run, "failed") + "\"";
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites " + counts + ">\n  <testsuite name=\"policy-tests.yaml\" " + counts + ">\n";
  for (const auto& test : *run.find_array("tests")) {
    text += "    <testcase classname=\"policy-tests.yaml\" name=\"" + xml(title_of(test)) + "\" file=\"" + xml(text_of(test, "file")) + "\" line=\"" + text_of(test, "line") + "\"";
    if (has_passed(test)) {
      text += "/>\n";
    } else {
      text += ">\n      <failure message=\"" + xml(text_of(test, "message")) + "\">" + xml(place_text(test) + ": " + text_of(test, "message")) + "</failure>\n    </testcase>\n";
    }
  }
  return text + "    <system-out>" + xml(coverage_lines(run, "")) + "</system-out>\n  </testsuite>\n</testsuites>\n";
}

}  // namespace writ::cli::admin
