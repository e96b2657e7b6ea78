#include "signals/transmitter/people_watch.h"

#include <algorithm>

#include "registry/object_store.h"

namespace writ::signals {
namespace {

constexpr const char* kTable = "signal_cursor";
constexpr const char* kKey = "people";
const Instant kNever{Milliseconds{253'402'300'799'000}};   // the end of the year 9999

Cause because(Instant now, const char* reason) {
  Cause cause;
  cause.time_seconds = to_unix_seconds(now);
  cause.initiating_entity = "admin";
  cause.reason = reason;
  return cause;
}

}  // namespace

std::vector<Event> events_of(const registry::User* before, const registry::User* after, Instant now) {
  std::vector<Event> events;
  if (!before) return events;   // whoever is new had nothing
  if (!after) {
    events.push_back(session_revoked(because(now, "the account was removed")));
    events.push_back(account_purged(because(now, "the account was removed")));
    return events;
  }
  if (before->active && !after->active) {
    events.push_back(session_revoked(because(now, "the account was disabled")));
    events.push_back(account_disabled(because(now, "the account was disabled")));
    return events;
  }
  if (!before->active && after->active) events.push_back(account_enabled(because(now, "the account was enabled again")));
  // From that moment on: what was given in the seconds since stays.
  if (after->not_before && (!before->not_before || *before->not_before < *after->not_before)) {
    events.push_back(session_revoked(because(std::min(now, *after->not_before), "all sessions were revoked")));
  }
  // The first password is no change of one.
  if (!before->password_hash.empty() && before->password_hash != after->password_hash) {
    events.push_back(credential_change(because(now, after->password_hash.empty() ? "the password was removed" : "the password was changed"), "password",
                                       after->password_hash.empty() ? "delete" : "update"));
  }
  return events;
}

Result<std::unique_ptr<PeopleWatch>, Unavailable> PeopleWatch::open(Parts parts) {
  std::unique_ptr<PeopleWatch> watch(new PeopleWatch(std::move(parts)));
  for (const registry::Document& document : TRY(watch->parts_.documents.load(kTable))) TRY(watch->take_over(document));
  watch->behind_ = true;   // until catch_up() has looked
  return watch;
}

std::string_view PeopleWatch::table() const { return kTable; }

Result<void, Unavailable> PeopleWatch::take_over(const registry::Document& document) {
  if (document.key != kKey) return {};
  const auto value = json::parse(document.json);
  const auto* sequence = value ? value->find_int("sequence") : nullptr;
  if (!sequence || *sequence < 0) return unexpected(Unavailable{"the stored security events: how far they were told is damaged"});
  const std::lock_guard lock(mutex_);
  if (document.version <= version_) return {};
  version_ = document.version;
  // What this one has not told another one has not told either.
  if (!behind_) told_ = std::max(told_.value_or(0), static_cast<std::uint64_t>(*sequence));
  return {};
}

bool PeopleWatch::is_behind() const {
  const std::lock_guard lock(mutex_);
  return behind_;
}

Task<bool> PeopleWatch::note_told(std::uint64_t sequence) {
  auto writing = registry::write_through(parts_.documents, [this, sequence]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    told_ = std::max(told_.value_or(0), sequence);
    return registry::Document{kTable, kKey, ++version_, kNever, json::write(json::Value{{"sequence", static_cast<std::int64_t>(*told_)}})};
  });
  const auto written = co_await writing;
  co_return written.has_value();
}

Task<bool> PeopleWatch::tell_difference(const registry::User* before, const registry::User* after) {
  const Instant now = parts_.clock.now();
  std::vector<Event> events = events_of(before, after, now);
  if (events.empty() && before && after && parts_.is_renamed && parts_.is_renamed(*before, *after)) {
    events.push_back(session_revoked(because(now, "the person is known by another identifier now")));
  }
  if (events.empty()) co_return true;
  // By the name that they had: what they were given was given under it.
  registry::User user = *before;
  const auto told = co_await parts_.events.tell(std::move(user), std::move(events));
  co_return told.has_value();
}

Task<void> PeopleWatch::changed(std::shared_ptr<const registry::Snapshot> before, std::shared_ptr<const registry::Snapshot> after, std::vector<std::string> user_ids) {
  bool all = true;
  for (const std::string& id : user_ids) {
    const bool told = co_await tell_difference(before->user(id), after->user(id));
    all = all && told;
  }
  // Once behind, the cursor stays where it is: it must not pass over what was not told. Telling the same twice harms nobody.
  if (all && !is_behind()) all = co_await note_told(after->sequence());
  if (all) co_return;
  const std::lock_guard lock(mutex_);
  behind_ = true;
  ++missed_;
}

Task<void> PeopleWatch::catch_up(std::shared_ptr<const registry::Snapshot> present) {
  std::optional<std::uint64_t> from;
  std::uint64_t missed = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!behind_ || catching_up_) co_return;
    catching_up_ = true;
    from = told_;
    missed = missed_;
  }
  bool all = true;
  if (from && *from < present->sequence()) {
    const auto then = co_await parts_.store.catalogue_at(*from);
    all = then.has_value();
    if (all) {
      for (const registry::User& user : then->users) {
        const bool told = co_await tell_difference(&user, present->user(user.id));
        all = all && told;
      }
    }
  }
  if (all) all = co_await note_told(present->sequence());
  const std::lock_guard lock(mutex_);
  catching_up_ = false;
  // A change meanwhile that could not be told is one more to catch up with.
  if (all && missed == missed_) behind_ = false;
}

}  // namespace writ::signals
