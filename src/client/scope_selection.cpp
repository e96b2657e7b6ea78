#include "client/scope_selection.h"

#include "oauth/scope.h"

namespace writ::client {
namespace {

std::string joined(const std::vector<std::string>& scopes) {
  std::string text;
  for (const auto& scope : scopes) text += (text.empty() ? "" : " ") + scope;
  return text;
}

}  // namespace

std::string scope_to_request(const Challenge& challenge, const std::vector<std::string>& supported, const std::string& configured, const std::string& before) {
  const std::string challenged = challenge.parameter("scope");
  const std::string wanted = !challenged.empty() ? challenged : !before.empty() ? before : !configured.empty() ? configured : joined(supported);
  const auto wanted_set = oauth::ScopeSet::parse(wanted);
  if (!wanted_set) return before;
  const auto before_set = oauth::ScopeSet::parse(before);
  if (!before_set) return wanted;
  oauth::ScopeSet both = *before_set;
  for (const auto& scope : wanted_set->values()) both.insert(scope);
  return both.to_string();
}

std::optional<Failure> step_up_of(const Challenge& challenge, const std::string& url) {
  if (challenge.parameter("error") != "insufficient_user_authentication") return std::nullopt;
  Failure needed{FailureKind::step_up_needed, url + " asks for a stronger or more recent sign-in", "insufficient_user_authentication", {}, {}, {}};
  const auto words = oauth::ScopeSet::parse(challenge.parameter("acr_values"));   // the same syntax; anything else is not passed on
  if (words) needed.acr_values = words->to_string();
  const std::string age = challenge.parameter("max_age");
  const bool is_number = !age.empty() && age.size() <= 9 && age.find_first_not_of("0123456789") == std::string::npos;
  if (is_number) needed.max_age_seconds = std::stoll(age);
  return needed;
}

}  // namespace writ::client
