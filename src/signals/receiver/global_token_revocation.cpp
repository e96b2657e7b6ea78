#include "signals/receiver/global_token_revocation.h"

#include <algorithm>

namespace writ::signals {
namespace {

using Problem = CallerProblem;
constexpr std::int64_t kLifetimeSecondsMax = 3'600;

bool is_json(const http::Request& request) {
  const auto* type = request.headers.find_single("Content-Type");
  return type && http::equals_ignoring_case(std::string_view(*type).substr(0, type->find(';')), "application/json");
}

}  // namespace

std::string_view to_string(CallerProblem problem) {
  switch (problem) {
    case Problem::no_token: return "gtr_no_token";
    case Problem::malformed: return "gtr_token_malformed";
    case Problem::wrong_type: return "gtr_token_wrong_type";
    case Problem::issuer_not_trusted: return "gtr_issuer_not_trusted";
    case Problem::bad_signature: return "gtr_token_bad_signature";
    case Problem::wrong_audience: return "gtr_token_wrong_audience";
    case Problem::bad_times: return "gtr_token_bad_times";
    case Problem::bad_jti: return "gtr_token_bad_jti";
    case Problem::replayed: return "gtr_token_replayed";
  }
  return "gtr_token_malformed";
}

Result<CallerToken, CallerProblem> verify_caller(jose::UnverifiedJwt token, const jose::KeySet& keys, const Sender& sender, std::string_view endpoint, std::int64_t now_seconds,
                                                 std::int64_t skew_seconds) {
  // An ID token, an ID-JAG or an event of that issuer is no order: each has another type, or none.
  if (!token.has_type(kTypGlobalTokenRevocation) && !token.has_type("JWT")) return unexpected(Problem::wrong_type);
  const auto verified = jose::VerifiedJwt::verify(std::move(token), keys, sender.algorithms);
  if (!verified) return unexpected(Problem::bad_signature);
  const json::Value& claims = verified->claims();
  const auto* issuer = claims.find_string("iss");
  if (!issuer || *issuer != sender.issuer) return unexpected(Problem::issuer_not_trusted);
  // Our very URL, alone: no other token of the issuer is made for it.
  const auto* audience = claims.find_string("aud");
  if (!audience || *audience != endpoint) return unexpected(Problem::wrong_audience);
  const jose::TimeRules times{.skew_seconds = skew_seconds, .lifetime_seconds_max = kLifetimeSecondsMax, .iat_required = true};
  if (!jose::check_times(claims, now_seconds, times)) return unexpected(Problem::bad_times);
  const auto* jti = claims.find_string("jti");
  if (!jti || jti->empty() || jti->size() > 255) return unexpected(Problem::bad_jti);
  return CallerToken{*issuer, *jti};
}

std::optional<Subject> parse_revocation(std::string_view body) {
  constexpr json::Limits kLimits = {.bytes_max = 16 * 1024, .depth_max = 6, .members_max = 100};
  const auto value = json::parse(body, kLimits);
  const json::Object* members = value ? value->as_object() : nullptr;
  if (!members || members->size() != 1 || members->front().name != "sub_id") return std::nullopt;   // EN-50: a single member
  auto subject = parse_subject(members->front().value);
  if (!subject || !subject->has_user || !subject->unprocessable.empty()) return std::nullopt;
  const auto format = subject->user.format;
  if (format != Identifier::Format::iss_sub && format != Identifier::Format::email) return std::nullopt;
  return std::move(*subject);
}

Task<Result<CallerToken, std::variant<CallerProblem, Unavailable>>> GlobalTokenRevocation::authenticate(std::string header, std::shared_ptr<const registry::Snapshot> snapshot) {
  using Failure = std::variant<CallerProblem, Unavailable>;
  if (header.size() < 8 || !http::equals_ignoring_case(std::string_view(header).substr(0, 7), "bearer ")) co_return unexpected(Failure(Problem::no_token));
  auto token = jose::UnverifiedJwt::parse(std::string_view(header).substr(7));
  if (!token) co_return unexpected(Failure(Problem::malformed));
  const auto* claimed = token->claimed().find_string("iss");
  const auto sender = claimed ? parts_.find_sender(*snapshot, *claimed) : std::nullopt;
  if (!sender) co_return unexpected(Failure(Problem::issuer_not_trusted));
  Sender asked = *sender;
  auto kid = token->kid();
  const auto keys = co_await parts_.keys(std::move(asked), std::move(kid));
  if (!keys) co_return unexpected(Failure(keys.error()));
  const Instant now = parts_.clock.now();
  auto caller = verify_caller(std::move(*token), **keys, *sender, parts_.endpoint, to_unix_seconds(now), parts_.skew_seconds);
  if (!caller) co_return unexpected(Failure(caller.error()));
  // Whoever finds an old one in a log must not sign people out with it.
  if (parts_.seen.contains(caller->issuer, "gtr:" + caller->jti)) co_return unexpected(Failure(Problem::replayed));
  std::string issuer = caller->issuer, jti = "gtr:" + caller->jti;
  const auto noted = co_await parts_.seen.add(std::move(issuer), std::move(jti), now);
  if (!noted) co_return unexpected(Failure(noted.error()));
  co_return std::move(*caller);
}

// The record first, then the answer.
Task<http::Response> GlobalTokenRevocation::answer(int status, std::string issuer, std::string user, std::string reason, std::string peer) {
  audit::Commit commit;
  commit.record.event = audit::Event::signal;
  commit.record.effect = status == 204 ? audit::Effect::allow : audit::Effect::deny;
  commit.record.time = parts_.clock.now();
  commit.record.reason = std::move(reason);
  commit.record.issuer = std::move(issuer);
  commit.record.user = std::move(user);
  commit.record.peer = std::move(peer);
  commit.record.more = {{"security_event", "global_token_revocation"}};
  const auto committed = co_await parts_.log.commit(std::move(commit));
  http::Response response = http::no_store(http::Response{});
  response.status = committed ? status : 503;
  if (response.status == 401) response.headers.set("WWW-Authenticate", "Bearer");
  co_return response;
}

Task<http::Response> GlobalTokenRevocation::handle(const http::Request& request) {
  const auto snapshot = parts_.registry.get();
  const auto* header = request.headers.find_single("Authorization");
  std::string credentials = header ? *header : "", peer = request.peer.address, nobody, issuer;
  const auto caller = co_await authenticate(std::move(credentials), snapshot);
  if (!caller) {
    const auto* problem = std::get_if<CallerProblem>(&caller.error());
    std::string reason(problem ? to_string(*problem) : "gtr_unavailable");
    auto refused = co_await answer(problem ? 401 : 503, std::move(issuer), std::move(nobody), std::move(reason), std::move(peer));
    co_return refused;
  }
  issuer = caller->issuer;
  const auto subject = is_json(request) ? parse_revocation(request.body) : std::nullopt;
  if (!subject) {
    auto refused = co_await answer(400, std::move(issuer), std::move(nobody), "gtr_malformed", std::move(peer));
    co_return refused;
  }
  const auto* trusted = snapshot->trusted_issuer(issuer);
  const auto named = trusted ? name_subject(*subject, *trusted, *snapshot) : Result<Named, NamingProblem>(unexpected(NamingProblem::another_issuer));
  // One answer for all that is not this issuer's to name, so that it learns nothing about others' people.
  if (!named || named->user_id.empty()) {
    std::string reason(named ? to_string(NamingProblem::subject_unknown) : to_string(named.error()));
    auto refused = co_await answer(404, std::move(issuer), std::move(nobody), std::move(reason), std::move(peer));
    co_return refused;
  }
  const Instant now = parts_.clock.now();
  std::string of_issuer = issuer, user = named->user_id;
  std::vector<NamedSubject> names = named->names;
  const auto ended = co_await parts_.access.end_until_signed_in(std::move(of_issuer), std::move(names), to_unix_seconds(now), now);
  auto answered = co_await answer(ended ? 204 : 503, std::move(issuer), std::move(user), ended ? "access_ended" : "gtr_unavailable", std::move(peer));
  co_return answered;
}

}  // namespace writ::signals
