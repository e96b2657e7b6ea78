#pragma once

// A decision point that says what a test writes. For tests only.

#include <functional>

#include "policy/decision_points.h"

namespace writ::policy {

class WrittenDecisionPoint final : public DecisionPoints {
 public:
  Task<std::vector<Opinion>> ask(std::vector<const Question*> questions, const registry::Snapshot&) override {
    ++rounds;
    std::vector<Opinion> opinions;
    for (const Question* question : questions) {
      asked.push_back(*question);
      Opinion opinion;
      opinion.allowed = rule(*question);
      opinion.was_asked = true;
      opinion.decision_point = "pdp";
      opinion.duration_us = 1200;
      if (!opinion.allowed) opinion.reason = "external_denied";
      opinions.push_back(std::move(opinion));
    }
    if (answers_too_few) opinions.pop_back();
    co_return opinions;
  }
  std::function<bool(const Question&)> rule = [](const Question&) { return true; };
  std::vector<Question> asked;
  int rounds = 0;
  bool answers_too_few = false;
};

inline registry::DecisionPoint decision_point_of_all_servers() {
  registry::DecisionPoint point;
  point.id = "pdp", point.url = "https://pdp.example", point.all_servers = true;
  return point;
}

inline std::string member_of(const audit::Record& record, std::string_view name) {
  for (const auto& [key, value] : record.more) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace writ::policy
