#include "policy/preview/describe_change.h"

#include <algorithm>

namespace writ::policy::preview {
namespace {

std::string people(std::size_t count) { return count == 1 ? "1 person" : std::to_string(count) + " people"; }

// "1 person loses", "3 people lose".
std::string predicate(const AccessChange& change) {
  const bool one = change.users.size() == 1;
  if (change.after == Access::never) return one ? "loses" : "lose";
  if (change.before == Access::never) return std::string(one ? "gains" : "gain") + (change.after == Access::depends ? ", under conditions," : "");
  if (change.before == Access::always) return std::string(one ? "keeps" : "keep") + ", but only under conditions,";
  if (change.after == Access::always) return std::string(one ? "has" : "have") + ", now without conditions,";
  return std::string(one ? "has" : "have") + ", under other conditions than before,";
}

std::string joined(const std::vector<std::string>& names, std::size_t shown) {
  std::string text;
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i) text += (i > 0 ? ", " : "") + names[i];
  if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

std::string things_text(const std::vector<Thing>& things, std::size_t shown) {
  std::vector<std::string> scopes, tools, others;
  for (const Thing& thing : things) {
    if (thing.kind == Thing::Kind::scope) scopes.push_back(thing.name);
    else if (thing.kind == Thing::Kind::tool && !thing.name.empty()) tools.push_back(thing.name);
    else others.push_back(describe(thing));
  }
  // Connecting first, then scopes and tools, then what else there is.
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  const auto add_named = [&](const char* noun, const std::vector<std::string>& names) {
    if (names.size() == 1) add(noun + (" " + names.front()));
    else if (names.size() > shown) add(std::to_string(names.size()) + " " + noun + "s such as " + joined({names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown)}, shown));
    else if (!names.empty()) add(std::string(noun) + "s " + joined(names, shown));
  };
  const bool connects = !others.empty() && others.front() == "connect";
  if (connects) add("connect");
  add_named("scope", scopes);
  add_named("tool", tools);
  for (std::size_t i = connects ? 1 : 0; i < others.size(); ++i) add(others[i]);
  return text;
}

}  // namespace

std::string describe(const AccessChange& change, const AccessDifference& difference, const DescribeLimits& limits) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(change.users.size(), limits.names); ++i) names.push_back(difference.users[change.users[i]].name);
  std::string who = joined(names, names.size());
  if (change.users.size() > names.size()) who += " and " + std::to_string(change.users.size() - names.size()) + " more";
  return people(change.users.size()) + " " + predicate(change) + " " + change.server + " (" + things_text(change.things, limits.things) + ") through " +
         joined(change.agents, std::max(limits.names, std::size_t{1})) + ": " + who;
}

std::string_view direction(const AccessChange& change) {
  return change.after < change.before ? "loses" : change.after > change.before ? "gains" : "conditions";
}

std::string summary(const AccessDifference& difference) {
  const auto count = [](std::size_t number, const char* one, const char* many) {
    return number == 0 ? "nobody " + std::string(one) : people(number) + " " + (number == 1 ? one : many);
  };
  std::string text = count(difference.losing, "loses access", "lose access") + ", " + count(difference.gaining, "gains access", "gain access");
  if (difference.changing > 0) text += ", " + people(difference.changing) + " under other conditions";
  return text;
}

}  // namespace writ::policy::preview
