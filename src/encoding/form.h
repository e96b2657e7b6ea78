#pragma once

// application/x-www-form-urlencoded bodies of token endpoints (RFC 6749 §3.2, App. B).

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace writ::form {

// The decoded parameters in order. A parameter with an empty value counts as omitted (RFC 6749 §3.2) and is left out.
class Parameters {
 public:
  explicit Parameters(std::vector<std::pair<std::string, std::string>> pairs) : pairs_(std::move(pairs)) {}
  Parameters() = default;

  // The value, or null when absent. Precondition for a meaningful answer: check_not_repeated was asked first.
  const std::string* find(std::string_view name) const;
  std::vector<std::string_view> find_all(std::string_view name) const;
  // The first name that stands more than once, `repeatable` ones apart (`resource`, `audience`).
  std::optional<std::string> first_repeated(std::initializer_list<std::string_view> repeatable) const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

struct Limits {
  std::size_t bytes_max = 256 * 1024;
  std::size_t parameters_max = 100;
};
enum class Problem { too_large, too_many_parameters, bad_escape, invalid_utf8, control_character };
std::string_view to_string(Problem problem);

Result<Parameters, Problem> parse(std::string_view text, const Limits& limits = {});

// One component, as forms (and RFC 6749 §2.3.1 Basic credentials) encode it: space is `+`.
std::string encode(std::string_view text);
std::optional<std::string> decode(std::string_view text);
// name=value&name=value
std::string write(const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace writ::form
