#include "token_service/key_rotation.h"

#include <algorithm>

#include "encoding/base64url.h"
#include "encoding/json.h"

namespace writ::token_service {
namespace {

constexpr const char* kTable = "signing_keys";
constexpr const char* kDamaged = "a stored signing key is damaged";
// Documents of keys do not expire by themselves: a key is dropped when its successor's time says so.
const Instant kFarAway = from_unix_seconds(253'402'300'799);

// What is sealed for a key in a token is not taken for a private key, nor the other way round.
std::string purpose_of(const std::string& use, const std::string& kid, bool is_in_token) { return use + ":" + kid + (is_in_token ? ":pkcs11" : ""); }

std::string kid_of(const crypto::PublicKey& key) { return jose::thumbprint(key).substr(0, 16); }

// Where a key is and how it is verified. Sealed, although nothing of it is secret: whoever writes to the store must not have us publish a key of his.
std::string write_reference(const crypto::Pkcs11Key& key) {
  const auto& of = key.public_key().parameters();
  const auto member = [](const std::string& bytes) { return base64url::encode(bytes); };
  return json::write(json::Value{{"id", member(key.id())}, {"kty", of.kty}, {"crv", of.crv}, {"x", member(of.x)}, {"y", member(of.y)}, {"n", member(of.n)}, {"e", member(of.e)}});
}

Result<crypto::Pkcs11Key, Unavailable> read_reference(const Secret& text, const std::shared_ptr<crypto::Pkcs11Token>& token) {
  if (!token) return unexpected(Unavailable{"a stored signing key is in a PKCS#11 token, and `keys.pkcs11` is not configured"});
  const auto parsed = json::parse(text.reveal());
  if (!parsed) return unexpected(Unavailable{kDamaged});
  bool is_whole = true;
  const auto word = [&](const char* name) {
    const auto* found = parsed->find_string(name);
    is_whole = is_whole && found != nullptr;
    return found ? *found : std::string();
  };
  const auto bytes = [&](const char* name) {
    auto decoded = base64url::decode(word(name));
    is_whole = is_whole && decoded.has_value();
    return decoded ? *decoded : std::string();
  };
  const std::string id = bytes("id"), kty = word("kty"), crv = word("crv"), x = bytes("x"), y = bytes("y"), n = bytes("n"), e = bytes("e");
  if (!is_whole) return unexpected(Unavailable{kDamaged});
  auto key = kty == "RSA" ? crypto::PublicKey::from_rsa(n, e) : kty == "EC" ? crypto::PublicKey::from_ec(crv, x, y) : crypto::PublicKey::from_ed25519(x);
  if (!key) return unexpected(Unavailable{kDamaged});
  return crypto::Pkcs11Key(token, id, std::move(*key));
}

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
  if (!created || !active_from || !algorithm_name || !sealed_text) return unexpected(Unavailable{kDamaged});
  const auto algorithm = crypto::parse_algorithm(*algorithm_name);
  const auto sealed = base64url::decode(*sealed_text);
  const bool is_in_token = parsed->find("in_token") != nullptr;
  const auto opened = sealed ? sealing_key_.open(*sealed, purpose_of(use_, document.key, is_in_token)) : std::nullopt;
  // Starting with other keys than the stored ones would make every token out there invalid: better not to start.
  if (!algorithm || !opened) return unexpected(Unavailable{"a stored signing key does not open with the configured sealing key"});
  const KeyTimes times{document.key, Instant{Milliseconds{*created}}, Instant{Milliseconds{*active_from}}};
  if (is_in_token) {
    auto reference = TRY(read_reference(*opened, rules_.token));
    if (!reference.fits(*algorithm)) return unexpected(Unavailable{kDamaged});
    return std::optional<Key>(Key{times, jose::IssuerKey(document.key, *algorithm, std::move(reference)), document.version});
  }
  auto key = crypto::PrivateKey::from_pem(*opened);
  if (!key || !key->fits(*algorithm)) return unexpected(Unavailable{kDamaged});
  return std::optional<Key>(Key{times, jose::SigningKey{document.key, *algorithm, std::move(*key)}, document.version});
}

Result<std::unique_ptr<RotatingKeys>, Unavailable> RotatingKeys::open(registry::Documents& documents, crypto::SealingKey sealing_key, std::string use,
                                                                      RotationRules rules, Instant now) {
  std::unique_ptr<RotatingKeys> opened(new RotatingKeys(documents, std::move(sealing_key), std::move(use), rules));
  std::vector<Key> keys;
  for (const auto& document : TRY(documents.load(kTable))) {
    opened->ever_.insert(document.key);
    auto key = TRY(opened->read(document));
    if (key) keys.push_back(std::move(*key));
  }
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) { return a.times.active_from < b.times.active_from; });
  if (keys.empty()) {
    keys.push_back(TRY(opened->make(now, now)));
    opened->ever_.insert(keys.back().times.kid);
    QueueExecutor executor;   // start-up: no event loop yet
    TRY(run(executor, documents.put(opened->document_of(keys.back()))));
  }
  opened->install(std::move(keys), now);
  // Better no start than one after which the first request finds out that the token holds another key, or none.
  const jose::IssuerKey& active = opened->current()->active;
  if (active.in_token()) TRY(active.sign("start"));
  return opened;
}

registry::Document RotatingKeys::document_of(const Key& key) const {
  const auto* in_token = key.signing_key.in_token();
  const Secret content = in_token ? Secret(write_reference(*in_token)) : key.signing_key.held()->key.to_pem();
  const std::string sealed = sealing_key_.seal(content.reveal(), purpose_of(use_, key.times.kid, in_token != nullptr));
  json::Value value{{"use", use_},
                          {"algorithm", crypto::to_string(key.signing_key.algorithm)},
                          {"created", std::int64_t{key.times.created.time_since_epoch().count()}},
                          {"active_from", std::int64_t{key.times.active_from.time_since_epoch().count()}},
                          {"sealed", base64url::encode(sealed)}};
  if (in_token) value.set("in_token", true);
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

bool RotatingKeys::was_ever_ours(const std::string& kid) const {
  const std::lock_guard lock(mutex_);
  return ever_.contains(kid);
}

Result<RotatingKeys::Key, Unavailable> RotatingKeys::make(Instant created, Instant active_from) const {
  if (!rules_.token) {
    auto key = crypto::PrivateKey::generate(rules_.algorithm);
    const std::string kid = kid_of(key.public_key());
    return Key{{kid, created, active_from}, jose::SigningKey{kid, rules_.algorithm, std::move(key)}};
  }
  if (!rules_.key_label.empty()) {
    // Once: a key that was replaced, or withdrawn because somebody else has it, must not come back by its label.
    crypto::Pkcs11Key key = TRY(crypto::Pkcs11Token::find(rules_.token, rules_.algorithm, rules_.key_label));
    const std::string kid = kid_of(key.public_key());
    if (!was_ever_ours(kid)) return Key{{kid, created, active_from}, jose::IssuerKey(kid, rules_.algorithm, std::move(key))};
  }
  crypto::Pkcs11Key key = TRY(crypto::Pkcs11Token::generate(rules_.token, rules_.algorithm, "writ " + use_));
  const std::string kid = kid_of(key.public_key());
  return Key{{kid, created, active_from}, jose::IssuerKey(kid, rules_.algorithm, std::move(key))};
}

// INVARIANT: a key is durable, and known to every node, before it signs or is published.
void RotatingKeys::add(Key key, Instant now) {
  const std::lock_guard lock(mutex_);
  std::vector<Key> keys = keys_;
  ever_.insert(key.times.kid);
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
    {
      const std::lock_guard lock(mutex_);
      ever_.insert(document.key);
    }
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
    const jose::IssuerKey& newest = keys_.back().signing_key;
    due = needs_successor(times, rules_, now) || newest.algorithm != rules_.algorithm || (newest.in_token() != nullptr) != (rules_.token != nullptr);
    if (!due) install(keys_, now);
  }
  if (due) {
    const auto rotated = co_await rotate(now, false);
    if (!rotated) co_return unexpected(rotated.error());
  }
  co_return Result<void, Unavailable>{};
}

Task<Result<std::string, Unavailable>> RotatingKeys::rotate(Instant now, bool at_once) {
  auto made = make(now, at_once ? now : now + rules_.publish_before);
  if (!made) co_return unexpected(made.error());
  Key key = std::move(*made);
  const std::string kid = key.times.kid;
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
  for (const Key& key : keys_) {
    if (auto of_process = key.signing_key.held()) held.push_back(std::move(*of_process));
  }
  return held;
}

bool RotatingKeys::has(std::string_view kid) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(keys_.begin(), keys_.end(), [&](const Key& key) { return key.times.kid == kid; });
}

std::vector<RotatingKeys::Listed> RotatingKeys::list(Instant now) const {
  const std::lock_guard lock(mutex_);
  std::vector<KeyTimes> times;
  for (const Key& key : keys_) times.push_back(key.times);
  std::vector<Listed> listed;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    listed.push_back({times[i], keys_[i].signing_key.algorithm, i == active_key(times, now), is_published(times, i, rules_, now), keys_[i].signing_key.in_token() != nullptr});
  }
  return listed;
}

}  // namespace writ::token_service
