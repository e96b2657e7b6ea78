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

}  // namespace

Result<std::unique_ptr<StoredDeviceKeys>, Unavailable> StoredDeviceKeys::open(registry::Documents& documents) {
  std::unique_ptr<StoredDeviceKeys> keys(new StoredDeviceKeys(documents));
  for (const auto& document : TRY(documents.load(kTable))) {
    auto fields = TRY(DocumentFields::parse(document));
    DeviceKey key{fields.text("id"), fields.text("user"), fields.text("agent"), fields.text("name"), document.key,
                  fields.text("jwk"), fields.text("session"), fields.flag("active"), fields.time("created")};
    if (!fields.ok()) return unexpected(Unavailable{"a stored device key cannot be read"});
    keys->by_thumbprint_.emplace(document.key, Entry{std::move(key), document.version});
  }
  return keys;
}

std::optional<DeviceKey> StoredDeviceKeys::find(std::string_view thumbprint) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_thumbprint_.find(std::string(thumbprint));
  if (found == by_thumbprint_.end()) return std::nullopt;
  return found->second.key;
}

Task<Result<void, Unavailable>> StoredDeviceKeys::add(DeviceKey key) {
  const std::lock_guard lock(mutex_);
  const std::string thumbprint = key.thumbprint;
  const auto [entry, added] = by_thumbprint_.emplace(thumbprint, Entry{key, 1});
  if (!added) entry->second.key = std::move(key), ++entry->second.version;
  return documents_.put(document_of(entry->second.key, entry->second.version));
}

Task<Result<void, Unavailable>> StoredDeviceKeys::deactivate(std::string id) {
  const std::lock_guard lock(mutex_);
  for (auto& [thumbprint, entry] : by_thumbprint_) {
    if (entry.key.id != id) continue;
    entry.key.active = false;
    return documents_.put(document_of(entry.key, ++entry.version));
  }
  return nothing_to_write();
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
