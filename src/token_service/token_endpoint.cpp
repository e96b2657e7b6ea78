#include "token_service/token_endpoint.h"

#include "base/overloaded.h"
#include "token_service/form_request.h"
#include "token_service/mutual_tls.h"

namespace writ::token_service {

struct TokenEndpoint::Exchange {
  const http::Request& http;
  Instant now;
  std::shared_ptr<const registry::Snapshot> snapshot;
  TokenRequest request{};
  Client client{};
  Grant* grant = nullptr;
  std::string claimed_client_id{};                      // of a client that did not authenticate
  std::optional<std::uint64_t> recorded_at{};           // a record for this refusal exists already
  audit::Durability durability = audit::Durability::power;
  std::string dpop_nonce{};                             // sent along with the answer, whatever it is
};

// A step either lets the exchange go on or ends it with an outcome; every outcome is committed, then rendered.
struct TokenEndpoint::Step {
  std::string_view name;
  Task<std::optional<Outcome>> (TokenEndpoint::*run)(Exchange&) const;
};

const TokenEndpoint::Step TokenEndpoint::kSteps[] = {
    {"post_only", &TokenEndpoint::post_only},
    {"media_type", &TokenEndpoint::media_type},                            // application/x-www-form-urlencoded, not encoded
    {"read_form", &TokenEndpoint::read_form},                              // bounded
    {"no_repeated_parameters", &TokenEndpoint::no_repeated_parameters},    // RFC 6749 §3.2
    {"authenticate_client", &TokenEndpoint::authenticate_client},
    {"choose_grant", &TokenEndpoint::choose_grant},
    {"prove_possession", &TokenEndpoint::prove_possession},                // RFC 9449 §5, RFC 8705 §3; after who asks, before what for
    {"run_grant", &TokenEndpoint::run_grant},
};

namespace {

Refused refused_form(FormProblem problem) {
  Refused refused{to_wire(problem), {}};
  refused.record.event = audit::Event::client_authentication;
  refused.record.effect = audit::Effect::deny;
  refused.record.reason = to_string(problem);
  return refused;
}

template <class T>
std::optional<Outcome> ended_by(const Result<T, FormProblem>& result) {
  if (result) return std::nullopt;
  return Outcome(refused_form(result.error()));
}

oauth::Error unavailable() {
  return {oauth::ErrorCode::temporarily_unavailable, "the server cannot answer now, please try again", {}};
}

oauth::Error used_before() { return {oauth::ErrorCode::invalid_grant, "the grant is not valid", {}}; }

}  // namespace

Refused refuse(audit::Event event, oauth::ErrorCode code, std::string description, std::string reason, std::string detail) {
  Refused refused{{code, std::move(description), {}}, {}};
  refused.record.event = event;
  refused.record.effect = audit::Effect::deny;
  refused.record.reason = std::move(reason);
  refused.record.detail = std::move(detail);
  return refused;
}

Result<std::string, oauth::Error> TokenRequest::required(std::string_view name) const {
  const std::string* value = parameters.find(name);
  if (value != nullptr) return *value;
  return unexpected(oauth::Error{oauth::ErrorCode::invalid_request, "the parameter " + std::string(name) + " is missing", {}});
}

TokenEndpoint::TokenEndpoint(EndpointParts parts, std::vector<Grant*> grants) : parts_(parts), grants_(std::move(grants)) {}

TokenEndpoint TokenEndpoint::for_operation(EndpointParts parts, Grant& operation) {
  TokenEndpoint endpoint(parts, {&operation});
  endpoint.single_operation_ = true;
  return endpoint;
}

Task<http::Response> TokenEndpoint::handle(const http::Request& request) const {
  Exchange exchange{request, parts_.clock.now(), parts_.registry.get()};
  exchange.request.now = exchange.now;
  exchange.request.peer = request.peer.address;
  exchange.request.has_dpop_proof = request.headers.count("DPoP") > 0;

  std::optional<Outcome> outcome;
  for (const Step& step : kSteps) {
    Task<std::optional<Outcome>> running = (this->*step.run)(exchange);
    outcome = co_await running;
    if (outcome) break;
  }
  assert(outcome.has_value());   // the last step always ends the exchange

  auto answer = render(exchange, *outcome);
  http::Response response = co_await answer;
  if (!exchange.dpop_nonce.empty()) response.headers.set(dpop::kNonceHeader, exchange.dpop_nonce);
  co_return response;
}

Task<http::Response> TokenEndpoint::render(Exchange& exchange, Outcome& outcome) const {
  if (auto* granted = std::get_if<Granted>(&outcome)) return commit_and_render(exchange, *granted);
  if (auto* refused = std::get_if<Refused>(&outcome)) return commit_and_render(exchange, *refused);
  return commit_and_render(exchange, std::get<Unavailable>(outcome));
}

// ---- the steps

Task<std::optional<Outcome>> TokenEndpoint::post_only(Exchange& exchange) const { co_return ended_by(check_post(exchange.http)); }

Task<std::optional<Outcome>> TokenEndpoint::media_type(Exchange& exchange) const {
  co_return ended_by(check_media_type(exchange.http));
}

Task<std::optional<Outcome>> TokenEndpoint::read_form(Exchange& exchange) const {
  auto parameters = token_service::read_form(exchange.http);
  if (parameters) exchange.request.parameters = std::move(*parameters);
  co_return ended_by(parameters);
}

Task<std::optional<Outcome>> TokenEndpoint::no_repeated_parameters(Exchange& exchange) const {
  co_return ended_by(check_not_repeated(exchange.request.parameters));
}

Task<std::optional<Outcome>> TokenEndpoint::authenticate_client(Exchange& exchange) const {
  auto authenticating = parts_.clients.authenticate(exchange.http, exchange.request, exchange.snapshot);
  auto client = co_await authenticating;
  if (client) {
    exchange.client = std::move(*client);
    co_return std::nullopt;
  }
  if (const auto* refused = std::get_if<ClientRefused>(&client.error())) co_return Outcome(refused_client(*refused, exchange));
  co_return Outcome(std::get<Unavailable>(client.error()));
}

Task<std::optional<Outcome>> TokenEndpoint::choose_grant(Exchange& exchange) const {
  using oauth::ErrorCode;
  const auto refuse_request = [](ErrorCode code, std::string description, std::string reason) {
    return Outcome(refuse(audit::Event::client_authentication, code, std::move(description), std::move(reason)));
  };
  if (single_operation_) {
    exchange.grant = grants_.front();
  } else {
    const std::string* grant_type = exchange.request.parameters.find("grant_type");
    if (grant_type == nullptr)
      co_return refuse_request(ErrorCode::invalid_request, "the parameter grant_type is missing", "no_grant_type");
    for (Grant* grant : grants_)
      if (grant->grant_type() == *grant_type) exchange.grant = grant;
  }
  if (exchange.grant == nullptr)
    co_return refuse_request(ErrorCode::unsupported_grant_type, "this grant type is not offered here", "unsupported_grant_type");

  // Rules §1.6: who cannot prove who it is gets nothing from the two legs.
  if (exchange.client.method == registry::ClientAuthentication::none && !exchange.grant->allows_public_clients())
    co_return Outcome(refuse(exchange.grant->event(), ErrorCode::invalid_client, "client authentication failed", "public_client"));
  co_return std::nullopt;
}

Task<std::optional<Outcome>> TokenEndpoint::prove_possession(Exchange& exchange) const {
  // Revocation and introspection give nothing that could be bound.
  if (single_operation_) co_return std::nullopt;
  ProofChecked checked = check_proof(parts_.dpop, exchange.http, exchange.client, exchange.grant->event(), exchange.now);
  exchange.dpop_nonce = std::move(checked.nonce);
  exchange.request.dpop_jkt = std::move(checked.jkt);
  if (checked.refused) co_return std::optional<Outcome>(std::move(*checked.refused));
  auto certificate = certificate_to_bind(exchange.http.peer.certificate.get(), *exchange.client.registration);
  // RFC 8705 §3: such a client's requests without one come from somebody else, or ask for less than was agreed.
  if (!certificate) {
    co_return Outcome(refuse(exchange.grant->event(), oauth::ErrorCode::invalid_request, "this client must show its certificate", "client_certificate_absent"));
  }
  exchange.request.certificate_x5t = std::move(*certificate);
  co_return std::nullopt;
}

Task<std::optional<Outcome>> TokenEndpoint::run_grant(Exchange& exchange) const {
  auto deciding = exchange.grant->decide(exchange.request, exchange.client);
  Outcome outcome = co_await deciding;
  co_return std::optional<Outcome>(std::move(outcome));
}

// ---- how an exchange ends: exactly one record, then the answer

Task<http::Response> TokenEndpoint::commit_and_render(Exchange& exchange, Granted& granted) const {
  assert(granted.claim.has_value() == granted.if_replayed.has_value());
  audit::Commit to_commit{std::move(granted.record), granted.claim, std::move(granted.if_replayed), granted.durability};
  complete(to_commit.record, exchange);
  if (to_commit.if_replayed) complete(*to_commit.if_replayed, exchange);
  std::optional<audit::Record> undone;
  if (granted.after_commit || granted.after_replay) undone = to_commit.record;
  auto committing = parts_.log.commit(std::move(to_commit));
  const auto committed = co_await committing;
  if (!committed) co_return oauth::render(unavailable());

  const auto& then = committed->replayed ? granted.after_replay : granted.after_commit;
  if (then) {
    auto applying = then();
    const auto applied = co_await applying;
    if (!applied) {
      // The record promised a change that did not come (rules §6.4). The caller got nothing.
      undone->event = audit::Event::aborted;
      undone->effect = audit::Effect::none;
      undone->of_position = committed->position;
      undone->reason = "change_failed";
      undone->detail = applied.error().what;
      auto recording = parts_.log.commit({std::move(*undone), std::nullopt, std::nullopt, audit::Durability::power});
      const auto recorded = co_await recording;
      static_cast<void>(recorded);   // the answer is 503 either way
      co_return oauth::render(unavailable());
    }
  }
  if (committed->replayed) co_return oauth::render(used_before());
  co_return http::no_store(http::json(200, json::write(json::Value(std::move(granted.body)))));
}

Task<http::Response> TokenEndpoint::commit_and_render(Exchange& exchange, Refused& refused) const {
  if (exchange.recorded_at) co_return oauth::render(refused.error);
  complete(refused.record, exchange);
  audit::Commit to_commit{std::move(refused.record), std::nullopt, std::nullopt, exchange.durability};
  auto committing = parts_.log.commit(std::move(to_commit));
  const auto committed = co_await committing;
  // S1: a refusal without a record would hide an attack; the caller learns only that it should come back.
  if (!committed) co_return oauth::render(unavailable());
  if (refused.with_code)
    refused.error.members.push_back({"denial_code", audit::denial_code(committed->position, parts_.node)});
  co_return oauth::render(refused.error);
}

Task<http::Response> TokenEndpoint::commit_and_render(Exchange& exchange, Unavailable& missing) const {
  audit::Record record;
  record.event = exchange.grant != nullptr ? exchange.grant->event() : audit::Event::client_authentication;
  record.effect = audit::Effect::deny;
  record.reason = "unavailable";
  record.detail = missing.what;
  complete(record, exchange);
  auto committing = parts_.log.commit({std::move(record), std::nullopt, std::nullopt, audit::Durability::process});
  const auto committed = co_await committing;
  static_cast<void>(committed);   // what is missing may be the log itself; the answer is 503 either way
  co_return oauth::render(unavailable());
}

void TokenEndpoint::complete(audit::Record& record, const Exchange& exchange) const {
  record.time = exchange.now;
  record.peer = exchange.http.peer.address;
  record.trail = exchange.http.trail;
  if (record.object_sequence == 0) record.object_sequence = exchange.snapshot->sequence();   // a grant that changed the objects was decided on the changed ones
  if (record.agent.empty() && exchange.client.agent != nullptr) record.agent = exchange.client.agent->id;
  if (record.client_id.empty() && exchange.client.registration != nullptr)
    record.client_id = exchange.client.registration->client_id;
  if (record.client_id.empty()) record.client_id = exchange.claimed_client_id;
}

Refused TokenEndpoint::refused_client(const ClientRefused& refused, Exchange& exchange) const {
  exchange.claimed_client_id = refused.claimed_client_id;
  exchange.recorded_at = refused.recorded_at;
  // One text for every reason: it must not tell an unknown client from a wrong secret (T6, T11).
  Refused answer = refuse(audit::Event::client_authentication, oauth::ErrorCode::invalid_client, "client authentication failed",
                          std::string(to_string(refused.problem)));
  answer.error.basic_challenge = refused.basic_tried;
  const int wait_seconds = parts_.throttle.count_failure(exchange.http.peer.address, exchange.now);
  if (wait_seconds > 0) {
    answer.error.status = 429;
    answer.error.retry_after_seconds = wait_seconds;
    answer.record.more.emplace_back("throttled", "true");
    exchange.durability = audit::Durability::process;   // a flood must not buy a disk flush with each guess
  }
  return answer;
}

}  // namespace writ::token_service
