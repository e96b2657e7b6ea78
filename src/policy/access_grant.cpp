#include "policy/access_grant.h"

#include <algorithm>

namespace writ::policy {

bool Names::contains(std::string_view name) const { return all || std::find(names.begin(), names.end(), name) != names.end(); }

bool glob_matches(std::string_view pattern, std::string_view name) {
  // One remembered star is enough: a later star makes an earlier one's choice irrelevant.
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace writ::policy
