#include "token_service/key_rotation.h"

#include <algorithm>

#include "encoding/base64url.h"
#include "encoding/json.h"

namespace writ::token_service {
namespace {

constexpr const char* kTable = "signing_keys";
// Documents of keys do not expire by themselves: a key is dropped when its successor's time says so.
const Instant kFarAway = from_unix_seconds(253'402'300'799);

Instant gone_at(const KeyTimes& successor, const RotationRules& rules) { return successor.active_from + rules.keep_after; }

}  // namespace

std::size_t active_key(const std::vector<KeyTimes>& keys, Instant now) {
  std::size_t active = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].active_from <= now) active = i;
  }
  return active;
}

bool is_published(const std::vector<KeyTimes>& keys, std::size_t index, const RotationRules& rules, Instant now) {
  return index + 1 >= keys.size() || now < gone_at(keys[index + 1], rules);
}

bool needs_successor(const std::vector<KeyTimes>& keys, const RotationRules& rules, Instant now) {
  return keys.empty() || now >= keys.back().active_from + rules.age_max - rules.publish_before;
}

RotatingKeys::RotatingKeys(registry::Documents& documents, crypto::SealingKey sealing_key, std::string use, RotationRules rules)
    : documents_(documents), sealing_key_(std::move(sealing_key)), use_(std::move(use)), rules_(rules) {}

// Nothing: it is a key for another use.
Result<std::optional<RotatingKeys::Key>, Unavailable> RotatingKeys::read(const registry::Document& document) const {
  const auto parsed = json::parse(document.json);
  if (!parsed || !parsed->find_string("use") || *parsed->find_string("use") != use_ || parsed->find("withdrawn")) return std::optional<Key>();
  const auto* created = parsed->find_int("created");
  const auto* active_from = parsed->find_int("active_from");
  const auto* algorithm_name = parsed->find_string("algorithm");
  const auto* sealed_text = parsed->find_string("sealed");
  if (!created || !active_from || !algorithm_name || !sealed_text) return unexpected(Unavailable{"a stored signing key is damaged"});
  const auto algorithm = crypto::parse_algorithm(*algorithm_name);
  const auto sealed = base64url::decode(*sealed_text);
  const auto pem = sealed ? sealing_key_.open(*sealed, use_ + ":" + document.key) : std::nullopt;
  // Starting with other keys than the stored ones would make every token out there invalid: better not to start.
  if (!algorithm || !pem) return unexpected(Unavailable{"a stored signing key does not open with the configured sealing key"});
  auto key = crypto::PrivateKey::from_pem(*pem);
  if (!key || !key->fits(*algorithm)) return unexpected(Unavailable{"a stored signing key is damaged"});
  return std::optional<Key>(Key{{document.key, Instant{Milliseconds{*created}}, Instant{Milliseconds{*active_from}}}, {document.key, *algorithm, std::move(*key)}, document.version});
}

Result<std::unique_ptr<RotatingKeys>, Unavailable> RotatingKeys::open(registry::Documents& documents, crypto::SealingKey sealing_key, std::string use,
                                                                      RotationRules rules, Instant now) {
  std::unique_ptr<RotatingKeys> opened(new RotatingKeys(documents, std::move(sealing_key), std::move(use), rules));
  std::vector<Key> keys;
  for (const auto& document : TRY(documents.load(kTable))) {
    auto key = TRY(opened->read(document));
    if (key) keys.push_back(std::move(*key));
  }
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.times.active_from < b.times.active_from; });
  if (keys.empty()) {
    auto first = crypto::PrivateKey::generate(rules.algorithm);
    const std::string kid = jose::thumbprint(first.public_key()).substr(0, 16);
    keys.push_back({{kid, now, now}, {kid, rules.algorithm, std::move(first)}});
    QueueExecutor executor;   // start-up: no event loop yet
    TRY(run(executor, documents.put(opened->document_of(keys.back()))));
  }
  opened->install(std::move(keys), now);
  return opened;
}

registry::Document RotatingKeys::document_of(const Key& key) const {
  const Secret pem = key.signing_key.key.to_pem();
  const std::string sealed = sealing_key_.seal(pem.reveal(), use_ + ":" + key.times.kid);
  const json::Value value{{"use", use_},
                          {"algorithm", crypto::to_string(key.signing_key.algorithm)},
                          {"created", std::int64_t{key.times.created.time_since_epoch().count()}},
                          {"active_from", std::int64_t{key.times.active_from.time_since_epoch().count()}},
                          {"sealed", base64url::encode(sealed)}};
  return {kTable, key.times.kid, 1, kFarAway, json::write(value)};
}

void RotatingKeys::install(std::vector<Key> keys, Instant now) {
  std::vector<KeyTimes> times;
  for (const Key& key : keys) times.push_back(key.times);
  const std::size_t active = active_key(times, now);
  std::vector<jose::Jwk> published;
  std::vector<Key> kept;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!is_published(times, i, rules_, now)) continue;
    published.push_back(keys[i].signing_key.public_jwk());
    kept.push_back(keys[i]);
  }
  ring_.store(std::make_shared<const KeyRing>(KeyRing{keys[active].signing_key, jose::KeySet(std::move(published))}));
  keys_ = std::move(kept);
  installed_ = now;
}

// INVARIANT: a key is durable, and known to every node, before it signs or is published.
void RotatingKeys::add(Key key, Instant now) {
  const std::lock_guard lock(mutex_);
  std::vector<Key> keys = keys_;
  for (const Key& known : keys) {
    if (known.times.kid == key.times.kid) return;
  }
  keys.push_back(std::move(key));
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.times.active_from < b.times.active_from; });
  install(std::move(keys), now);
}

void RotatingKeys::forget(const std::string& kid) {
  const std::lock_guard lock(mutex_);
  std::vector<Key> keys = keys_;
  const auto removed = std::erase_if(keys, [&](const Key& key) { return key.times.kid == kid; });
  // What takes its place was stored before it was withdrawn, so that it is never the last one.
  if (removed != 0 && !keys.empty()) install(std::move(keys), installed_);
}

std::string_view RotatingKeys::table() const { return kTable; }

Result<void, Unavailable> RotatingKeys::take_over(const registry::Document& document) {
  auto key = TRY(read(document));
  if (!key) {
    forget(document.key);   // withdrawn there, or of another use and not among ours
    return {};
  }
  const Instant now = std::max(key->times.created, [this] {
    const std::lock_guard lock(mutex_);
    return installed_;
  }());
  add(std::move(*key), now);
  return {};
}

std::shared_ptr<const KeyRing> RotatingKeys::current() const { return ring_.load(); }

Task<Result<void, Unavailable>> RotatingKeys::tick(Instant now) {
  bool due = false;
  {
    const std::lock_guard lock(mutex_);
    std::vector<KeyTimes> times;
    for (const Key& key : keys_) times.push_back(key.times);
    due = needs_successor(times, rules_, now) || keys_.back().signing_key.algorithm != rules_.algorithm;
    if (!due) install(keys_, now);
  }
  if (due) {
    const auto rotated = co_await rotate(now, false);
    if (!rotated) co_return unexpected(rotated.error());
  }
  co_return Result<void, Unavailable>{};
}

Task<Result<std::string, Unavailable>> RotatingKeys::rotate(Instant now, bool at_once) {
  auto private_key = crypto::PrivateKey::generate(rules_.algorithm);
  const std::string kid = jose::thumbprint(private_key.public_key()).substr(0, 16);
  Key key{{kid, now, at_once ? now : now + rules_.publish_before}, {kid, rules_.algorithm, std::move(private_key)}};
  registry::Document document = document_of(key);
  const auto stored = co_await documents_.put(std::move(document));
  if (!stored) co_return unexpected(stored.error());
  add(std::move(key), now);
  co_return kid;
}

Task<Result<std::optional<std::string>, Unavailable>> RotatingKeys::withdraw(std::string kid, Instant now) {
  bool is_known = false, is_last = false, was_active = false;
  std::int64_t version = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const Key& key : keys_) {
      if (key.times.kid == kid) is_known = true, version = key.version;
    }
    is_last = keys_.size() == 1;
    was_active = current()->active.kid == kid;
  }
  if (!is_known) co_return std::optional<std::string>();
  // Somebody must sign when it is gone, and whoever made a successor before may have had that one, too.
  if (was_active || is_last) {
    const auto made = co_await rotate(now, true);
    if (!made) co_return unexpected(made.error());
  }
  // What is left of it says that it was there. Nothing of the key itself: a store that is restored from a backup does not bring it back either, for the
  // higher version stays.
  const json::Value value{{"use", use_}, {"withdrawn", std::int64_t{now.time_since_epoch().count()}}};
  registry::Document document{kTable, kid, version + 1, kFarAway, json::write(value)};
  const auto stored = co_await documents_.put(std::move(document));
  if (!stored) co_return unexpected(stored.error());
  forget(kid);
  co_return std::optional<std::string>(current()->active.kid);
}

std::vector<jose::SigningKey> RotatingKeys::held() const {
  const std::lock_guard lock(mutex_);
  std::vector<jose::SigningKey> held;
  for (const Key& key : keys_) held.push_back(key.signing_key);
  return held;
}

std::vector<RotatingKeys::Listed> RotatingKeys::list(Instant now) const {
  const std::lock_guard lock(mutex_);
  std::vector<KeyTimes> times;
  for (const Key& key : keys_) times.push_back(key.times);
  std::vector<Listed> listed;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    listed.push_back({times[i], keys_[i].signing_key.algorithm, i == active_key(times, now), is_published(times, i, rules_, now)});
  }
  return listed;
}

}  // namespace writ::token_service
