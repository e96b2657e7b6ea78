#include "audit_export/shipper.h"

#include <algorithm>

#include "encoding/json.h"

namespace writ::audit_export {
namespace {

constexpr const char* kTable = "audit_sinks";
const Instant kRemembered = from_unix_seconds(253'402'300'799);   // the end of the year 9999
constexpr Milliseconds kLookForStop{200};

struct Place {
  std::uint64_t position = 0;
  std::int64_t version = 0;
};

Result<std::optional<Place>, Unavailable> place_of(registry::Documents& documents, const std::string& id) {
  std::optional<Place> place;
  for (const registry::Document& document : TRY(documents.load(kTable))) {
    if (document.key != id) continue;
    const auto value = json::parse(document.json);
    const auto* position = value ? value->find_int("delivered_to") : nullptr;
    if (!position || *position < 0) return unexpected(Unavailable{"how far a sink of the audit trail has got cannot be read"});
    place = Place{static_cast<std::uint64_t>(*position), document.version};
  }
  return place;
}

}  // namespace

Shipper::Shipper(ShipperOptions options, audit::AuditReader& reader, registry::Documents& documents, std::unique_ptr<Sink> sink, std::function<void(std::string)> notice)
    : options_(std::move(options)), reader_(reader), documents_(documents), sink_(std::move(sink)), notice_(std::move(notice)) {
  state_.id = options_.id;
}

Result<std::shared_ptr<Shipper>, Unavailable> Shipper::open(ShipperOptions options, std::uint64_t from, audit::AuditReader& reader, registry::Documents& documents,
                                                            std::unique_ptr<Sink> sink, std::function<void(std::string)> notice) {
  const auto place = TRY(place_of(documents, options.id));
  std::shared_ptr<Shipper> shipper(new Shipper(std::move(options), reader, documents, std::move(sink), std::move(notice)));
  shipper->state_.delivered_to = place ? place->position : from;
  shipper->version_ = place ? place->version : 0;
  return shipper;
}

Shipper::State Shipper::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

Shipper::Turn Shipper::failed(std::string why) {
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    ++state_.failures;
    is_news = state_.failure != why;
    state_.failure = why;
  }
  // Once for each reason, not for each try: a sink may be away for days.
  if (is_news) notice_("audit sink `" + options_.id + "`: " + why + "; records wait on disk and are sent when it is back");
  return Turn::failed;
}

// What comes behind `before`, oldest first. A query cannot say "behind nothing", so the very first record is asked for by itself.
Task<Result<std::vector<audit::StoredRecord>, Unavailable>> Shipper::next_rows(std::uint64_t before) {
  if (before == 0) {
    auto looking = reader_.at(1);
    auto first = co_await looking;
    if (!first) co_return unexpected(first.error());
    if (*first) co_return std::vector<audit::StoredRecord>{std::move(**first)};
  }
  audit::Query query;
  query.after_position = std::max<std::uint64_t>(before, 1);
  query.limit = options_.batch_records_max;
  auto reading = reader_.query(std::move(query));
  auto rows = co_await reading;
  co_return rows;
}

Task<Shipper::Turn> Shipper::turn() {
  const std::uint64_t before = state().delivered_to;
  auto reading = next_rows(before);
  auto rows = co_await reading;
  if (!rows) co_return failed("the audit trail cannot be read");
  std::size_t bytes = 0, count = 0;
  while (count < rows->size() && (count == 0 || bytes + (*rows)[count].json_line.size() <= options_.batch_bytes_max)) bytes += (*rows)[count++].json_line.size();
  rows->resize(count);
  if (rows->empty()) co_return Turn::idle;
  const std::uint64_t to = rows->back().position;

  auto delivering = sink_->deliver(std::move(*rows));
  const auto delivered = co_await delivering;
  if (!delivered) co_return failed(delivered.error());
  registry::Document place{kTable, options_.id, ++version_, kRemembered, json::write(json::Value{{"delivered_to", static_cast<std::int64_t>(to)}})};
  auto keeping = documents_.put(std::move(place));
  const auto kept = co_await keeping;
  if (!kept) co_return failed("how far it has got cannot be stored");
  bool recovered = false;
  {
    const std::lock_guard lock(mutex_);
    state_.delivered_to = to;
    ++state_.deliveries;
    recovered = !state_.failure.empty();
    state_.failure.clear();
  }
  if (recovered) notice_("audit sink `" + options_.id + "`: records are delivered again, up to position " + std::to_string(to));
  co_return Turn::delivered;
}

Task<void> Shipper::run(std::function<Task<void>(Milliseconds)> pause) {
  const auto self = shared_from_this();
  {
    const std::lock_guard lock(mutex_);
    state_.running = true;
  }
  Milliseconds retry = options_.retry;
  while (!stopping_) {
    auto taking = turn();
    const Turn taken = co_await taking;
    Milliseconds wait{0};
    if (taken == Turn::idle) wait = options_.idle;
    if (taken == Turn::failed) {
      wait = retry;
      retry = std::min(retry * 2, options_.retry_max);
    } else {
      retry = options_.retry;
    }
    while (wait > Milliseconds{0} && !stopping_) {
      const Milliseconds part = std::min(wait, kLookForStop);
      auto pausing = pause(part);
      co_await pausing;
      wait -= part;
    }
  }
  const std::lock_guard lock(mutex_);
  state_.running = false;
}

}  // namespace writ::audit_export
