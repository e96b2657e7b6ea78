#include "signals/transmitter/endpoints.h"

#include <algorithm>

#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/form.h"
#include "encoding/uri.h"
#include "signals/delivery.h"
#include "signals/transmitter/poll.h"
#include "signals/transmitter/receiver_request.h"
#include "signals/transmitter/stream_request.h"

namespace writ::signals {
namespace {

using Answer = Task<http::Response>;
using Operation = Answer (*)(Transmitter&, const http::Request&, Receiver);

constexpr std::size_t kSubjectsMax = 1'000, kStateMax = 1'024;

bool is_about_person(const QueuedEvent& event) { return !event.is_about_stream(); }
bool is_verification(const QueuedEvent& event) { return event.event.type == kVerification; }

// The stream that the request names, when it is this receiver's. To others it does not exist.
std::optional<Stream> own_stream(const Transmitter& transmitter, const Receiver& receiver, std::string_view id) {
  auto stream = transmitter.parts().streams.find(id);
  if (stream && stream->audience != receiver.audience) stream.reset();
  return stream;
}

std::optional<std::string> query_of(const http::Request& request, std::string_view name) {
  const auto parameters = form::parse(request.query);
  if (!parameters || parameters->first_repeated({})) return std::nullopt;
  const auto* value = parameters->find(name);
  return value ? std::optional<std::string>(*value) : std::nullopt;
}

http::Response no_stream() { return refusal(404, "not_found", "you have no such stream"); }

// Seals what the receiver wants to see, stores and answers.
Answer store(Transmitter& transmitter, const http::Request& request, Receiver receiver, StreamChange change, std::string reason, int status) {
  const auto& parts = transmitter.parts();
  Stream stream = std::move(change.stream);
  if (change.authorization) stream.authorization_sealed = base64url::encode(parts.sealing_key.seal(change.authorization->reveal(), "signals:" + stream.id));
  const auto recorded = co_await record(transmitter, request, receiver, audit::Effect::allow, std::move(reason), stream.id);
  if (!recorded) co_return unavailable();
  http::Response response = answer(status, describe(stream, parts.issuer));
  const auto written = co_await parts.streams.put(std::move(stream));
  if (!written) co_return unavailable();
  co_return response;
}

Answer create_stream(Transmitter& transmitter, const http::Request& request, Receiver receiver) {
  const auto& parts = transmitter.parts();
  auto body = read_object(request);
  if (!body) co_return std::move(body).error();
  Stream fresh;
  fresh.id = "stm_" + crypto::random_token(12);
  fresh.audience = receiver.audience;
  fresh.created = parts.clock.now();
  auto change = read_stream(*body, std::move(fresh), Change::create, parts.issuer);
  if (!change) co_return refusal(400, "invalid_request", change.error());
  Stream stream = std::move(change->stream);
  if (change->authorization) stream.authorization_sealed = base64url::encode(parts.sealing_key.seal(change->authorization->reveal(), "signals:" + stream.id));
  http::Response response = answer(201, describe(stream, parts.issuer));
  std::string id = stream.id;
  const auto added = co_await parts.streams.add(std::move(stream));
  if (!added) co_return unavailable();
  if (!*added) co_return refusal(409, "conflict", "you have a stream already: one receiver has one");
  const auto recorded = co_await record(transmitter, request, std::move(receiver), audit::Effect::allow, "stream_created", id);
  if (recorded) co_return response;
  // What is not on record is not there.
  static_cast<void>(co_await parts.streams.remove(std::move(id)));
  co_return unavailable();
}

Answer read_streams(Transmitter& transmitter, const http::Request& request, Receiver receiver) {
  const auto& parts = transmitter.parts();
  if (request.query.empty()) {
    json::Array all;
    if (const auto stream = parts.streams.of_audience(receiver.audience)) all.push_back(describe(*stream, parts.issuer));
    co_return answer(200, json::Value(std::move(all)));
  }
  const auto id = query_of(request, "stream_id");
  const auto stream = id ? own_stream(transmitter, receiver, *id) : std::nullopt;
  if (!stream) co_return no_stream();
  co_return answer(200, describe(*stream, parts.issuer));
}

Answer change_stream(Transmitter& transmitter, const http::Request& request, Receiver receiver) {
  auto body = read_object(request);
  if (!body) co_return std::move(body).error();
  const auto* id = body->find_string("stream_id");
  if (!id) co_return refusal(400, "invalid_request", "`stream_id` is missing");
  auto stream = own_stream(transmitter, receiver, *id);
  if (!stream) co_return no_stream();
  const bool replaces = request.method == "PUT";
  auto change = read_stream(*body, std::move(*stream), replaces ? Change::replace : Change::update, transmitter.parts().issuer);
  if (!change) co_return refusal(400, "invalid_request", change.error());
  std::string reason = replaces ? "stream_replaced" : "stream_updated";
  auto stored = co_await store(transmitter, request, std::move(receiver), std::move(*change), std::move(reason), 200);
  co_return stored;
}

Answer delete_stream(Transmitter& transmitter, const http::Request& request, Receiver receiver) {
  const auto id = query_of(request, "stream_id");
  const auto stream = id ? own_stream(transmitter, receiver, *id) : std::nullopt;
  if (!stream) co_return no_stream();
  // Or deleting and making it anew would undo what an administrator did (A6).
  if (stream->held_by_administrator) {
    const auto recorded = co_await record(transmitter, request, std::move(receiver), audit::Effect::deny, "stream_held_by_administrator", stream->id);
    if (!recorded) co_return unavailable();
    co_return refusal(403, "access_denied", "an administrator holds this stream");
  }
  std::string stream_id = stream->id, actor = "token:" + receiver.token_id, peer = request.peer.address;
  const auto removed = co_await transmitter.remove(std::move(stream_id), std::move(actor), std::move(peer));
  if (!removed) co_return unavailable();
  http::Response response;
  response.status = 204;
  co_return response;
}

http::Response status_of(const Stream& stream) {
  json::Value value{{"stream_id", stream.id}, {"status", to_string(stream.status)}};
  if (!stream.reason.empty()) value.set("reason", stream.reason);
  return answer(200, value);
}

Answer read_status(Transmitter& transmitter, const http::Request& request, Receiver receiver) {
  const auto id = query_of(request, "stream_id");
  const auto stream = id ? own_stream(transmitter, receiver, *id) : std::nullopt;
  if (!stream) co_return no_stream();
  co_return status_of(*stream);
}

Answer change_status(Transmitter& transmitter, const http::Request& request, Receiver receiver) {
  const auto& parts = transmitter.parts();
  auto body = read_object(request);
  if (!body) co_return std::move(body).error();
  const auto* id = body->find_string("stream_id");
  const auto* word = body->find_string("status");
  const auto status = word ? parse_status(*word) : std::nullopt;
  if (!id || !status) co_return refusal(400, "invalid_request", "`stream_id` and `status` are needed; `status` is enabled, paused or disabled");
  const json::Value* reason = body->find("reason");
  if (reason && (!reason->is_string() || reason->as_string()->size() > kStateMax)) co_return refusal(400, "invalid_request", "`reason` must be text of at most 1024 bytes");
  auto stream = own_stream(transmitter, receiver, *id);
  if (!stream) co_return no_stream();
  if (stream->held_by_administrator && *status != stream->status) {
    const auto recorded = co_await record(transmitter, request, std::move(receiver), audit::Effect::deny, "stream_held_by_administrator", stream->id);
    if (!recorded) co_return unavailable();
    co_return refusal(403, "access_denied", "an administrator holds this stream");
  }
  stream->status = *status;
  stream->reason = reason ? *reason->as_string() : "";
  std::string what = "stream_" + std::string(to_string(*status));
  const auto recorded = co_await record(transmitter, request, std::move(receiver), audit::Effect::allow, std::move(what), stream->id);
  if (!recorded) co_return unavailable();
  const auto written = co_await parts.streams.put(*stream);
  if (!written) co_return unavailable();
  if (*status == Status::disabled) {
    const auto dropped = co_await parts.outbox.drop(stream->id, is_about_person);
    if (!dropped) co_return unavailable();
  }
  co_return status_of(*stream);
}

// {stream_id, subject, verified}. All are included from the start (`default_subjects: ALL`): only those that were removed are kept.
Answer change_subject(Transmitter& transmitter, const http::Request& request, Receiver receiver, bool adds) {
  const auto& parts = transmitter.parts();
  auto body = read_object(request);
  if (!body) co_return std::move(body).error();
  const auto* id = body->find_string("stream_id");
  const auto* named = body->find("subject");
  const auto subject = named ? parse_subject(*named) : Result<Subject, SubjectProblem>(unexpected(SubjectProblem::not_an_object));
  if (!id || !subject) co_return refusal(400, "invalid_request", "`stream_id` and `subject` are needed; `subject` is a subject identifier");
  auto stream = own_stream(transmitter, receiver, *id);
  if (!stream) co_return no_stream();
  // Events name people by `iss_sub` of ours; no other identifier could ever match.
  const bool can_match = !subject->is_complex && subject->user.format == Identifier::Format::iss_sub && subject->user.issuer == parts.issuer;
  if (can_match) {
    const std::string written = json::write_canonical(to_json(subject->user));
    auto& removed = stream->removed_subjects;
    const auto found = std::find(removed.begin(), removed.end(), written);
    if (adds && found != removed.end()) removed.erase(found);
    if (!adds && found == removed.end()) {
      if (removed.size() >= kSubjectsMax) co_return refusal(429, "too_many", "a stream has at most 1000 removed subjects");
      removed.push_back(written);
    }
    std::string reason = adds ? "subject_added" : "subject_removed";
    const auto recorded = co_await record(transmitter, request, std::move(receiver), audit::Effect::allow, std::move(reason), stream->id);
    if (!recorded) co_return unavailable();
    const auto stored = co_await parts.streams.put(std::move(*stream));
    if (!stored) co_return unavailable();
  }
  http::Response response;
  response.status = adds ? 200 : 204;
  co_return response;
}

Answer add_subject(Transmitter& transmitter, const http::Request& request, Receiver receiver) { return change_subject(transmitter, request, std::move(receiver), true); }
Answer remove_subject(Transmitter& transmitter, const http::Request& request, Receiver receiver) { return change_subject(transmitter, request, std::move(receiver), false); }

Answer verify_stream(Transmitter& transmitter, const http::Request& request, Receiver receiver) {
  auto body = read_object(request);
  if (!body) co_return std::move(body).error();
  const auto* id = body->find_string("stream_id");
  const json::Value* state = body->find("state");
  if (!id || (state && (!state->is_string() || state->as_string()->size() > kStateMax))) {
    co_return refusal(400, "invalid_request", "`stream_id` is needed, and `state` may be text of at most 1024 bytes");
  }
  const auto stream = own_stream(transmitter, receiver, *id);
  if (!stream) co_return no_stream();
  // The newest one is the one that is waited for: asking often makes no queue.
  const auto dropped = co_await transmitter.parts().outbox.drop(stream->id, is_verification);
  if (!dropped) co_return unavailable();
  std::string stream_id = stream->id;
  Event event = verification(state ? *state->as_string() : "");
  const auto told = co_await transmitter.tell_stream(std::move(stream_id), std::move(event));
  if (!told) co_return unavailable();
  http::Response response;
  response.status = 204;
  co_return response;
}

Answer poll_stream(Transmitter& transmitter, const http::Request& request, Receiver receiver) {
  const std::size_t slash = request.path.rfind('/');
  const auto stream = own_stream(transmitter, receiver, std::string_view(request.path).substr(slash + 1));
  if (!stream || stream->push) co_return no_stream();
  auto polled = co_await poll(transmitter, *stream, request);
  co_return polled;
}

Answer guarded(Transmitter& transmitter, const http::Request& request, Operation operation) {
  const auto snapshot = transmitter.parts().registry.get();
  auto receiver = authenticate(request, *snapshot);
  if (!receiver) {
    Receiver nobody;
    std::string reason(to_string(receiver.error()));
    const auto recorded = co_await record(transmitter, request, std::move(nobody), audit::Effect::deny, std::move(reason), "");
    if (!recorded) co_return unavailable();
    const bool known = receiver.error() == ReceiverProblem::token_of_another_use || receiver.error() == ReceiverProblem::receiver_disabled;
    co_return refusal(known ? 403 : 401, known ? "access_denied" : "authentication_failed", "this needs an API token with the role `signals`");
  }
  auto answered = co_await operation(transmitter, request, std::move(*receiver));
  co_return answered;
}

Answer published(std::string body) {
  auto response = http::json(200, std::move(body));
  response.headers.set("Cache-Control", "public, max-age=300");
  co_return response;
}

}  // namespace

json::Value transmitter_metadata(const std::string& issuer) {
  return json::Value{{"spec_version", "1_0"},
                     {"issuer", issuer},
                     {"jwks_uri", endpoint(issuer, "jwks")},
                     {"delivery_methods_supported", json::Array{kPush, kPoll}},
                     {"configuration_endpoint", endpoint(issuer, "streams")},
                     {"status_endpoint", endpoint(issuer, "status")},
                     {"add_subject_endpoint", endpoint(issuer, "subjects/add")},
                     {"remove_subject_endpoint", endpoint(issuer, "subjects/remove")},
                     {"verification_endpoint", endpoint(issuer, "verification")},
                     {"authorization_schemes", json::Array{json::Value{{"spec_urn", "urn:ietf:rfc:6750"}}}},
                     {"default_subjects", "ALL"}};
}

http::Router transmitter_routes(Transmitter& transmitter, std::function<std::string()> key_set) {
  const std::string& issuer = transmitter.parts().issuer;
  const auto path_of = [](const std::string& url) { return uri::parse(url)->path; };
  const auto at = [&](std::string_view name) { return path_of(endpoint(issuer, name)); };
  http::Router router;
  const auto add = [&](const char* method, std::string path, Operation operation) {
    router.add(method, std::move(path), [&transmitter, operation](const http::Request& request) { return guarded(transmitter, request, operation); });
  };
  const std::string document = json::write(transmitter_metadata(issuer));
  router.add("GET", path_of(*uri::well_known(issuer, "ssf-configuration")), [document](const http::Request&) { return published(document); });
  router.add("GET", at("jwks"), [key_set = std::move(key_set)](const http::Request&) { return published(key_set()); });
  add("POST", at("streams"), create_stream);
  add("GET", at("streams"), read_streams);
  add("PATCH", at("streams"), change_stream);
  add("PUT", at("streams"), change_stream);
  add("DELETE", at("streams"), delete_stream);
  add("GET", at("status"), read_status);
  add("POST", at("status"), change_status);
  add("POST", at("subjects/add"), add_subject);
  add("POST", at("subjects/remove"), remove_subject);
  add("POST", at("verification"), verify_stream);
  add("POST", at("poll/*"), poll_stream);
  return router;
}

}  // namespace writ::signals
