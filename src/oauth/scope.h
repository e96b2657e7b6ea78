#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace writ::oauth {

// A set of scopes in the order in which they were named (RFC 6749 §3.3: order has no meaning, but answers read better).
class ScopeSet {
 public:
  ScopeSet() = default;
  explicit ScopeSet(const std::vector<std::string>& scopes);   // duplicates collapse
  // Scope tokens of 0x21, 0x23–0x5B, 0x5D–0x7E separated by single spaces; absent for anything else, tabs and NBSP included (C10).
  static std::optional<ScopeSet> parse(std::string_view text);

  bool empty() const { return scopes_.empty(); }
  bool contains(std::string_view scope) const;
  void insert(std::string_view scope);
  ScopeSet intersection(const ScopeSet& other) const;
  bool is_subset_of(const ScopeSet& other) const;
  bool same_as(const ScopeSet& other) const { return is_subset_of(other) && other.is_subset_of(*this); }
  std::string to_string() const;
  const std::vector<std::string>& values() const { return scopes_; }

 private:
  std::vector<std::string> scopes_;
};

}  // namespace writ::oauth
