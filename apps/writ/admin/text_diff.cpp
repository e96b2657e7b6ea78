#include "text_diff.h"

#include <algorithm>
#include <vector>

namespace writ::cli::admin {
namespace {

using Lines = std::vector<std::string_view>;

constexpr std::size_t kCellsMax = 16'000'000;   // lines × lines of what lies between the common beginning and end
constexpr std::size_t kAround = 3;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

struct Step {
  char mark;   // ' ', '-', '+'
  std::string_view line;
};

// The longest common subsequence of what is left between `begin` and the ends.
void compare(const Lines& a, const Lines& b, std::size_t begin, std::size_t a_end, std::size_t b_end, std::vector<Step>& steps) {
  const std::size_t rows = a_end - begin, columns = b_end - begin;
  if (rows * columns > kCellsMax) {   // too long to compare line by line: everything is another
    for (std::size_t i = begin; i < a_end; ++i) steps.push_back({'-', a[i]});
    for (std::size_t i = begin; i < b_end; ++i) steps.push_back({'+', b[i]});
    return;
  }
  std::vector<std::uint32_t> longest((rows + 1) * (columns + 1), 0);
  const auto at = [&](std::size_t row, std::size_t column) -> std::uint32_t& { return longest[row * (columns + 1) + column]; };
  for (std::size_t row = rows; row-- > 0;) {
    for (std::size_t column = columns; column-- > 0;) {
      const bool same = a[begin + row] == b[begin + column];
      at(row, column) = same ? at(row + 1, column + 1) + 1 : std::max(at(row + 1, column), at(row, column + 1));
    }
  }
  std::size_t row = 0, column = 0;
  while (row < rows || column < columns) {
    if (row < rows && column < columns && a[begin + row] == b[begin + column]) {
      steps.push_back({' ', a[begin + row]});
      ++row, ++column;
    } else if (row < rows && (column == columns || at(row + 1, column) >= at(row, column + 1))) {
      steps.push_back({'-', a[begin + row++]});
    } else {
      steps.push_back({'+', b[begin + column++]});
    }
  }
}

}  // namespace

std::string text_diff(std::string_view before, std::string_view after) {
  const Lines a = lines_of(before), b = lines_of(after);
  std::size_t begin = 0, a_end = a.size(), b_end = b.size();
  while (begin < a_end && begin < b_end && a[begin] == b[begin]) ++begin;
  while (a_end > begin && b_end > begin && a[a_end - 1] == b[b_end - 1]) --a_end, --b_end;
  std::vector<Step> steps;
  for (std::size_t i = 0; i < begin; ++i) steps.push_back({' ', a[i]});
  compare(a, b, begin, a_end, b_end, steps);
  for (std::size_t i = a_end; i < a.size(); ++i) steps.push_back({' ', a[i]});

  std::string out;
  std::size_t a_line = 1, b_line = 1, shown = 0;   // steps before `shown` are printed or left out
  for (std::size_t i = 0; i < steps.size();) {
    if (steps[i].mark == ' ') {
      ++i;
      continue;
    }
    // A hunk: from here on until more than twice the surroundings are the same.
    const std::size_t first = std::max(shown, i < kAround ? 0 : i - kAround);
    std::size_t last = i, same = 0;
    for (std::size_t j = i; j < steps.size() && same <= 2 * kAround; ++j) {
      same = steps[j].mark == ' ' ? same + 1 : 0;
      if (same == 0) last = j;
    }
    const std::size_t end = std::min(steps.size(), last + kAround + 1);
    for (; shown < first; ++shown) a_line += steps[shown].mark != '+', b_line += steps[shown].mark != '-';
    std::size_t removed = 0, added = 0;
    for (std::size_t j = first; j < end; ++j) removed += steps[j].mark != '+', added += steps[j].mark != '-';
    out += "@@ -" + std::to_string(a_line) + "," + std::to_string(removed) + " +" + std::to_string(b_line) + "," + std::to_string(added) + " @@\n";
    for (; shown < end; ++shown) {
      (out += steps[shown].mark).append(steps[shown].line) += '\n';
      a_line += steps[shown].mark != '+', b_line += steps[shown].mark != '-';
    }
    i = end;
  }
  return out;
}

}  // namespace writ::cli::admin
