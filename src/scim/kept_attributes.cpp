#include "scim/kept_attributes.h"

#include <mutex>

namespace writ::scim {
namespace {

constexpr const char* kTable = "scim_resources";
constexpr Seconds kForGood{std::int64_t{100} * 365 * 86'400};

std::string key_of(registry::ObjectKind kind, const std::string& id) { return std::string(registry::collection(kind)) + "/" + id; }

json::Value to_json(Instant time) { return json::Value(std::int64_t{time.time_since_epoch().count()}); }

std::optional<Kept> read(std::string_view text) {
  const auto value = json::parse(text);
  const auto* created = value ? value->find_int("created") : nullptr;
  const auto* last_modified = value ? value->find_int("last_modified") : nullptr;
  const auto* attributes = value ? value->find("attributes") : nullptr;
  if (!created || !last_modified || !attributes || !attributes->is_object()) return std::nullopt;
  return Kept{Instant{Milliseconds{*created}}, Instant{Milliseconds{*last_modified}}, *attributes};
}

}  // namespace

Result<std::unique_ptr<KeptAttributes>, Unavailable> KeptAttributes::open(registry::Documents& documents) {
  std::unique_ptr<KeptAttributes> all(new KeptAttributes(documents));
  for (const registry::Document& document : TRY(documents.load(kTable))) TRY(all->take_over(document));
  return all;
}

std::string_view KeptAttributes::table() const { return kTable; }

Result<void, Unavailable> KeptAttributes::take_over(const registry::Document& document) {
  Entry taken{document.version, nullptr};
  if (document.json != "{}") {
    auto kept = read(document.json);
    if (!kept) return unexpected(Unavailable{"what a directory said of somebody cannot be read"});
    taken.kept = std::make_shared<const Kept>(std::move(*kept));
  }
  const std::unique_lock lock(mutex_);
  Entry& entry = entries_[document.key];
  if (document.version > entry.version) entry = std::move(taken);
  return {};
}

std::shared_ptr<const Kept> KeptAttributes::find(registry::ObjectKind kind, const std::string& id) const {
  const std::string key = key_of(kind, id);
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.kept;
}

Task<Result<void, Unavailable>> KeptAttributes::keep(registry::ObjectKind kind, std::string id, Kept kept) {
  const json::Value value{{"created", to_json(kept.created)}, {"last_modified", to_json(kept.last_modified)}, {"attributes", kept.attributes}};
  const Instant until = kept.last_modified + kForGood;
  return registry::write_through(documents_, [this, key = key_of(kind, id), text = json::write(value), until, shared = std::make_shared<const Kept>(std::move(kept))]() -> std::optional<registry::Document> {
    const std::unique_lock lock(mutex_);
    Entry& entry = entries_[key];
    entry = Entry{entry.version + 1, shared};
    return registry::Document{kTable, key, entry.version, until, text};
  });
}

Task<Result<void, Unavailable>> KeptAttributes::forget(registry::ObjectKind kind, std::string id, Instant now) {
  return registry::write_through(documents_, [this, key = key_of(kind, id), now]() -> std::optional<registry::Document> {
    const std::unique_lock lock(mutex_);
    Entry& entry = entries_[key];
    entry = Entry{entry.version + 1, nullptr};
    return registry::Document{kTable, key, entry.version, now, "{}"};
  });
}

}  // namespace writ::scim
