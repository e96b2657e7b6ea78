#include "cedar/type_relations.h"

#include <vector>

#include "cedar/entity_type.h"

namespace writ::cedar {

namespace {

// Walks two types side by side; `relate` judges those without parts.
template <class Relate>
bool relates(const Type& a, const Type& b, Relate relate) {
  if (&a == &b) return true;
  if (a.is(Type::Kind::set) && b.is(Type::Kind::set)) return relates(*a.element, *b.element, relate);
  if (!a.is(Type::Kind::record) || !b.is(Type::Kind::record)) return relate(a, b);
  if (a.attributes.size() != b.attributes.size()) return false;
  for (std::size_t i = 0; i < a.attributes.size(); ++i) {
    const AttributeType& x = a.attributes[i];
    const AttributeType& y = b.attributes[i];
    if (x.name != y.name || x.is_required != y.is_required || !relates(*x.type, *y.type, relate)) return false;
  }
  return true;
}

}  // namespace

bool is_same_type(const Type& a, const Type& b) {
  return relates(a, b, [](const Type& x, const Type& y) { return x.kind == y.kind && x.entity == y.entity; });
}

bool is_subtype(const Type& a, const Type& b) {
  return relates(a, b, [](const Type& x, const Type& y) {
    return (x.kind == y.kind && x.entity == y.entity) || (x.is_boolean() && y.is(Type::Kind::boolean));
  });
}

const Type* least_upper_bound(const Type* a, const Type* b, TypePool& pool) {
  if (a == b) return a;
  if (a->is_boolean() && b->is_boolean()) return a->kind == b->kind ? a : TypePool::simple(Type::Kind::boolean);
  if (a->kind != b->kind) return nullptr;
  if (a->is(Type::Kind::entity)) return a->entity == b->entity ? a : nullptr;
  if (a->is(Type::Kind::set)) {
    const Type* element = least_upper_bound(a->element, b->element, pool);
    return element == nullptr ? nullptr : pool.set(element);
  }
  if (!a->is(Type::Kind::record)) return a;
  if (a->attributes.size() != b->attributes.size()) return nullptr;
  std::vector<AttributeType> attributes;
  for (std::size_t i = 0; i < a->attributes.size(); ++i) {
    const AttributeType& x = a->attributes[i];
    const AttributeType& y = b->attributes[i];
    if (x.name != y.name || x.is_required != y.is_required) return nullptr;
    const Type* type = least_upper_bound(x.type, y.type, pool);
    if (type == nullptr) return nullptr;
    attributes.push_back({x.name, type, x.is_required});
  }
  return pool.record(std::move(attributes));
}

}  // namespace writ::cedar
