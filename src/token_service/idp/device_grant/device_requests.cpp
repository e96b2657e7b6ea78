#include "token_service/idp/device_grant/device_requests.h"

#include <algorithm>

#include "crypto/random.h"
#include "token_service/failure_throttle.h"
#include "token_service/idp/document_fields.h"
#include "token_service/idp/stores.h"

namespace writ::token_service::idp {
namespace {

// RFC 8628 §6.1: no vowels, so that no words come up; nothing that is read for another.
constexpr std::string_view kLetters = "BCDFGHJKLMNPQRSTVWXZ";
constexpr std::size_t kLength = 8;

std::string new_user_code() {
  std::string code;
  while (code.size() < kLength) {
    for (const char byte : crypto::random_bytes(16)) {
      const auto value = static_cast<unsigned char>(byte);
      // 240 is the largest multiple of 20 in a byte: what is above would make some letters likelier.
      if (value < 240 && code.size() < kLength) code += kLetters[value % kLetters.size()];
    }
  }
  return code;
}

std::string plain_code(std::string_view typed) {
  std::string code;
  for (const char c : typed.substr(0, 64)) {
    if (c == '-' || c == ' ') continue;
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (kLetters.find(upper) == std::string_view::npos) return {};
    code += upper;
  }
  return code.size() == kLength ? code : std::string();
}

}  // namespace

std::string shown_code(std::string_view user_code) { return std::string(user_code.substr(0, kLength / 2)) + "-" + std::string(user_code.substr(std::min(user_code.size(), kLength / 2))); }

registry::Document DeviceRequests::document_of(const Entry& entry) const {
  const DeviceRequest& request = entry.request;
  const json::Value value{{"digest", request.device_code_digest}, {"client", request.client_id}, {"agent", request.agent_id}, {"scope", request.scope}, {"peer", request.peer},
                          {"created", to_json(request.created)}, {"expires", to_json(request.expires)}, {"state", static_cast<std::int64_t>(request.state)}};
  return {std::string(table()), request.user_code, entry.version, request.expires + kRemembered, json::write(value)};
}

Result<void, Unavailable> DeviceRequests::take_over(const registry::Document& document) {
  auto fields = TRY(DocumentFields::parse(document));
  DeviceRequest request{document.key, fields.text("digest"), fields.text("client"), fields.text("agent"), fields.text("scope"), fields.text("peer"), fields.time("created"), fields.time("expires")};
  const std::int64_t state = fields.number("state");
  if (!fields.ok() || state < 0 || state > static_cast<std::int64_t>(DeviceRequest::State::denied)) return unexpected(Unavailable{"a stored device request cannot be read"});
  request.state = static_cast<DeviceRequest::State>(state);
  const std::lock_guard lock(mutex_);
  Entry& entry = by_user_code_.emplace(document.key, Entry{request, 0, request.created, kInterval}).first->second;
  if (document.version <= entry.version) return {};
  by_digest_.insert_or_assign(request.device_code_digest, document.key);
  entry.request = std::move(request), entry.version = document.version;
  return {};
}

Result<std::shared_ptr<DeviceRequests>, Unavailable> DeviceRequests::open(RequestHome home) {
  std::shared_ptr<DeviceRequests> requests(new DeviceRequests(std::move(home)));
  for (const auto& document : TRY(requests->home_.load())) TRY(requests->take_over(document));
  return requests;
}

Task<Result<std::optional<DeviceRequests::New>, Unavailable>> DeviceRequests::add(std::string client_id, std::string agent_id, std::string scope, std::string peer, Instant now) {
  auto made = add_here(std::move(client_id), std::move(agent_id), std::move(scope), std::move(peer), now);
  if (!made) co_return std::optional<New>{};
  // Two nodes that think of one code at one moment: the second finds the first's, and its device begins again.
  const auto is_ours = std::make_shared<bool>(true);
  auto keeping = home_.keep([this, code = made->request.user_code, digest = made->request.device_code_digest, is_ours]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = by_user_code_.find(code);
    *is_ours = found != by_user_code_.end() && found->second.request.device_code_digest == digest;
    if (!*is_ours) return std::nullopt;
    return document_of(found->second);
  });
  const auto kept = co_await keeping;
  if (!kept) co_return unexpected(kept.error());
  if (!*is_ours) co_return unexpected(Unavailable{"another device got the same code"});
  co_return made;
}

std::optional<DeviceRequests::New> DeviceRequests::add_here(std::string client_id, std::string agent_id, std::string scope, std::string peer, Instant now) {
  const std::string source = throttled_source(peer);
  const std::lock_guard lock(mutex_);
  const auto of_source = std::count_if(by_user_code_.begin(), by_user_code_.end(), [&](const auto& item) {
    return now < item.second.request.expires && throttled_source(item.second.request.peer) == source;
  });
  if (by_user_code_.size() >= kMax || static_cast<std::size_t>(of_source) >= kOfOneSourceMax) return std::nullopt;
  New made;
  made.device_code = crypto::random_token(32);
  do made.request.user_code = new_user_code();
  while (by_user_code_.contains(made.request.user_code));
  made.request.client_id = std::move(client_id), made.request.agent_id = std::move(agent_id), made.request.scope = std::move(scope), made.request.peer = std::move(peer);
  made.request.device_code_digest = digest_of(made.device_code);
  made.request.created = now, made.request.expires = now + kLifetime;
  by_user_code_.emplace(made.request.user_code, Entry{made.request, 1, now, kInterval});
  by_digest_.emplace(made.request.device_code_digest, made.request.user_code);
  return made;
}

std::optional<DeviceRequest> DeviceRequests::find_waiting(std::string_view typed, Instant now) const {
  const std::string code = plain_code(typed);
  const std::lock_guard lock(mutex_);
  const auto found = by_user_code_.find(code);
  if (found == by_user_code_.end() || now >= found->second.request.expires || found->second.request.state != DeviceRequest::State::waiting) return std::nullopt;
  return found->second.request;
}

Task<Result<bool, Unavailable>> DeviceRequests::decide(std::string user_code, DeviceRequest::State state, Instant now) {
  const auto is_first = std::make_shared<bool>(false);
  auto keeping = home_.keep([this, user_code = std::move(user_code), state, now, is_first]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    *is_first = false;   // where another node was quicker this is asked again
    const auto found = by_user_code_.find(user_code);
    if (found == by_user_code_.end() || now >= found->second.request.expires || found->second.request.state != DeviceRequest::State::waiting) return std::nullopt;
    found->second.request.state = state;
    ++found->second.version;
    *is_first = true;
    return document_of(found->second);
  });
  const auto kept = co_await keeping;
  if (!kept) co_return unexpected(kept.error());
  co_return *is_first;
}

DeviceRequests::Poll DeviceRequests::poll(std::string_view device_code, std::string_view client_id, Instant now) {
  const std::string digest = digest_of(device_code);
  const std::lock_guard lock(mutex_);
  const auto name = by_digest_.find(digest);
  const auto found = name == by_digest_.end() ? by_user_code_.end() : by_user_code_.find(name->second);
  if (found == by_user_code_.end()) return Poll::unknown;
  Entry& entry = found->second;
  if (entry.request.client_id != client_id) return Poll::of_another_client;
  if (now >= entry.request.expires) return Poll::expired;
  if (now < entry.next_poll) {
    entry.interval += kInterval;
    entry.next_poll = now + entry.interval;
    return Poll::slow_down;
  }
  // A little less than the interval: clocks and networks jitter.
  entry.next_poll = now + entry.interval - Seconds{1};
  switch (entry.request.state) {
    case DeviceRequest::State::waiting: return Poll::waiting;
    case DeviceRequest::State::approved: return Poll::approved;
    case DeviceRequest::State::denied: return Poll::denied;
  }
  return Poll::waiting;
}

void DeviceRequests::forget_expired(Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(by_user_code_, [&](const auto& item) { return now >= item.second.request.expires + kRemembered; });
  std::erase_if(by_digest_, [&](const auto& item) { return !by_user_code_.contains(item.second); });
}

bool CodeGuesses::may_try(const std::string& user, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = windows_.find(user);
  return found == windows_.end() || now >= found->second.began + kWindow || found->second.failures < kMax;
}

void CodeGuesses::failed(const std::string& user, Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(windows_, [&](const auto& item) { return now >= item.second.began + kWindow; });
  Window& window = windows_[user];
  if (window.failures++ == 0) window.began = now;
}

}  // namespace writ::token_service::idp
