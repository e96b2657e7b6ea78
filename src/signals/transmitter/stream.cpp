#include "signals/transmitter/stream.h"

#include <algorithm>

namespace writ::signals {
namespace {

constexpr const char* kTable = "signal_streams";
const Instant kNever{Milliseconds{253'402'300'799'000}};   // the end of the year 9999

json::Value to_json(const Stream& stream) {
  return json::Value{{"audience", stream.audience},
                     {"push", stream.push},
                     {"endpoint_url", stream.endpoint_url},
                     {"authorization_sealed", stream.authorization_sealed},
                     {"events_requested", json::from_strings(stream.events_requested)},
                     {"description", stream.description},
                     {"status", to_string(stream.status)},
                     {"reason", stream.reason},
                     {"held_by_administrator", stream.held_by_administrator},
                     {"removed_subjects", json::from_strings(stream.removed_subjects)},
                     {"created", stream.created.time_since_epoch().count()}};
}

std::optional<Stream> parse_stream(const registry::Document& document) {
  const auto value = json::parse(document.json);
  if (!value) return std::nullopt;
  Stream stream;
  stream.id = document.key;
  for (const auto& [name, member] :
       {std::pair{"audience", &Stream::audience}, std::pair{"endpoint_url", &Stream::endpoint_url}, std::pair{"authorization_sealed", &Stream::authorization_sealed},
        std::pair{"description", &Stream::description}, std::pair{"reason", &Stream::reason}}) {
    const auto* text = value->find_string(name);
    if (!text) return std::nullopt;
    stream.*member = *text;
  }
  for (const auto& [name, member] : {std::pair{"events_requested", &Stream::events_requested}, std::pair{"removed_subjects", &Stream::removed_subjects}}) {
    const auto* list = value->find(name);
    auto texts = list ? json::to_strings(*list) : std::nullopt;
    if (!texts) return std::nullopt;
    stream.*member = std::move(*texts);
  }
  const auto* push = value->find_bool("push");
  const auto* held = value->find_bool("held_by_administrator");
  const auto* created = value->find_int("created");
  const auto* status = value->find_string("status");
  const auto parsed = status ? parse_status(*status) : std::nullopt;
  if (!push || !held || !created || !parsed) return std::nullopt;
  stream.push = *push, stream.held_by_administrator = *held, stream.status = *parsed;
  stream.created = Instant{Milliseconds{*created}};
  return stream;
}

}  // namespace

std::string_view to_string(Status status) {
  switch (status) {
    case Status::enabled: return "enabled";
    case Status::paused: return "paused";
    case Status::disabled: return "disabled";
  }
  return "disabled";
}

std::optional<Status> parse_status(std::string_view text) {
  for (const Status status : {Status::enabled, Status::paused, Status::disabled}) {
    if (text == to_string(status)) return status;
  }
  return std::nullopt;
}

bool Stream::wants(std::string_view event_type) const { return std::find(events_requested.begin(), events_requested.end(), event_type) != events_requested.end(); }

Result<std::unique_ptr<Streams>, Unavailable> Streams::open(registry::Documents& documents) {
  std::unique_ptr<Streams> streams(new Streams(documents));
  for (const registry::Document& document : TRY(documents.load(kTable))) TRY(streams->take_over(document));
  return streams;
}

std::string_view Streams::table() const { return kTable; }

Result<void, Unavailable> Streams::take_over(const registry::Document& document) {
  std::optional<Stream> stream;
  if (document.json != "null") {   // removed, and not yet forgotten
    stream = parse_stream(document);
    // Leaving one out would leave a receiver without what it relies on.
    if (!stream) return unexpected(Unavailable{"the stored event streams: one is damaged"});
  }
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[document.key];
  if (document.version > entry.version) entry = Entry{std::move(stream), document.version};
  return {};
}

std::optional<Stream> Streams::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  return found->second.stream;
}

const Stream* Streams::of_audience_here(std::string_view audience) const {
  for (const auto& [id, entry] : entries_) {
    if (entry.stream && entry.stream->audience == audience) return &*entry.stream;
  }
  return nullptr;
}

std::optional<Stream> Streams::of_audience(std::string_view audience) const {
  const std::lock_guard lock(mutex_);
  const Stream* stream = of_audience_here(audience);
  return stream ? std::optional(*stream) : std::nullopt;
}

std::vector<Stream> Streams::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Stream> all;
  for (const auto& [id, entry] : entries_) {
    if (entry.stream) all.push_back(*entry.stream);
  }
  return all;
}

Task<Result<bool, Unavailable>> Streams::add(Stream stream) {
  const auto is_added = std::make_shared<bool>(false);
  auto writing = registry::write_through(documents_, [this, stream = std::move(stream), is_added]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const Stream* other = of_audience_here(stream.audience);
    *is_added = other == nullptr || other->id == stream.id;
    if (!*is_added) return std::nullopt;
    Entry& entry = entries_[stream.id];
    entry = Entry{stream, entry.version + 1};
    return registry::Document{kTable, stream.id, entry.version, kNever, json::write(to_json(stream))};
  });
  const auto written = co_await writing;
  if (!written) co_return unexpected(written.error());
  co_return *is_added;
}

Task<Result<void, Unavailable>> Streams::put(Stream stream) {
  return registry::write_through(documents_, [this, stream = std::move(stream)]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[stream.id];
    entry = Entry{stream, entry.version + 1};
    return registry::Document{kTable, stream.id, entry.version, kNever, json::write(to_json(stream))};
  });
}

Task<Result<void, Unavailable>> Streams::remove(std::string id) {
  return registry::write_through(documents_, [this, id = std::move(id)]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[id];
    entry = Entry{std::nullopt, entry.version + 1};
    return registry::Document{kTable, id, entry.version, Instant{}, "null"};
  });
}

}  // namespace writ::signals
