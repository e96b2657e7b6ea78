#pragma once

// Finds the policies whose scope can match a request without looking at the others. Four questions one after the other: which
// principal (an entity it must be or be in), which resource, which value of one attribute of the context, which action. A policy that
// leaves a question open is reached by every answer.
//
// It only narrows: who asks still tests the whole scope. So a collision of hashes costs a look, never a wrong answer.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cedar/arena.h"
#include "cedar/ast.h"
#include "cedar/entities.h"
#include "cedar/request.h"

namespace writ::cedar {

class CompiledPolicy;

// The stored entities of a request, looked up once.
struct RequestEntities {
  const StoredEntity* principal;
  const StoredEntity* action;
  const StoredEntity* resource;
};

class ScopeIndex {
 public:
  // The attribute of the context is the one that most policies compare with an entity in their first condition.
  void build(std::span<const CompiledPolicy> policies);

  std::string_view context_attribute() const { return context_attribute_; }
  std::size_t bytes() const;

  // A principal, action or resource; null where it is not known.
  struct Part {
    const EntityUid* uid = nullptr;
    const StoredEntity* stored = nullptr;
  };

  // Calls `visit(number of the policy)` for each that can match, and for each that an absent attribute of the context makes fail.
  template <class Visit>
  void for_each_candidate(const Request& request, const RequestEntities& stored, Visit visit) const {
    const Value* value = request.context.is(Value::Kind::record) ? request.context.find(context_attribute_) : nullptr;
    for_each_possible({&request.principal, stored.principal}, {&request.action, stored.action}, {&request.resource, stored.resource}, value, visit);
  }
  // The same where parts are not known. `context_value` is that of `context_attribute()`, null when it is absent or not known: reading
  // an absent attribute is an error, which each policy that compares it has to report.
  template <class Visit>
  void for_each_possible(const Part& principal, const Part& action, const Part& resource, const Value* context_value, Visit visit) const {
    if (nodes_.empty()) return;
    Keys keys;
    keys.of(Question::principal) = key_of(principal);
    keys.of(Question::resource) = key_of(resource);
    keys.of(Question::action) = key_of(action);
    keys.of(Question::context) = key_of(context_value);
    walk(nodes_.front(), keys, visit);
  }

 private:
  enum class Question : std::uint8_t { principal, resource, context, action, none };
  struct Key {
    std::uint64_t hash = 0;
    const StoredEntity* stored = nullptr;   // its ancestors answer as well
    bool is_open = false;                   // every answer counts
  };
  struct Keys {
    std::array<Key, 4> keys{};
    Key& of(Question question) { return keys[static_cast<std::size_t>(question)]; }
    const Key& of(Question question) const { return keys[static_cast<std::size_t>(question)]; }
  };
  struct Branch {
    std::uint64_t hash;
    std::uint32_t node;
  };
  struct Node {
    Question question = Question::none;
    std::uint32_t first = 0, count = 0;             // of `policies_` in a leaf, else of `branches_`, sorted by hash
    std::uint32_t open = 0;                         // the node of those that leave the question open; 0 for none
    std::uint32_t slots = 0, slots_mask = 0;        // a table over many branches; see `find`
  };

  static Key key_of(const Part& part) { return part.uid == nullptr ? Key{0, nullptr, true} : Key{part.uid->hash(), part.stored, false}; }
  static Key key_of(const Value* value) {
    if (value == nullptr) return {0, nullptr, true};
    // A value that is no entity equals none: only those that leave the question open. No branch has the hash 0.
    if (!value->is(Value::Kind::entity)) return {0, nullptr, false};
    return {value->as_entity().hash(), nullptr, false};
  }
  const Node* find(const Node& node, std::uint64_t hash) const;
  std::uint32_t add_node(std::span<std::uint32_t> policies, Question question, std::span<const CompiledPolicy> all);
  std::uint64_t key_of(const CompiledPolicy& policy, Question question) const;

  template <class Visit>
  void walk(const Node& node, const Keys& keys, Visit& visit) const {
    if (node.question == Question::none) {
      for (std::uint32_t i = node.first; i < node.first + node.count; ++i) visit(policies_[i]);
      return;
    }
    if (node.open != 0) walk(nodes_[node.open], keys, visit);
    const Key& key = keys.of(node.question);
    if (key.is_open) {
      for (std::uint32_t i = node.first; i < node.first + node.count; ++i) walk(nodes_[branches_[i].node], keys, visit);
      return;
    }
    if (const Node* next = find(node, key.hash)) walk(*next, keys, visit);
    if (key.stored == nullptr) return;
    for (const EntityUid& ancestor : key.stored->ancestors)
      if (const Node* next = find(node, ancestor.hash())) walk(*next, keys, visit);
  }

  std::string_view context_attribute_;
  std::vector<Node> nodes_;
  std::vector<Branch> branches_;
  std::vector<std::uint32_t> slots_;      // open addressing: index into `branches_` plus one, 0 for free
  std::vector<std::uint32_t> policies_;
};

}  // namespace writ::cedar
