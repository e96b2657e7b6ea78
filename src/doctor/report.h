#pragma once

// What was looked at, in sentences for the operator: what is so, and what would be right.

#include <string>
#include <vector>

#include "encoding/json.h"

namespace writ::doctor {

enum class Level {
  good,
  note,      // nothing is wrong, but it was not looked at, or cannot be known
  warning,   // it works, and should not stay so
  wrong,     // it does not work, or is not safe
};
std::string_view to_string(Level level);

struct Finding {
  Level level = Level::good;
  std::string area;      // "configuration", "files", "tls", …
  std::string what;      // a sentence, lower case, without a full stop
  std::string remedy;    // what would be right; empty where there is nothing to do
};

class Report {
 public:
  void good(std::string area, std::string what) { add({Level::good, std::move(area), std::move(what), {}}); }
  void note(std::string area, std::string what, std::string remedy = {}) { add({Level::note, std::move(area), std::move(what), std::move(remedy)}); }
  void warning(std::string area, std::string what, std::string remedy) { add({Level::warning, std::move(area), std::move(what), std::move(remedy)}); }
  void wrong(std::string area, std::string what, std::string remedy) { add({Level::wrong, std::move(area), std::move(what), std::move(remedy)}); }
  void add(Finding finding) { findings_.push_back(std::move(finding)); }

  const std::vector<Finding>& findings() const { return findings_; }
  std::size_t count(Level level) const;
  bool has_wrong() const { return count(Level::wrong) > 0; }

 private:
  std::vector<Finding> findings_;
};

// {"good":…,"notes":…,"warnings":…,"wrong":…,"findings":[{"level":…,"area":…,"what":…,"remedy":…},…]}
json::Value to_json(const Report& report);
// A line for each finding, a second one for its remedy, and a last line that counts.
std::string to_text(const Report& report);

}  // namespace writ::doctor
