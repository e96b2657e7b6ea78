#include "signals/transmitter/outbox.h"

#include <algorithm>

#include "encoding/json.h"

namespace writ::signals {
namespace {

constexpr const char* kTable = "signal_outbox";
constexpr std::size_t kAboutStreamMax = 10;   // beyond the bound for events of people

// Sorted by key they stand in the order in which they were added, to the millisecond.
std::string key_of(const std::string& stream_id, const QueuedEvent& event) {
  std::string moment = std::to_string(event.queued.time_since_epoch().count());
  moment.insert(0, 15 - std::min<std::size_t>(15, moment.size()), '0');
  return stream_id + "/" + moment + "/" + event.jti;
}

std::optional<QueuedEvent> parse_queued(const json::Value& value) {
  QueuedEvent event;
  const auto* issued_at = value.find_int("issued_at");
  const auto* queued = value.find_int("queued");
  const auto* members = value.find("members");
  const auto* sub_id = value.find("sub_id");
  const auto subject = sub_id ? parse_subject(*sub_id) : Result<Subject, SubjectProblem>(unexpected(SubjectProblem::not_an_object));
  if (!issued_at || !queued || !members || !members->is_object() || !subject) return std::nullopt;
  for (const auto& [name, text] : {std::pair{"jti", &event.jti}, std::pair{"txn", &event.txn}, std::pair{"type", &event.event.type}, std::pair{"user", &event.user_id}}) {
    const auto* found = value.find_string(name);
    if (!found) return std::nullopt;
    *text = *found;
  }
  event.issued_at = *issued_at, event.queued = Instant{Milliseconds{*queued}};
  event.subject = subject->user, event.event.members = *members;
  return event;
}

}  // namespace

registry::Document Outbox::document_of(const std::string& stream_id, const QueuedEvent& event) {
  const json::Value value{{"jti", event.jti},
                          {"txn", event.txn},
                          {"issued_at", event.issued_at},
                          {"queued", event.queued.time_since_epoch().count()},
                          {"sub_id", to_json(event.subject)},
                          {"type", event.event.type},
                          {"members", event.event.members},
                          {"user", event.user_id}};
  // It is forgotten by who gave up on it, on record; this is for a process that never starts again with the stream.
  return {kTable, key_of(stream_id, event), 1, event.queued + 2 * kKept, json::write(value)};
}

Result<std::unique_ptr<Outbox>, Unavailable> Outbox::open(registry::Documents& documents) {
  std::unique_ptr<Outbox> outbox(new Outbox(documents));
  std::vector<registry::Document> stored = TRY(documents.load(kTable));
  std::sort(stored.begin(), stored.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  for (const registry::Document& document : stored) {
    if (document.json == "null") continue;   // delivered, and not yet forgotten
    const auto value = json::parse(document.json);
    auto event = value ? parse_queued(*value) : std::nullopt;
    const std::size_t slash = document.key.find('/');
    if (!event || slash == std::string::npos) return unexpected(Unavailable{"the stored security events: one is damaged"});
    outbox->waiting_[document.key.substr(0, slash)].push_back(std::move(*event));
  }
  return outbox;
}

Task<Result<bool, Unavailable>> Outbox::add(std::string stream_id, QueuedEvent event) {
  registry::Document document = document_of(stream_id, event);
  const std::string jti = event.jti;
  {
    const std::lock_guard lock(mutex_);
    auto& waiting = waiting_[stream_id];
    if (waiting.size() >= kWaitingMax + (event.is_about_stream() ? kAboutStreamMax : 0)) co_return false;
    waiting.push_back(std::move(event));
  }
  const auto written = co_await documents_.put(std::move(document));
  if (written) co_return true;
  // Whoever asked hears that it is not kept, so it must not go out either: it would be told again.
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_[stream_id], [&](const QueuedEvent& other) { return other.jti == jti; });
  co_return unexpected(written.error());
}

Task<Result<void, Unavailable>> Outbox::done(std::string stream_id, std::string jti) {
  registry::Document document{kTable, "", 2, Instant{}, "null"};
  {
    const std::lock_guard lock(mutex_);
    auto& waiting = waiting_[stream_id];
    const auto found = std::find_if(waiting.begin(), waiting.end(), [&](const QueuedEvent& event) { return event.jti == jti; });
    if (found != waiting.end()) {
      document.key = key_of(stream_id, *found);
      waiting.erase(found);
    }
  }
  if (document.key.empty()) co_return Result<void, Unavailable>{};
  const auto written = co_await documents_.put(std::move(document));
  co_return written;
}

Task<Result<std::size_t, Unavailable>> Outbox::drop(std::string stream_id, bool (*which)(const QueuedEvent&)) {
  std::vector<std::string> jtis;
  {
    const std::lock_guard lock(mutex_);
    for (const QueuedEvent& event : waiting_[stream_id]) {
      if (which(event)) jtis.push_back(event.jti);
    }
  }
  for (const std::string& jti : jtis) {
    const auto dropped = co_await done(stream_id, jti);
    if (!dropped) co_return unexpected(dropped.error());
  }
  co_return jtis.size();
}

std::vector<QueuedEvent> Outbox::next(std::string_view stream_id, std::size_t limit, bool about_stream_only) const {
  std::vector<QueuedEvent> found;
  const std::lock_guard lock(mutex_);
  const auto waiting = waiting_.find(stream_id);
  if (waiting == waiting_.end()) return found;
  for (const QueuedEvent& event : waiting->second) {
    if (found.size() == limit) break;
    if (!about_stream_only || event.is_about_stream()) found.push_back(event);
  }
  return found;
}

std::size_t Outbox::waiting(std::string_view stream_id) const {
  const std::lock_guard lock(mutex_);
  const auto waiting = waiting_.find(stream_id);
  return waiting == waiting_.end() ? 0 : waiting->second.size();
}

}  // namespace writ::signals
