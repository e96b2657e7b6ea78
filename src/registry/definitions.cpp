#include "registry/definitions.h"

#include "crypto/hash.h"

namespace writ::registry {

std::string definition_digest(const json::Value& definition) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : crypto::sha256(json::write_canonical(definition))) hex += kHex[byte >> 4], hex += kHex[byte & 0xF];
  return hex;
}

bool differs_only_in_wording(ObjectKind kind, const json::Value& approved, const json::Value& now) {
  if (kind == ObjectKind::instructions) return approved.is_string() && now.is_string();
  if (!approved.is_object() || !now.is_object()) return false;
  json::Value a = approved, b = now;
  for (const char* word : {"title", "description"}) a.erase(word), b.erase(word);
  return json::write_canonical(a) == json::write_canonical(b);
}

bool has_same_effect(const Definition& a, const Definition& b) {
  return a.approved_digest == b.approved_digest && a.read_only == b.read_only && a.destructive == b.destructive && a.idempotent == b.idempotent &&
         a.open_world == b.open_world && a.groups == b.groups;
}

std::string Definition::key() const { return kind == ObjectKind::instructions ? server : server + "/" + name; }

std::optional<std::pair<std::string, std::string>> parse_definition_key(ObjectKind kind, std::string_view key) {
  const auto slash = key.find('/');
  if (kind == ObjectKind::instructions) {
    if (key.empty() || slash != std::string_view::npos) return std::nullopt;
    return std::pair(std::string(key), std::string());
  }
  // A server's id has no slash, a tool's name may have some.
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == key.size()) return std::nullopt;
  return std::pair(std::string(key.substr(0, slash)), std::string(key.substr(slash + 1)));
}

std::shared_ptr<const Definition> Definitions::find(ObjectKind kind, std::string_view server, std::string_view name) const {
  const Shelf* shelf = of(server);
  if (!shelf) return nullptr;
  const auto found = shelf->find({kind, std::string(name)});
  return found == shelf->end() ? nullptr : found->second;
}

std::shared_ptr<const Definition> Definitions::find(ObjectKind kind, std::string_view key) const {
  const auto parsed = parse_definition_key(kind, key);
  return parsed ? find(kind, parsed->first, parsed->second) : nullptr;
}

const Definitions::Shelf* Definitions::of(std::string_view server) const {
  const auto found = shelves_.find(server);
  return found == shelves_.end() ? nullptr : found->second.get();
}

void Definitions::for_each(ObjectKind kind, const std::function<void(const std::shared_ptr<const Definition>&)>& visit) const {
  for (const auto& [server, shelf] : shelves_) {
    for (auto at = shelf->lower_bound({kind, std::string()}); at != shelf->end() && at->first.first == kind; ++at) visit(at->second);
  }
}

std::vector<std::string> Definitions::servers() const {
  std::vector<std::string> names;
  for (const auto& [server, shelf] : shelves_) names.push_back(server);
  return names;
}

std::size_t Definitions::size() const {
  std::size_t total = 0;
  for (const auto& [server, shelf] : shelves_) total += shelf->size();
  return total;
}

Definitions::Shelf& Definitions::own(const std::string& server) {
  std::shared_ptr<Shelf>& shelf = shelves_[server];
  // INVARIANT: a shelf that another copy holds is never written; copies are made from this object only by the thread that changes it.
  if (!shelf) shelf = std::make_shared<Shelf>();
  else if (shelf.use_count() > 1) shelf = std::make_shared<Shelf>(*shelf);
  return *shelf;
}

void Definitions::set(std::shared_ptr<const Definition> definition) {
  const std::string server = definition->server;
  std::pair<ObjectKind, std::string> key(definition->kind, definition->name);
  own(server).insert_or_assign(std::move(key), std::move(definition));
}

void Definitions::erase(ObjectKind kind, std::string_view key) {
  const auto parsed = parse_definition_key(kind, key);
  if (!parsed || !find(kind, parsed->first, parsed->second)) return;
  Shelf& shelf = own(parsed->first);
  shelf.erase({kind, parsed->second});
  if (shelf.empty()) shelves_.erase(parsed->first);
}

}  // namespace writ::registry
