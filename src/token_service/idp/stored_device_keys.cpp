#include "token_service/idp/document_fields.h"
#include "token_service/idp/stores.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kTable = "device_keys";
const Instant kNever{Milliseconds{253'402'300'799'000}};   // the end of the year 9999

registry::Document document_of(const DeviceKey& key, std::int64_t version) {
  json::Value value{{"id", key.id},   {"user", key.user_id},       {"agent", key.agent_id},   {"name", key.name},
                    {"jwk", key.jwk}, {"session", key.session}, {"active", key.active}, {"created", to_json(key.created)}};
  return {kTable, key.thumbprint, version, kNever, json::write(value)};
}

Result<DeviceKey, Unavailable> read(const registry::Document& document) {
  auto fields = TRY(DocumentFields::parse(document));
  DeviceKey key{fields.text("id"), fields.text("user"), fields.text("agent"), fields.text("name"), document.key,
                fields.text("jwk"), fields.text("session"), fields.flag("active"), fields.time("created")};
  if (!fields.ok()) return unexpected(Unavailable{"a stored device key cannot be read"});
  return key;
}

}  // namespace

Result<std::unique_ptr<StoredDeviceKeys>, Unavailable> StoredDeviceKeys::open(registry::Documents& documents) {
  std::unique_ptr<StoredDeviceKeys> keys(new StoredDeviceKeys(documents));
  for (const auto& document : TRY(documents.load(kTable))) {
    DeviceKey key = TRY(read(document));
    keys->by_thumbprint_.emplace(document.key, Entry{std::move(key), document.version});
  }
  return keys;
}

std::string_view StoredDeviceKeys::table() const { return kTable; }

Result<void, Unavailable> StoredDeviceKeys::take_over(const registry::Document& document) {
  DeviceKey key = TRY(read(document));
  const std::lock_guard lock(mutex_);
  Entry& entry = by_thumbprint_.emplace(document.key, Entry{{}, 0}).first->second;
  if (document.version > entry.version) entry.key = std::move(key), entry.version = document.version;
  return {};
}

std::optional<DeviceKey> StoredDeviceKeys::find(std::string_view thumbprint) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_thumbprint_.find(std::string(thumbprint));
  if (found == by_thumbprint_.end()) return std::nullopt;
  return found->second.key;
}

Task<Result<void, Unavailable>> StoredDeviceKeys::add(DeviceKey key) {
  return registry::write_through(documents_, [this, key = std::move(key)]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    Entry& entry = by_thumbprint_.emplace(key.thumbprint, Entry{key, 0}).first->second;
    entry.key = key;
    return document_of(entry.key, ++entry.version);
  });
}

Task<Result<void, Unavailable>> StoredDeviceKeys::deactivate(std::string id) {
  return registry::write_through(documents_, [this, id = std::move(id)]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    for (auto& [thumbprint, entry] : by_thumbprint_) {
      if (entry.key.id != id) continue;
      entry.key.active = false;
      return document_of(entry.key, ++entry.version);
    }
    return std::nullopt;
  });
}

std::vector<DeviceKey> StoredDeviceKeys::of_user(std::string_view user_id) const {
  std::vector<DeviceKey> keys;
  const std::lock_guard lock(mutex_);
  for (const auto& [thumbprint, entry] : by_thumbprint_) {
    if (entry.key.user_id == user_id) keys.push_back(entry.key);
  }
  return keys;
}

}  // namespace writ::token_service::idp
