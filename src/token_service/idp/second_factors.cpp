#include "token_service/idp/second_factors.h"

#include <algorithm>

#include "encoding/base64url.h"
#include "token_service/idp/document_fields.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kTable = "second_factors";
const Instant kNever{Milliseconds{253'402'300'799'000}};   // the end of the year 9999

// A sealed secret opens for its own person alone: a copy in somebody else's document is worth nothing.
std::string purpose_of(const std::string& user_id) { return "second factor of " + user_id; }

}  // namespace

registry::Document SecondFactors::document_of(const std::string& user_id, const Factor& factor) const {
  const std::string sealed = factor.active ? base64url::encode(sealing_key_.seal(factor.secret.reveal(), purpose_of(user_id))) : std::string();
  const json::Value value{{"secret", sealed}, {"used_step", factor.used_step}, {"recovery", to_json(factor.recovery)}, {"enrolled", to_json(factor.enrolled)}, {"active", factor.active}};
  return {kTable, user_id, factor.version, kNever, json::write(value)};
}

Result<SecondFactors::Factor, Unavailable> SecondFactors::read(const registry::Document& document) const {
  auto fields = TRY(DocumentFields::parse(document));
  Factor factor;
  const std::string sealed = fields.text("secret");
  factor.used_step = fields.number("used_step");
  factor.recovery = fields.texts("recovery");
  factor.enrolled = fields.time("enrolled");
  factor.active = fields.flag("active");
  factor.version = document.version;
  const auto bytes = base64url::decode(sealed);
  auto secret = factor.active && bytes ? sealing_key_.open(*bytes, purpose_of(document.key)) : std::nullopt;
  // A factor that cannot be read must not become no factor: nothing starts on it.
  if (!fields.ok() || (factor.active && !secret)) return unexpected(Unavailable{"a stored second factor cannot be read"});
  if (secret) factor.secret = std::move(*secret);
  return factor;
}

Result<std::unique_ptr<SecondFactors>, Unavailable> SecondFactors::open(registry::Documents& documents, crypto::SealingKey sealing_key) {
  std::unique_ptr<SecondFactors> factors(new SecondFactors(documents, std::move(sealing_key)));
  for (const auto& document : TRY(documents.load(kTable))) {
    Factor factor = TRY(factors->read(document));
    factors->factors_.emplace(document.key, std::move(factor));
  }
  return factors;
}

std::string_view SecondFactors::table() const { return kTable; }

Result<void, Unavailable> SecondFactors::take_over(const registry::Document& document) {
  Factor factor = TRY(read(document));
  const std::lock_guard lock(mutex_);
  Factor& present = factors_[document.key];
  if (factor.version > present.version) present = std::move(factor);
  return {};
}

bool SecondFactors::is_enrolled(std::string_view user_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = factors_.find(std::string(user_id));
  return found != factors_.end() && found->second.active;
}

Task<Result<bool, Unavailable>> SecondFactors::enrol(std::string user_id, Secret secret, std::int64_t step, std::vector<std::string> recovery_digests, Instant now) {
  bool enrolled = false;
  std::function<std::optional<registry::Document>()> change = [&]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    Factor& factor = factors_[user_id];
    enrolled = !factor.active;
    if (!enrolled) return std::nullopt;
    factor.secret = secret;
    factor.used_step = step;
    factor.recovery = recovery_digests;
    factor.enrolled = now;
    factor.active = true;
    ++factor.version;
    return document_of(user_id, factor);
  };
  const auto written = co_await registry::write_through(documents_, std::move(change));
  if (!written) co_return unexpected(written.error());
  co_return enrolled;
}

Task<Result<SecondFactors::Used, Unavailable>> SecondFactors::use(std::string user_id, std::string typed, Instant now) {
  Used used = Used::wrong;
  std::function<std::optional<registry::Document>()> change = [&]() -> std::optional<registry::Document> {
    // Spent in memory first, under the lock: of two requests with one code one is too late, whatever happens to the write. Of two nodes it is the one
    // that has to make this change again.
    const std::lock_guard lock(mutex_);
    used = Used::not_enrolled;
    const auto found = factors_.find(user_id);
    if (found == factors_.end() || !found->second.active) return std::nullopt;
    Factor& factor = found->second;
    if (const std::string code = normalized_code(typed); !code.empty()) {
      const CodeMatch match = match_totp(factor.secret, code, now, factor.used_step);
      used = match.step ? Used::totp : match.problem == CodeProblem::replayed ? Used::replayed : Used::wrong;
      if (!match.step) return std::nullopt;
      factor.used_step = *match.step;
    } else {
      const std::string digest = recovery_digest(typed);
      const auto left = digest.empty() ? factor.recovery.end() : std::find(factor.recovery.begin(), factor.recovery.end(), digest);
      used = left == factor.recovery.end() ? Used::wrong : Used::recovery_code;
      if (left == factor.recovery.end()) return std::nullopt;
      factor.recovery.erase(left);
    }
    ++factor.version;
    return document_of(user_id, factor);
  };
  const auto written = co_await registry::write_through(documents_, std::move(change));
  if (!written) co_return unexpected(written.error());
  co_return used;
}

Task<Result<bool, Unavailable>> SecondFactors::reset(std::string user_id) {
  bool reset = false;
  std::function<std::optional<registry::Document>()> change = [&]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = factors_.find(user_id);
    reset = found != factors_.end() && found->second.active;
    if (!reset) return std::nullopt;
    Factor& factor = found->second;
    factor.secret = Secret();
    factor.recovery.clear();
    factor.active = false;
    ++factor.version;
    return document_of(user_id, factor);
  };
  const auto written = co_await registry::write_through(documents_, std::move(change));
  if (!written) co_return unexpected(written.error());
  co_return reset;
}

}  // namespace writ::token_service::idp
