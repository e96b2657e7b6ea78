#include "oauth/scope.h"

#include <algorithm>

namespace writ::oauth {
namespace {

// RFC 6749 §3.3. Tab, newline and NBSP are no separators: a reader that took them for one would see other scopes than we do (C10).
bool is_scope_character(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return byte > 0x20 && byte < 0x7F && letter != '"' && letter != '\\';
}

}  // namespace

ScopeSet::ScopeSet(const std::vector<std::string>& scopes) {
  for (const std::string& scope : scopes) insert(scope);
}

std::optional<ScopeSet> ScopeSet::parse(std::string_view text) {
  ScopeSet scopes;
  while (true) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view scope = text.substr(0, end);
    if (scope.empty() || !std::all_of(scope.begin(), scope.end(), is_scope_character)) return std::nullopt;
    scopes.insert(scope);
    if (end == text.size()) return scopes;
    text.remove_prefix(end + 1);
  }
}

bool ScopeSet::contains(std::string_view scope) const {
  return std::find(scopes_.begin(), scopes_.end(), scope) != scopes_.end();
}

void ScopeSet::insert(std::string_view scope) {
  if (!contains(scope)) scopes_.emplace_back(scope);
}

ScopeSet ScopeSet::intersection(const ScopeSet& other) const {
  ScopeSet common;
  for (const std::string& scope : scopes_)
    if (other.contains(scope)) common.insert(scope);
  return common;
}

bool ScopeSet::is_subset_of(const ScopeSet& other) const {
  return std::all_of(scopes_.begin(), scopes_.end(), [&](const std::string& scope) { return other.contains(scope); });
}

std::string ScopeSet::to_string() const {
  std::string text;
  for (const std::string& scope : scopes_) {
    if (!text.empty()) text += ' ';
    text += scope;
  }
  return text;
}

}  // namespace writ::oauth
