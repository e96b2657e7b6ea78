#include "token_service/idp/document_fields.h"
#include "token_service/idp/stores.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kTable = "idp_refresh_families";

registry::Document document_of(const RefreshFamily& family, std::int64_t version) {
  json::Value value{{"client", family.client_id},
                    {"agent", family.agent_id},
                    {"user", family.user_id},
                    {"sid", family.sid},
                    {"scope", family.scope},
                    {"device", family.device_id},
                    {"created", to_json(family.created)},
                    {"expires", to_json(family.expires)},
                    {"revoked", family.revoked},
                    {"successor_key", family.successor_key},
                    {"generations", to_json(family.generations)},
                    {"rotated", to_json(family.rotated)},
                    {"current_used", family.current_used}};
  if (!family.dpop_jkt.empty()) value.set("dpop_jkt", family.dpop_jkt);
  return {kTable, family.id, version, family.expires, json::write(value)};
}

Result<RefreshFamily, Unavailable> read(const registry::Document& document) {
  auto fields = TRY(DocumentFields::parse(document));
  RefreshFamily family{document.key, fields.text("client"), fields.text("agent"), fields.text("user"), fields.text("sid"),
                       fields.text("scope"), fields.text("device"), fields.time("created"), fields.time("expires"),
                       fields.flag("revoked"), fields.text("successor_key"), fields.texts("generations"), fields.time("rotated"),
                       fields.flag("current_used")};
  if (fields.has("dpop_jkt")) family.dpop_jkt = fields.text("dpop_jkt");
  if (!fields.ok()) return unexpected(Unavailable{"a stored refresh token cannot be read"});
  return family;
}

}  // namespace

void RefreshTokens::index(const RefreshFamily& family) {
  for (std::size_t i = 0; i < family.generations.size(); ++i) by_digest_[family.generations[i]] = {family.id, i};
}

Result<std::unique_ptr<RefreshTokens>, Unavailable> RefreshTokens::open(registry::Documents& documents) {
  std::unique_ptr<RefreshTokens> tokens(new RefreshTokens(documents));
  for (const auto& document : TRY(documents.load(kTable))) {
    RefreshFamily family = TRY(read(document));
    tokens->index(family);
    tokens->families_.emplace(document.key, Entry{std::move(family), document.version});
  }
  return tokens;
}

std::string_view RefreshTokens::table() const { return kTable; }

Result<void, Unavailable> RefreshTokens::take_over(const registry::Document& document) {
  RefreshFamily family = TRY(read(document));
  const std::lock_guard lock(mutex_);
  Entry& entry = families_.emplace(document.key, Entry{{}, 0}).first->second;
  if (document.version <= entry.version) return {};
  for (const auto& digest : entry.family.generations) by_digest_.erase(digest);
  index(family);
  entry.family = std::move(family), entry.version = document.version;
  return {};
}

std::optional<RefreshTokens::Presented> RefreshTokens::find(std::string_view token) const {
  const std::string digest = digest_of(token);
  const std::lock_guard lock(mutex_);
  const auto found = by_digest_.find(digest);
  if (found == by_digest_.end()) return std::nullopt;
  return Presented{families_.at(found->second.first).family, found->second.second};
}

std::vector<RefreshFamily> RefreshTokens::of_user(std::string_view user_id) const {
  std::vector<RefreshFamily> families;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, entry] : families_) {
    if (entry.family.user_id == user_id) families.push_back(entry.family);
  }
  return families;
}

Task<Result<bool, Unavailable>> RefreshTokens::add(RefreshFamily family) {
  bool lives = false;
  std::function<std::optional<registry::Document>()> change = [&]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto [entry, added] = families_.emplace(family.id, Entry{family, 1});
    // The only way to be revoked already is revoke_family: the code was replayed while its tokens were being made.
    lives = !entry->second.family.revoked;
    if (!lives) return std::nullopt;
    index(entry->second.family);
    return document_of(entry->second.family, entry->second.version);
  };
  const auto written = co_await registry::write_through(documents_, std::move(change));
  if (!written) co_return unexpected(written.error());
  co_return lives;
}

Task<Result<bool, Unavailable>> RefreshTokens::rotate(std::string family_id, std::size_t generation, std::string successor_digest,
                                                      Instant now) {
  bool rotated = false;
  std::function<std::optional<registry::Document>()> change = [&]() -> std::optional<registry::Document> {
    rotated = false;
    const std::lock_guard lock(mutex_);
    const auto found = families_.find(family_id);
    if (found == families_.end() || found->second.family.revoked) return std::nullopt;
    RefreshFamily& family = found->second.family;
    const std::size_t current = family.generations.size() - 1;
    if (generation == current) {
      family.generations.push_back(successor_digest);
      family.rotated = now;
      family.current_used = false;
      by_digest_[successor_digest] = {family.id, current + 1};
    } else if (generation + 1 != current || family.generations.back() != successor_digest || family.current_used) {
      return std::nullopt;
    }
    rotated = true;
    // Written again also when a concurrent request did the same: this one too may only answer once the successor is on disk.
    return document_of(family, ++found->second.version);
  };
  const auto written = co_await registry::write_through(documents_, std::move(change));
  if (!written) co_return unexpected(written.error());
  co_return rotated;
}

Task<Result<void, Unavailable>> RefreshTokens::mark_used(std::string family_id, std::size_t generation) {
  return registry::write_through(documents_, [this, family_id = std::move(family_id), generation]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = families_.find(family_id);
    if (found == families_.end()) return std::nullopt;
    RefreshFamily& family = found->second.family;
    if (generation + 1 != family.generations.size() || family.current_used) return std::nullopt;
    family.current_used = true;
    return document_of(family, ++found->second.version);
  });
}

Task<Result<void, Unavailable>> RefreshTokens::revoke_family(std::string family_id, Instant forget_after) {
  return registry::write_through(documents_, [this, family_id = std::move(family_id), forget_after]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto [entry, added] = families_.emplace(family_id, Entry{});
    RefreshFamily& family = entry->second.family;
    if (added) family.id = family_id, family.expires = forget_after;
    family.revoked = true;
    // Version 1 may be on its way from add(): this one is always higher.
    return document_of(family, ++entry->second.version);
  });
}

Task<Result<void, Unavailable>> RefreshTokens::revoke_of_session(std::string sid) {
  std::vector<std::pair<std::string, Instant>> ids;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : families_) {
      if (entry.family.sid == sid && !entry.family.revoked) ids.emplace_back(id, entry.family.expires);
    }
  }
  for (const auto& [id, expires] : ids) {
    const auto revoked = co_await revoke_family(id, expires);
    if (!revoked) co_return unexpected(revoked.error());
  }
  co_return Result<void, Unavailable>{};
}

void RefreshTokens::forget_expired(Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(families_, [&](const auto& item) {
    if (item.second.family.expires > now) return false;
    for (const auto& digest : item.second.family.generations) by_digest_.erase(digest);
    return true;
  });
}

}  // namespace writ::token_service::idp
