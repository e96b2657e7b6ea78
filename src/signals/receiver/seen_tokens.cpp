#include "signals/receiver/seen_tokens.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::signals {
namespace {

constexpr const char* kTable = "signals_seen";

std::string key_of(std::string_view issuer, std::string_view jti) {
  return base64url::encode(crypto::sha256_bytes(std::to_string(issuer.size()).append(":").append(issuer).append(jti)).substr(0, 24));
}

}  // namespace

Result<std::unique_ptr<SeenTokens>, Unavailable> SeenTokens::open(registry::Documents& documents) {
  std::unique_ptr<SeenTokens> tokens(new SeenTokens(documents));
  for (const registry::Document& document : TRY(documents.load(kTable))) TRY(tokens->take_over(document));
  return tokens;
}

std::string_view SeenTokens::table() const { return kTable; }

Result<void, Unavailable> SeenTokens::take_over(const registry::Document& document) {
  const std::lock_guard lock(mutex_);
  seen_.insert_or_assign(document.key, document.expires);
  return {};
}

bool SeenTokens::contains(std::string_view issuer, std::string_view jti) const {
  const std::string key = key_of(issuer, jti);
  const std::lock_guard lock(mutex_);
  return seen_.contains(key);
}

Task<Result<void, Unavailable>> SeenTokens::add(std::string issuer, std::string jti, Instant now) {
  registry::Document document{kTable, key_of(issuer, jti), 1, now + kKept, "{}"};
  const std::string key = document.key;
  const auto written = co_await documents_.put(std::move(document));
  if (!written) co_return unexpected(written.error());   // then it will come again, and is obeyed again
  const std::lock_guard lock(mutex_);
  seen_.emplace(key, now + kKept);
  co_return Result<void, Unavailable>{};
}

void SeenTokens::forget_expired(Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(seen_, [&](const auto& entry) { return entry.second <= now; });
}

}  // namespace writ::signals
