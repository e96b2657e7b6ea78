#include "signals/receiver/subscription.h"

#include <algorithm>

#include "crypto/random.h"
#include "encoding/uri.h"

namespace writ::signals {
namespace {

constexpr Seconds kLookAgain{300}, kStateLives{600};
constexpr Milliseconds kBackOffMax{30'000};

const std::vector<std::string>& wanted_events() {
  static const std::vector<std::string> kWanted = {std::string(kSessionRevoked), std::string(kCredentialChange), std::string(kAccountDisabled), std::string(kAccountPurged)};
  return kWanted;
}

json::Value delivery_of(const SubscriptionSettings& settings) {
  json::Value delivery{{"method", settings.push ? kPush : kPoll}};
  if (settings.push) delivery.set("endpoint_url", settings.push_endpoint);
  return delivery;
}

bool has_wanted_events(const json::Value& stream) {
  const auto* value = stream.find("events_requested");
  const auto names = value ? json::to_strings(*value) : std::nullopt;
  if (!names) return false;
  return std::all_of(wanted_events().begin(), wanted_events().end(), [&](const std::string& type) { return std::find(names->begin(), names->end(), type) != names->end(); });
}

}  // namespace

std::optional<StreamThere> find_stream(const json::Value& answer, const SubscriptionSettings& settings) {
  const json::Array* several = answer.as_array();
  const json::Value* stream = several ? (several->empty() ? nullptr : &several->front()) : &answer;
  const auto* id = stream ? stream->find_string("stream_id") : nullptr;
  const auto* issuer = stream ? stream->find_string("iss") : nullptr;
  // EN-21: a stream of somebody else is none of ours.
  if (!id || id->empty() || !issuer || *issuer != settings.issuer) return std::nullopt;
  StreamThere there;
  there.id = *id;
  const json::Value* delivery = stream->find("delivery");
  const auto* method = delivery ? delivery->find_string("method") : nullptr;
  const auto* url = delivery ? delivery->find_string("endpoint_url") : nullptr;
  if (!settings.push && url) there.poll_url = *url;
  there.fits = method && *method == (settings.push ? kPush : kPoll) && url && (!settings.push || *url == settings.push_endpoint) && has_wanted_events(*stream);
  return there;
}

bool Subscription::expects_state(const std::string& state) const {
  const std::lock_guard lock(mutex_);
  return !state_.empty() && state == state_ && parts_.clock.now() < state_made_ + kStateLives;
}

bool Subscription::is_idle() const {
  const std::lock_guard lock(mutex_);
  return !running_;
}

Subscription::Summary Subscription::summary() const {
  const std::lock_guard lock(mutex_);
  return {settings_.issuer, stream_id_, last_problem_, settings_.push, verified_, last_success_};
}

Task<Result<http::OutgoingResponse, std::string>> Subscription::call(std::string method, std::string url, std::optional<json::Value> body) {
  const auto token = settings_.token();
  if (!token) co_return unexpected(token.error());
  http::OutgoingRequest request;
  request.method = std::move(method), request.url = std::move(url);
  request.headers = {{"Authorization", "Bearer " + std::string(token->reveal())}, {"Accept", "application/json"}};
  if (body) {
    request.headers.add("Content-Type", "application/json");
    request.body = json::write(*body);
  }
  request.response_bytes_max = 4 << 20;
  const auto issuer = uri::parse(settings_.issuer), to = uri::parse(request.url);
  // Our token goes where the issuer is, or to a public address that its own document names (N1).
  request.public_addresses_only = !issuer || !to || issuer->origin() != to->origin();
  auto answer = co_await parts_.outgoing.fetch(std::move(request));
  if (!answer) co_return unexpected("the transmitter cannot be reached: " + answer.error().detail);
  co_return std::move(*answer);
}

Task<Result<json::Value, std::string>> Subscription::call_json(std::string method, std::string url, std::optional<json::Value> body) {
  const auto answer = co_await call(std::move(method), std::move(url), std::move(body));
  if (!answer) co_return unexpected(answer.error());
  if (answer->status != 200 && answer->status != 201) co_return unexpected("the transmitter answered " + std::to_string(answer->status));
  auto value = json::parse(answer->body);
  if (!value) co_return unexpected(std::string("the transmitter's answer is no JSON"));
  co_return std::move(*value);
}

Task<Subscription::Step> Subscription::set_up() {
  std::string issuer = settings_.issuer;
  const auto found = co_await parts_.directory.find(std::move(issuer), parts_.clock.now());
  if (!found) co_return unexpected("the transmitter's configuration cannot be used: " + std::string(to_string(found.error())));
  const std::string endpoint = (*found)->configuration_endpoint;
  if (endpoint.empty()) co_return unexpected(std::string("the transmitter has no configuration endpoint"));
  std::string method = "GET", url = endpoint;
  std::optional<json::Value> body;
  const auto present = co_await call_json(std::move(method), std::move(url), std::move(body));
  if (!present) co_return unexpected(present.error());
  auto there = find_stream(*present, settings_);
  if (!there || !there->fits) {
    json::Value wanted{{"delivery", delivery_of(settings_)}, {"events_requested", json::from_strings(wanted_events())}, {"description", "Writ"}};
    method = there ? "PATCH" : "POST", url = endpoint;
    if (there) wanted.set("stream_id", there->id);
    body = std::move(wanted);
    const auto made = co_await call_json(std::move(method), std::move(url), std::move(body));
    if (!made) co_return unexpected(made.error());
    there = find_stream(*made, settings_);
    if (!there) co_return unexpected(std::string("the transmitter's answer is no stream of this issuer"));
  }
  if (!settings_.push && there->poll_url.empty()) co_return unexpected(std::string("the transmitter does not say where to poll"));
  const std::lock_guard lock(mutex_);
  if (stream_id_ != there->id) verified_ = false;
  stream_id_ = there->id, poll_url_ = there->poll_url;
  set_up_at_ = parts_.clock.now();
  co_return Step{};
}

Task<Subscription::Step> Subscription::ask_for_verification() {
  std::string issuer = settings_.issuer;
  const auto found = co_await parts_.directory.find(std::move(issuer), parts_.clock.now());
  if (!found || (*found)->verification_endpoint.empty()) co_return Step{};   // it has none: events will show
  std::string method = "POST", url = (*found)->verification_endpoint;
  std::optional<json::Value> body;
  {
    const std::lock_guard lock(mutex_);
    state_ = crypto::random_token(), state_made_ = parts_.clock.now();
    body = json::Value{{"stream_id", stream_id_}, {"state", state_}};
  }
  const auto answer = co_await call(std::move(method), std::move(url), std::move(body));
  if (!answer) co_return unexpected(answer.error());
  if (answer->status < 200 || answer->status > 299) co_return unexpected("the transmitter answered " + std::to_string(answer->status) + " when asked for a verification");
  const std::lock_guard lock(mutex_);
  verified_ = true;
  co_return Step{};
}

Task<Subscription::Step> Subscription::poll() {
  PollRequest request;
  request.return_immediately = true;
  std::string method = "POST", url;
  {
    const std::lock_guard lock(mutex_);
    request.acknowledged = acknowledged_, request.refused = refused_;
    url = poll_url_;
  }
  std::optional<json::Value> body = to_json(request);
  const auto value = co_await call_json(std::move(method), std::move(url), std::move(body));
  if (!value) co_return unexpected(value.error());
  {
    const std::lock_guard lock(mutex_);
    acknowledged_.clear(), refused_.clear();
  }
  auto response = parse_poll_response(json::write(*value));
  if (!response) co_return unexpected(response.error());
  for (auto& [jti, token] : response->sets) {
    std::string text = std::move(token), peer = "poll";
    const auto taken = co_await parts_.receiver.take(std::move(text), std::move(peer));
    if (stopped_) co_return Step{};
    const auto* error = taken ? nullptr : std::get_if<DeliveryError>(&taken.error());
    if (!taken && !error) co_return unexpected(std::string("an event could not be kept; it is asked for again"));
    const std::lock_guard lock(mutex_);
    if (error) refused_.emplace(jti, *error);
    else acknowledged_.push_back(jti);
  }
  const std::lock_guard lock(mutex_);
  // There is something to acknowledge, or more to come: at once.
  if (!response->sets.empty()) next_ = Instant{};
  co_return Step{};
}

Task<void> Subscription::run() {
  const auto self = shared_from_this();
  const Instant now = parts_.clock.now();
  bool is_set_up = false, is_verified = false;
  {
    const std::lock_guard lock(mutex_);
    is_set_up = !stream_id_.empty() && now < set_up_at_ + kLookAgain, is_verified = verified_;
    next_ = now + (settings_.push ? Milliseconds{1'000} : settings_.poll_every);
  }
  Step done;
  if (!is_set_up && !stopped_) done = co_await set_up();
  if (done && !is_verified && !stopped_) done = co_await ask_for_verification();
  if (done && !settings_.push && !stopped_) done = co_await poll();
  std::string warning;
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
    if (done) {
      failures_ = 0, last_problem_.clear(), last_success_ = parts_.clock.now();
    } else {
      if (last_problem_ != done.error()) warning = "events of " + settings_.issuer + " do not arrive: " + done.error();
      last_problem_ = done.error();
      // The stream may be gone: look before the next attempt.
      set_up_at_ = Instant{};
      Milliseconds wait{500};
      for (int i = 0; i < failures_ && wait < kBackOffMax; ++i) wait *= 2;
      ++failures_;
      next_ = parts_.clock.now() + std::min(wait, kBackOffMax);
    }
  }
  if (!warning.empty() && parts_.warn && !stopped_) parts_.warn(warning);
}

void Subscription::tick() {
  {
    const std::lock_guard lock(mutex_);
    if (running_ || stopped_ || parts_.clock.now() < next_) return;
    running_ = true;
  }
  spawn(run(), [](std::exception_ptr) {});
}

}  // namespace writ::signals
