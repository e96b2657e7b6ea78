#include "token_service/pushed_requests.h"

#include "crypto/random.h"

namespace writ::token_service {
namespace {

constexpr std::string_view kPrefix = "urn:ietf:params:oauth:request_uri:";

}  // namespace

bool is_pushed_request_uri(std::string_view text) { return text.starts_with(kPrefix); }

void PushedRequests::forget_expired(Instant now) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (now < entry->second.ends) {
      ++entry;
      continue;
    }
    const auto count = of_client_.find(entry->second.client_id);
    if (--count->second == 0) of_client_.erase(count);
    entry = entries_.erase(entry);
  }
}

std::optional<std::string> PushedRequests::add(std::string client_id, form::Parameters parameters, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto count = of_client_.find(client_id);
  if (entries_.size() >= kMax || (count != of_client_.end() && count->second >= kOfOneClientMax)) forget_expired(now);
  if (entries_.size() >= kMax || of_client_[client_id] >= kOfOneClientMax) return std::nullopt;
  ++of_client_[client_id];
  std::string request_uri = std::string(kPrefix) + crypto::random_token(32);
  entries_.emplace(request_uri, Entry{std::move(client_id), std::move(parameters), now + kBeginsWithin, now + kBeginsWithin});
  return request_uri;
}

std::optional<form::Parameters> PushedRequests::find(std::string_view request_uri, std::string_view client_id, Use use, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(request_uri);
  if (found == entries_.end() || found->second.client_id != client_id) return std::nullopt;
  Entry& entry = found->second;
  if (now >= (use == Use::begins ? entry.begins_until : entry.ends)) return std::nullopt;
  // From here on the person types; the page may be loaded again, the request is the same.
  if (use == Use::begins && entry.ends == entry.begins_until) entry.ends = now + kSignInWithin;
  return entry.parameters;
}

bool PushedRequests::take(std::string_view request_uri, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(request_uri);
  if (found == entries_.end() || now >= found->second.ends) return false;
  const auto count = of_client_.find(found->second.client_id);
  if (--count->second == 0) of_client_.erase(count);
  entries_.erase(found);
  return true;
}

}  // namespace writ::token_service
