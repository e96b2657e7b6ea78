#include "signals/transmitter/stream_request.h"

#include <algorithm>

#include "encoding/uri.h"
#include "signals/delivery.h"
#include "signals/event.h"

namespace writ::signals {
namespace {

constexpr std::size_t kTextMax = 1'024, kEventsMax = 100, kDescriptionMax = 256;

bool is_field_value(std::string_view text) {
  return !text.empty() && text.size() <= kTextMax && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

Result<void, std::string> read_delivery(const json::Value& delivery, StreamChange& change, const std::string& issuer) {
  const auto wrong = [](std::string sentence) { return unexpected(std::move(sentence)); };
  if (!delivery.is_object()) return wrong("`delivery` must be an object with `method`");
  const auto* method = delivery.find_string("method");
  if (!method || (*method != kPush && *method != kPoll)) return wrong("`delivery.method` must be `" + std::string(kPush) + "` (push) or `" + std::string(kPoll) + "` (poll)");
  Stream& stream = change.stream;
  stream.push = *method == kPush;
  const json::Value* url = delivery.find("endpoint_url");
  if (url && !url->is_string()) return wrong("`delivery.endpoint_url` must be text");
  if (!stream.push) {
    if (url && *url->as_string() != endpoint(issuer, "poll/" + stream.id)) return wrong("`delivery.endpoint_url` of a poll stream is ours to say: leave it out");
    stream.endpoint_url.clear(), stream.authorization_sealed.clear();
    return {};
  }
  const auto parsed = url ? uri::parse(*url->as_string()) : std::nullopt;
  const auto receiver = uri::parse(stream.audience);
  if (!parsed || url->as_string()->size() > kTextMax || parsed->has_userinfo || parsed->fragment) return wrong("`delivery.endpoint_url` must be the URL that events are pushed to");
  // Elsewhere than at the receiver that the administrator named only over TLS, so that nobody is led to a port of this machine (N1).
  const bool is_receiver = receiver && parsed->origin() == receiver->origin();
  if (!(is_receiver ? uri::is_secure_or_loopback(*parsed) : parsed->scheme == "https")) return wrong("`delivery.endpoint_url` must be an https URL");
  stream.endpoint_url = *url->as_string();
  // The old value goes with the old endpoint: kept, it would be shown to somebody else.
  stream.authorization_sealed.clear();
  if (const json::Value* header = delivery.find("authorization_header")) {
    if (!header->is_string() || !is_field_value(*header->as_string())) return wrong("`delivery.authorization_header` must be the value of an Authorization field");
    change.authorization = Secret(*header->as_string());
  }
  return {};
}

Result<std::vector<std::string>, std::string> read_events(const json::Value& value) {
  auto names = json::to_strings(value);
  if (!names || names->size() > kEventsMax) return unexpected(std::string("`events_requested` must be a list of event types"));
  for (const std::string& name : *names) {
    if (name.empty() || name.size() > kTextMax) return unexpected(std::string("`events_requested` must be a list of event types"));
  }
  std::sort(names->begin(), names->end());
  names->erase(std::unique(names->begin(), names->end()), names->end());
  return std::move(*names);
}

// What the transmitter supplies: a receiver may send back what it read, and nothing else (SSF §8.1.1.3).
Result<void, std::string> check_supplied(const json::Value& body, const Stream& stream, const std::string& issuer) {
  const json::Value described = describe(stream, issuer);
  for (const char* name : {"stream_id", "iss", "aud", "events_supported"}) {
    const json::Value* sent = body.find(name);
    if (sent && *sent != *described.find(name)) return unexpected("`" + std::string(name) + "` is ours to say: leave it out, or send back what was read");
  }
  return {};
}

}  // namespace

std::string endpoint(const std::string& issuer, std::string_view name) { return issuer + "/ssf/" + std::string(name); }

json::Value describe(const Stream& stream, const std::string& issuer) {
  std::vector<std::string> delivered;
  for (const std::string& type : supported_events()) {
    if (stream.wants(type)) delivered.push_back(type);
  }
  json::Value delivery{{"method", stream.push ? kPush : kPoll}, {"endpoint_url", stream.push ? stream.endpoint_url : endpoint(issuer, "poll/" + stream.id)}};
  json::Value value{{"stream_id", stream.id},
                    {"iss", issuer},
                    {"aud", stream.audience},
                    {"events_supported", json::from_strings(supported_events())},
                    {"events_requested", json::from_strings(stream.events_requested)},
                    {"events_delivered", json::from_strings(delivered)},
                    {"delivery", std::move(delivery)}};
  if (!stream.description.empty()) value.set("description", stream.description);
  return value;
}

Result<StreamChange, std::string> read_stream(const json::Value& body, Stream present, Change change, const std::string& issuer) {
  if (change == Change::create && body.find("stream_id")) return unexpected(std::string("`stream_id` is ours to say: leave it out"));
  if (change != Change::create) TRY(check_supplied(body, present, issuer));
  StreamChange changed;
  changed.stream = std::move(present);
  Stream& stream = changed.stream;
  if (change != Change::update) {
    // What is left out of a new or replaced configuration has its default, not what it had before.
    stream.push = false;
    stream.endpoint_url.clear(), stream.authorization_sealed.clear(), stream.description.clear();
    stream.events_requested = supported_events();
  }
  if (const json::Value* delivery = body.find("delivery")) TRY(read_delivery(*delivery, changed, issuer));
  if (const json::Value* events = body.find("events_requested")) stream.events_requested = TRY(read_events(*events));
  if (const json::Value* description = body.find("description")) {
    if (!description->is_string() || description->as_string()->size() > kDescriptionMax) return unexpected(std::string("`description` must be text of at most 256 bytes"));
    stream.description = *description->as_string();
  }
  return changed;
}

}  // namespace writ::signals
