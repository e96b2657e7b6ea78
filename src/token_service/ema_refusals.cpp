#include "token_service/ema_refusals.h"

#include <algorithm>
#include <array>
#include <optional>

#include "encoding/json.h"

namespace writ::token_service {
namespace {

constexpr const char* kTable = "ema_refusals";
constexpr std::size_t kEntriesMax = 200'000;

registry::Document document_of(const EmaRefusals::About& about, const std::string& policy_version, Instant ends, std::int64_t version) {
  const json::Value key = json::Array{about.user, about.agent, about.server};
  const json::Value value{{"policy", policy_version}, {"ends", to_unix_seconds(ends)}};
  return {kTable, json::write(key), version, ends, json::write(value)};
}

// What a decision of the two legs says about its three; nothing for any other record. True: refused.
std::optional<bool> said(const audit::Record& record) {
  const bool is_leg = record.event == audit::Event::id_jag || record.event == audit::Event::access_token;
  if (!is_leg || record.user.empty() || record.agent.empty() || record.server.empty() || record.policy_version.empty()) return std::nullopt;
  const auto is_interactive = [](const auto& member) { return member.first == kInteractiveGrant; };
  if (std::any_of(record.more.begin(), record.more.end(), is_interactive)) return std::nullopt;
  if (record.effect == audit::Effect::allow) return false;
  if (record.effect != audit::Effect::deny) return std::nullopt;
  // Policy said yes to these, or may say yes after another sign-in.
  static constexpr std::array<std::string_view, 5> kNoWordOfPolicy{"insufficient_user_authentication", "replayed", "unavailable", "external_unavailable", "subject_not_available"};
  if (std::find(kNoWordOfPolicy.begin(), kNoWordOfPolicy.end(), record.reason) != kNoWordOfPolicy.end()) return std::nullopt;
  return true;
}

}  // namespace

Result<std::unique_ptr<EmaRefusals>, Unavailable> EmaRefusals::open(registry::Documents& documents) {
  std::unique_ptr<EmaRefusals> refusals(new EmaRefusals(documents));
  for (const auto& document : TRY(documents.load(kTable))) TRY(refusals->take_over(document));
  return refusals;
}

std::string_view EmaRefusals::table() const { return kTable; }

Result<void, Unavailable> EmaRefusals::take_over(const registry::Document& document) {
  const auto key = json::parse(document.key), value = json::parse(document.json);
  const auto* parts = key ? key->as_array() : nullptr;
  const auto* policy = value ? value->find_string("policy") : nullptr;
  const auto* ends = value ? value->find_int("ends") : nullptr;
  if (!parts || parts->size() != 3 || !policy || !ends) return unexpected(Unavailable{"a stored refusal cannot be read"});
  const auto *user = (*parts)[0].as_string(), *agent = (*parts)[1].as_string(), *server = (*parts)[2].as_string();
  if (!user || !agent || !server) return unexpected(Unavailable{"a stored refusal cannot be read"});
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.emplace(About{*user, *agent, *server}, Entry{"", {}, 0}).first->second;
  if (document.version > entry.version) entry = Entry{*policy, from_unix_seconds(*ends), document.version};
  return {};
}

bool EmaRefusals::counts(const About& about, std::string_view policy_version, Instant now) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(about);
  return found != entries_.end() && !found->second.policy_version.empty() && found->second.policy_version == policy_version && now < found->second.ends;
}

Task<Result<void, Unavailable>> EmaRefusals::note(About about, std::string policy_version, Instant now) {
  return registry::write_through(documents_, [this, about = std::move(about), policy_version = std::move(policy_version), now]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[about];
    // Known, and for long enough yet: an agent that asks again and again buys no write each time.
    const bool is_known = entry.policy_version == policy_version && now + kCounts / 2 < entry.ends;
    if (is_known) return std::nullopt;
    // Never more than this many: then the oldest goes, which is the next to be forgotten anyway.
    if (entries_.size() > kEntriesMax) {
      const auto oldest = std::min_element(entries_.begin(), entries_.end(), [&](const auto& a, const auto& b) { return (a.first == about ? Instant::max() : a.second.ends) < (b.first == about ? Instant::max() : b.second.ends); });
      if (oldest->first != about) entries_.erase(oldest);
    }
    entry.policy_version = policy_version;
    entry.ends = now + kCounts;
    ++entry.version;
    return document_of(about, entry.policy_version, entry.ends, entry.version);
  });
}

Task<Result<void, Unavailable>> EmaRefusals::forget(About about, Instant now) {
  return registry::write_through(documents_, [this, about = std::move(about), now]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(about);
    if (found == entries_.end() || found->second.policy_version.empty()) return std::nullopt;
    found->second.policy_version.clear();
    found->second.ends = now + kCounts;   // the row stays until a write that is under way can no longer bring the refusal back
    ++found->second.version;
    return document_of(about, found->second.policy_version, found->second.ends, found->second.version);
  });
}

void EmaRefusals::forget_expired(Instant now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& item) { return item.second.ends <= now; });
}

Task<Result<audit::Committed, Unavailable>> EmaRefusalsLog::commit(audit::Commit commit) {
  const auto refused = said(commit.record);
  EmaRefusals::About about{commit.record.user, commit.record.agent, commit.record.server};
  std::string policy_version = commit.record.policy_version;
  const Instant now = commit.record.time;
  auto committing = log_.commit(std::move(commit));
  auto committed = co_await committing;
  if (!committed || committed->replayed || !refused) co_return committed;
  auto noting = *refused ? refusals_.note(std::move(about), std::move(policy_version), now) : refusals_.forget(std::move(about), now);
  const auto noted = co_await noting;
  if (!noted) co_return unexpected(noted.error());
  co_return committed;
}

}  // namespace writ::token_service
