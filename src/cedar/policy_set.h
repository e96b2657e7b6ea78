#pragma once

// Policies made ready for deciding: linked, constants computed, scopes indexed. Immutable once built; any number of threads share it.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "cedar/arena.h"
#include "cedar/ast.h"
#include "cedar/message.h"
#include "cedar/scope_index.h"

namespace writ::cedar {

// A path that a policy may read: `context.args.repo` is {context, [args, repo]}. It stands for everything below it too.
struct AttributePath {
  ast::Variable variable;
  std::span<const std::string_view> names;
  friend bool operator==(const AttributePath& a, const AttributePath& b);
};

// Which members of a record a policy may read.
struct MembersRead {
  bool all = false;                      // the record as a whole, so any of them
  std::vector<std::string_view> names;   // sorted
};

class CompiledPolicy {
 public:
  std::string_view id() const { return id_; }
  ast::Effect effect() const { return tree_.effect; }
  // As written, slots filled. `source` is the text that its spans point into; of a linked policy the template's.
  const ast::Policy& tree() const { return tree_; }
  const ast::Source& source() const { return *source_; }
  // Absent unless it is a linked template.
  std::optional<std::string_view> template_id() const { return template_id_; }
  std::optional<std::string_view> annotation(std::string_view key) const { return tree_.annotation(key); }

  // The clauses, constants computed. The condition is the scope, then these, `unless` negated.
  std::span<const ast::Clause> clauses() const { return clauses_; }

  // What the clauses may read, without repetition. Never too little; a path that cannot be followed counts as read whole.
  std::span<const AttributePath> reads() const { return reads_; }
  // Whether the clauses may read `variable.name` or anything in it: does it read `context.args`?
  bool reads(ast::Variable variable, std::string_view name) const;
  // Which members of `variable.name` they may read.
  MembersRead members_read(ast::Variable variable, std::string_view name) const;

 private:
  friend class PolicySetBuilder;
  std::string_view id_;
  ast::Policy tree_;
  std::shared_ptr<const ast::Source> source_;
  std::optional<std::string_view> template_id_;
  std::span<const ast::Clause> clauses_;
  std::span<const AttributePath> reads_;
};

// A template that no link has filled. Never evaluated.
struct Template {
  std::string_view id;
  ast::Policy tree;
  std::shared_ptr<const ast::Source> source;
};

class PolicySet {
 public:
  // The policies of a text, called policy0, policy1, … by position, templates counted too.
  static Result<PolicySet, Message> parse(std::string text);
  static PolicySet compile(const ast::Policies& policies);

  std::span<const CompiledPolicy> policies() const { return policies_; }
  std::span<const Template> templates() const { return templates_; }
  const CompiledPolicy* find(std::string_view id) const;
  const ScopeIndex& index() const { return index_; }
  // Everything it holds, texts and trees included.
  std::size_t bytes() const;

 private:
  friend class PolicySetBuilder;
  std::shared_ptr<Arena> arena_;
  std::vector<CompiledPolicy> policies_;
  std::vector<Template> templates_;
  std::unordered_map<std::string_view, std::uint32_t> by_id_;
  ScopeIndex index_;
};

// What the slots of a template become.
struct SlotValues {
  std::optional<EntityUid> principal;
  std::optional<EntityUid> resource;
};

class PolicySetBuilder {
 public:
  PolicySetBuilder();

  // Refused: an id that stands already.
  Result<void, Message> add(std::string_view id, const ast::Policy& policy, std::shared_ptr<const ast::Source> source);
  // All of a text, each under the prefix and its position.
  Result<void, Message> add(const ast::Policies& policies, std::string_view id_prefix = "policy");
  // Refused: an unknown template, a value too few or too many, an id that stands already.
  Result<void, Message> link(std::string_view template_id, std::string_view new_id, const SlotValues& values);

  PolicySet build();

 private:
  Result<std::string_view, Message> claim(std::string_view id);
  void add_compiled(std::string_view id, const ast::Policy& policy, std::shared_ptr<const ast::Source> source,
                    std::optional<std::string_view> template_id);

  std::shared_ptr<Arena> arena_;
  std::vector<CompiledPolicy> policies_;
  std::vector<Template> templates_;
  std::unordered_map<std::string_view, std::optional<std::size_t>> ids_;   // of templates: where in `templates_`
};

}  // namespace writ::cedar
