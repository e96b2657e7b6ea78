#pragma once

// Collects what is found in one policy: the same thing at the same place only once, however many environments show it.

#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "cedar/validation.h"

namespace writ::cedar {

class Findings {
 public:
  Findings(std::string_view policy_id, std::string_view text, Validation& validation) : policy_id_(policy_id), text_(text), validation_(validation) {}

  // `describe` makes the message, or the message and a suggestion; it is called only when the finding is new.
  template <class Describe>
  void add(ValidationProblem problem, Span span, Describe describe) {
    errors_ += is_error(problem) ? 1 : 0;
    if (seen_.size() >= kKeptMax || !seen_.insert({problem, span.begin, span.end}).second) return;
    put(problem, span, describe());
  }
  bool has_errors() const { return errors_ != 0; }

 private:
  static constexpr std::size_t kKeptMax = 100;

  void put(ValidationProblem problem, Span span, std::string text) { put(problem, span, std::pair(std::move(text), std::string())); }
  void put(ValidationProblem problem, Span span, std::pair<std::string, std::string> text_and_suggestion) {
    auto& [said, suggestion] = text_and_suggestion;
    Message found = message(said);
    if (!text_.empty()) found = message_at(text_, span, std::move(said), {});
    found.suggestion = std::move(suggestion);
    validation_.findings.push_back({problem, std::string(policy_id_), std::move(found)});
  }

  std::string_view policy_id_;
  std::string_view text_;
  Validation& validation_;
  std::size_t errors_ = 0;
  std::set<std::tuple<ValidationProblem, std::uint32_t, std::uint32_t>> seen_;
};

}  // namespace writ::cedar
