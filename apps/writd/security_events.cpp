#include "security_events.h"

#include <algorithm>

#include "adapters/net/pause.h"
#include "adapters/yaml/yaml.h"
#include "encoding/uri.h"
#include "log.h"
#include "parts.h"
#include "signals/security_event_token.h"
#include "signals/transmitter/endpoints.h"
#include "token_service/idp/federation/upstream_events.h"
#include "token_service/idp/subject_identifier.h"

namespace writ::writd {
namespace {

using Delivery = config::Signals::Source::Delivery;
using For = config::Signals::Source::For;

std::string failed(const Unavailable& unavailable) { return std::string("cannot start security events: ") + unavailable.what; }
std::string path_of(const std::string& url) { return uri::parse(url)->path; }

Result<void, std::string> build_transmitter(Deployment::Parts& parts, SecurityEvents& events) {
  registry::Documents& documents = *parts.stores.documents;
  // Keys of their own, RS256 as the interoperability profile wants it (EN-23): what signs events signs nothing else.
  token_service::RotationRules rules;
  rules.algorithm = crypto::Algorithm::rs256;
  rules.age_max = parts.config.keys.rotate_after;
  auto keys = token_service::RotatingKeys::open(documents, crypto::SealingKey(parts.stores.sealing_key), "ssf", rules, parts.clock.now());
  if (!keys) return unexpected(failed(keys.error()));
  events.keys = std::move(*keys);
  auto streams = signals::Streams::open(documents);
  if (!streams) return unexpected(failed(streams.error()));
  events.streams = std::move(*streams);
  auto outbox = signals::Outbox::open(documents);
  if (!outbox) return unexpected(failed(outbox.error()));
  events.outbox = std::move(*outbox);

  const auto& settings = parts.idp->idp->settings;
  const auto subject_of = [&settings](const registry::ResourceAs& ras, const registry::User& user) {
    return token_service::idp::subject_identifier(ras.subject, user, ras.issuer, settings);
  };
  signals::TransmitterParts transmitting{parts.config.idp.issuer, parts.clock, parts.registry, *parts.stores.log, parts.outgoing, *events.streams, *events.outbox,
                                         crypto::SealingKey(parts.stores.sealing_key),
                                         [&events](const json::Value& claims) { return signals::sign(claims, *events.keys->current()->active.held()); }, subject_of,
                                         [](Milliseconds duration) { return net::pause(duration); }};
  events.transmitter = std::make_shared<signals::Transmitter>(std::move(transmitting));
  const auto is_renamed = [&parts, subject_of](const registry::User& before, const registry::User& after) {
    for (const auto& ras : parts.registry.get()->objects().resource_authorization_servers) {
      if (subject_of(ras, before) != subject_of(ras, after)) return true;
    }
    return false;
  };
  auto people = signals::PeopleWatch::open({documents, *parts.stores.objects, *events.transmitter, parts.clock, is_renamed});
  if (!people) return unexpected(failed(people.error()));
  events.people = std::move(*people);
  parts.idp->idp->people_events = events.transmitter.get();
  const auto key_set = [&events] { return json::write(jose::to_json(events.keys->current()->published)); };
  parts.public_routes.add_all(signals::transmitter_routes(*events.transmitter, key_set), "idp");
  return {};
}

// The keys that an issuer's events are verified with: where its transmitter says, or where its other keys are when it says nothing.
Task<Result<signals::ReceiverParts::Published, Unavailable>> published(Deployment::Parts& parts, SecurityEvents& events, signals::Sender sender, std::optional<std::string> kid) {
  std::string issuer = sender.issuer;
  const auto metadata = co_await events.directory.find(std::move(issuer), parts.clock.now());
  if (!metadata && metadata.error() != signals::DirectoryProblem::absent) co_return unexpected(Unavailable{"a transmitter's configuration"});
  jose::KeySource source(sender.issuer, metadata ? (*metadata)->jwks_uri : sender.jwks_uri, metadata && (*metadata)->keys_elsewhere);
  auto keys = co_await parts.remote_keys.find(std::move(source), std::move(kid), parts.clock.now());
  if (!keys) co_return unexpected(keys.error());
  signals::ReceiverParts::Published all;
  all.keys = std::move(*keys);
  if (metadata) all.critical_subject_members = (*metadata)->critical_subject_members;
  co_return all;
}

// Of a trusted issuer, for our resource authorization server.
Task<Result<signals::Obeyed, Unavailable>> end_foreign_access(Deployment::Parts& parts, SecurityEvents& events, signals::SecurityEventToken set, std::int64_t until) {
  const auto snapshot = parts.registry.get();
  signals::Obeyed obeyed;
  const auto* issuer = snapshot->trusted_issuer(set.issuer);
  auto named = issuer ? signals::name_subject(set.subject, *issuer, *snapshot) : Result<signals::Named, signals::NamingProblem>(unexpected(signals::NamingProblem::another_issuer));
  if (!named) {
    obeyed.reason = std::string(signals::to_string(named.error()));
    co_return obeyed;
  }
  obeyed.user_id = named->user_id;
  std::string name = set.issuer;
  std::vector<signals::NamedSubject> names = std::move(named->names);
  const auto ended = co_await events.access->end(std::move(name), std::move(names), until, parts.clock.now());
  if (!ended) co_return unexpected(ended.error());
  // Within the second, and without waiting for the next look (rules §5.3).
  if (parts.gateway) parts.gateway->gateway->check_streams(parts.clock.now());
  obeyed.reason = "access_ended";
  co_return obeyed;
}

// Of an upstream provider, for our identity provider.
Task<Result<signals::Obeyed, Unavailable>> end_upstream(Deployment::Parts& parts, signals::SecurityEventToken set, std::int64_t until, std::string peer) {
  const auto snapshot = parts.registry.get();
  const auto* connector = snapshot->identity_connector_of(set.issuer);
  signals::Obeyed obeyed;
  obeyed.reason = "subject_unknown";
  if (!connector) co_return obeyed;
  registry::IdentityConnector copy = *connector;
  signals::Subject subject = std::move(set.subject);
  auto ended = co_await token_service::idp::end_upstream_access(*parts.idp->idp, std::move(copy), std::move(subject), until, std::move(peer));
  co_return ended;
}

bool expects_state(const SecurityEvents& events, std::string_view issuer, const std::string& state) {
  for (const auto& subscription : events.subscriptions) {
    if (subscription->summary().issuer == issuer && subscription->expects_state(state)) return true;
  }
  return false;
}

signals::ReceiverParts receiving(Deployment::Parts& parts, SecurityEvents& events) {
  signals::ReceiverParts receiving{parts.clock, parts.registry, *parts.stores.log, *events.seen, parts.config.skew.count()};
  receiving.published = [&parts, &events](signals::Sender sender, std::optional<std::string> kid) { return published(parts, events, std::move(sender), std::move(kid)); };
  receiving.expects_state = [&events](std::string_view issuer, const std::string& state) { return expects_state(events, issuer, state); };
  return receiving;
}

void build_for_resource_as(Deployment::Parts& parts, SecurityEvents& events) {
  const std::string issuer = parts.config.resource_as.issuer;
  const auto find_sender = [issuer](const registry::Snapshot& snapshot, std::string_view name) -> std::optional<signals::Sender> {
    const auto* trusted = snapshot.trusted_issuer(name);
    if (!trusted || !trusted->active || !trusted->signals) return std::nullopt;
    return signals::Sender{trusted->issuer, trusted->jwks_uri, {issuer}, trusted->algorithms};
  };
  auto obeying = receiving(parts, events);
  obeying.find_sender = find_sender;
  obeying.end_access = [&parts, &events](signals::SecurityEventToken set, std::int64_t until, std::string) { return end_foreign_access(parts, events, std::move(set), until); };
  events.for_resource_as = std::make_unique<signals::EventReceiver>(std::move(obeying));

  signals::GlobalTokenRevocationParts ordering{parts.clock, parts.registry, *parts.stores.log, *events.seen, *events.access, issuer + "/global-token-revocation", parts.config.skew.count(), find_sender,
                                               [&parts](signals::Sender sender, std::optional<std::string> kid) {
                                                 return parts.remote_keys.find(jose::KeySource(sender.issuer, sender.jwks_uri, false), std::move(kid), parts.clock.now());
                                               }};
  events.global_token_revocation = std::make_unique<signals::GlobalTokenRevocation>(std::move(ordering));
  http::Router routes;
  routes.add("POST", path_of(issuer + "/ssf/events"), [&events](const http::Request& request) { return events.for_resource_as->push(request); });
  routes.add("POST", path_of(issuer + "/global-token-revocation"), [&events](const http::Request& request) { return events.global_token_revocation->handle(request); });
  parts.public_routes.add_all(routes, "resource_as");
}

void build_for_idp(Deployment::Parts& parts, SecurityEvents& events) {
  using crypto::Algorithm;
  const std::string issuer = parts.config.idp.issuer;
  auto obeying = receiving(parts, events);
  std::vector<std::string> named;
  for (const auto& source : parts.config.signals.receive) {
    if (source.whom == For::idp) named.push_back(source.issuer);
  }
  obeying.find_sender = [issuer, named](const registry::Snapshot& snapshot, std::string_view name) -> std::optional<signals::Sender> {
    const auto* connector = snapshot.identity_connector_of(name);
    const bool is_named = std::find(named.begin(), named.end(), name) != named.end();
    if (!is_named || !connector || !connector->active) return std::nullopt;
    return signals::Sender{connector->issuer, "", {issuer}, {Algorithm::rs256, Algorithm::ps256, Algorithm::es256, Algorithm::es384, Algorithm::eddsa}};
  };
  obeying.end_access = [&parts](signals::SecurityEventToken set, std::int64_t until, std::string peer) { return end_upstream(parts, std::move(set), until, std::move(peer)); };
  events.for_idp = std::make_unique<signals::EventReceiver>(std::move(obeying));
  http::Router routes;
  routes.add("POST", path_of(issuer + "/ssf/events"), [&events](const http::Request& request) { return events.for_idp->push(request); });
  parts.public_routes.add_all(routes, "idp");
}

void subscribe(Deployment::Parts& parts, SecurityEvents& events, const config::Signals::Source& source) {
  signals::SubscriptionSettings settings;
  settings.issuer = source.issuer;
  settings.push = source.delivery == Delivery::push;
  settings.push_endpoint = (source.whom == For::idp ? parts.config.idp.issuer : parts.config.resource_as.issuer) + "/ssf/events";
  settings.token = [file = source.token_file] { return yaml::read_secret_file(file, {}); };
  auto& receiver = source.whom == For::idp ? *events.for_idp : *events.for_resource_as;
  signals::Subscription::Parts subscribing{parts.clock, parts.outgoing, events.directory, receiver, [](const std::string& sentence) { log_warning(sentence); }};
  events.subscriptions.push_back(std::make_shared<signals::Subscription>(std::move(settings), std::move(subscribing)));
}

}  // namespace

Result<void, std::string> build_security_events(Deployment::Parts& parts) {
  parts.security_events = std::make_unique<SecurityEvents>(parts.outgoing);
  SecurityEvents& events = *parts.security_events;
  if (parts.idp && parts.config.signals.transmit) TRY(build_transmitter(parts, events));
  auto seen = signals::SeenTokens::open(*parts.stores.documents);
  if (!seen) return unexpected(failed(seen.error()));
  events.seen = std::move(*seen);
  events.access = std::make_unique<signals::SubjectAccess>(*parts.revocations);
  if (parts.resource_as) build_for_resource_as(parts, events);
  if (parts.idp) build_for_idp(parts, events);
  for (const auto& source : parts.config.signals.receive) subscribe(parts, events, source);
  return {};
}

void SecurityEvents::check(const std::shared_ptr<const registry::Snapshot>& present) {
  if (people && people->is_behind()) spawn(people->catch_up(present), [](std::exception_ptr) {});
  if (transmitter) transmitter->pump();
  for (const auto& subscription : subscriptions) subscription->tick();
}

void SecurityEvents::stop() {
  if (transmitter) transmitter->stop();
  for (const auto& subscription : subscriptions) subscription->stop();
}

bool SecurityEvents::is_idle() const {
  if (transmitter && !transmitter->is_idle()) return false;
  return std::all_of(subscriptions.begin(), subscriptions.end(), [](const auto& subscription) { return subscription->is_idle(); });
}

std::vector<admin::EventStream> RoleSignals::streams() const {
  std::vector<admin::EventStream> all;
  if (!events_.transmitter) return all;
  for (auto& summary : events_.transmitter->summaries()) {
    admin::EventStream stream;
    stream.id = summary.stream.id, stream.audience = summary.stream.audience;
    stream.delivery = summary.stream.push ? "push" : "poll", stream.endpoint_url = summary.stream.endpoint_url;
    stream.status = signals::to_string(summary.stream.status), stream.reason = summary.stream.reason;
    stream.description = summary.stream.description, stream.events = summary.stream.events_requested;
    stream.held_by_administrator = summary.stream.held_by_administrator, stream.receiver_known = summary.receiver_known;
    stream.waiting = summary.waiting, stream.failures = summary.failures, stream.last_problem = summary.last_problem;
    stream.created = summary.stream.created, stream.last_delivery = summary.last_delivery, stream.next_attempt = summary.next_attempt;
    all.push_back(std::move(stream));
  }
  return all;
}

std::vector<admin::EventSubscription> RoleSignals::subscriptions() const {
  std::vector<admin::EventSubscription> all;
  for (const auto& subscription : events_.subscriptions) {
    const auto summary = subscription->summary();
    all.push_back({summary.issuer, summary.push ? "push" : "poll", summary.stream_id, summary.last_problem, summary.verified, summary.last_success});
  }
  return all;
}

Task<Result<bool, Unavailable>> RoleSignals::set_status(std::string stream, std::string status, std::string reason, std::string actor, std::string peer) {
  const auto parsed = signals::parse_status(status);
  if (!events_.transmitter || !parsed) co_return false;
  auto set = co_await events_.transmitter->hold(std::move(stream), *parsed, std::move(reason), std::move(actor), std::move(peer));
  co_return set;
}

Task<Result<bool, Unavailable>> RoleSignals::remove(std::string stream, std::string actor, std::string peer) {
  if (!events_.transmitter) co_return false;
  auto removed = co_await events_.transmitter->remove(std::move(stream), std::move(actor), std::move(peer));
  co_return removed;
}

}  // namespace writ::writd
