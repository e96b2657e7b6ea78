#include "cedar/capabilities.h"

#include "cedar/name.h"

namespace writ::cedar {

namespace {

std::uint64_t mix(std::uint64_t seed, std::uint64_t value) { return (seed ^ value) * 0x9E3779B97F4A7C15u + (seed << 6); }

// Attribute chains and leaves only; all other expressions share one hash, which is allowed and rare.
std::uint64_t hash_of(const ast::Expression& expression) {
  std::uint64_t hash = 1;
  const ast::Expression* at = &expression;
  while (const auto* attribute = at->as<ast::Attribute>()) {
    hash = mix(hash, hash_text(attribute->name.text));
    at = attribute->object;
  }
  if (const auto* variable = at->as<ast::VariableReference>()) return mix(hash, static_cast<std::uint64_t>(variable->variable) + 2);
  if (const auto* string = at->as<ast::String>()) return mix(hash, hash_text(string->value));
  if (const auto* entity = at->as<ast::Entity>()) return mix(hash, entity->uid->hash());
  return hash;
}

}  // namespace

bool Capability::is_same(const Capability& other) const {
  if (attribute != other.attribute || (tag == nullptr) != (other.tag == nullptr)) return false;
  if (tag != nullptr && !ast::is_same(*tag, *other.tag)) return false;
  return ast::is_same(*object, *other.object);
}

std::uint64_t Capability::hash() const {
  const std::uint64_t hash = mix(hash_of(*object), hash_text(attribute));
  return tag == nullptr ? hash : mix(hash + 1, hash_of(*tag));
}

bool Capabilities::has(const Capability& capability) const {
  if (by_hash_.empty()) return false;
  const auto [begin, end] = by_hash_.equal_range(capability.hash());
  for (auto at = begin; at != end; ++at)
    if (at->second.is_same(capability)) return true;
  return false;
}

void Capabilities::add(const Capability& capability) {
  if (!has(capability)) by_hash_.emplace(capability.hash(), capability);
}

void Capabilities::add_all(const Capabilities& others) {
  if (by_hash_.empty()) {
    by_hash_ = others.by_hash_;
    return;
  }
  for (const auto& [hash, capability] : others.by_hash_) add(capability);
}

Capabilities Capabilities::intersect(const Capabilities& others) const {
  Capabilities both;
  for (const auto& [hash, capability] : by_hash_)
    if (others.has(capability)) both.by_hash_.emplace(hash, capability);
  return both;
}

}  // namespace writ::cedar
