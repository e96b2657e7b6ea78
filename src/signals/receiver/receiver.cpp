#include "signals/receiver/receiver.h"

#include <algorithm>

namespace writ::signals {
namespace {

constexpr std::size_t kTokenMax = 16 * 1024;

// RFC 8935 §2.3.
http::Response refusal(const DeliveryError& error) {
  http::Response response = http::no_store(http::json(400, json::write(to_json(error))));
  response.headers.set("Content-Language", "en");
  return response;
}

const char* describe(std::string_view code) {
  if (code == "invalid_issuer") return "events of this issuer are not accepted here";
  if (code == "invalid_audience") return "the token is meant for somebody else";
  if (code == "invalid_key") return "the token is signed with a key that its issuer does not publish";
  if (code == "authentication_failed") return "the signature is not its issuer's";
  if (code == "invalid_state") return "this state was not asked for";
  return "the body must be one security event token with one event";
}

bool is_media_type(const http::Request& request) {
  const auto* type = request.headers.find_single("Content-Type");
  return type && http::equals_ignoring_case(std::string_view(*type).substr(0, type->find(';')), "application/secevent+jwt");
}

}  // namespace

Task<Result<void, EventReceiver::Failure>> EventReceiver::refuse(std::string issuer, std::string reason, std::string_view code, std::string peer) {
  audit::Commit commit;
  commit.record.event = audit::Event::signal;
  commit.record.effect = audit::Effect::deny;
  commit.record.time = parts_.clock.now();
  commit.record.reason = std::move(reason);
  commit.record.issuer = std::move(issuer);
  commit.record.peer = std::move(peer);
  commit.durability = audit::Durability::process;
  const auto committed = co_await parts_.log.commit(std::move(commit));
  if (!committed) co_return unexpected(Failure(committed.error()));
  co_return unexpected(Failure(DeliveryError{std::string(code), describe(code)}));
}

Task<Result<void, EventReceiver::Failure>> EventReceiver::accept(const SecurityEventToken& set, Obeyed obeyed, audit::Effect effect, std::string peer, bool remember) {
  audit::Commit commit;
  commit.record.event = audit::Event::signal;
  commit.record.effect = effect;
  commit.record.time = parts_.clock.now();
  commit.record.reason = std::move(obeyed.reason);
  commit.record.issuer = set.issuer;
  commit.record.user = std::move(obeyed.user_id);
  commit.record.peer = std::move(peer);
  commit.record.more = {{"security_event", set.event.type}, {"set", set.jti}};
  if (!set.txn.empty()) commit.record.more.emplace_back("txn", set.txn);
  const auto committed = co_await parts_.log.commit(std::move(commit));
  if (!committed) co_return unexpected(Failure(committed.error()));
  if (!remember) co_return Result<void, Failure>{};
  const auto remembered = co_await parts_.seen.add(set.issuer, set.jti, parts_.clock.now());
  if (!remembered) co_return unexpected(Failure(remembered.error()));
  co_return Result<void, Failure>{};
}

Task<Result<void, EventReceiver::Failure>> EventReceiver::take(std::string token, std::string peer) {
  auto unverified = parse(token);
  if (!unverified) {
    std::string reason(to_string(unverified.error())), nobody;
    auto refused = co_await refuse(std::move(nobody), std::move(reason), to_error_code(unverified.error()), std::move(peer));
    co_return refused;
  }
  const auto* claimed = unverified->claimed().find_string("iss");
  std::string issuer = claimed ? *claimed : "";
  const auto snapshot = parts_.registry.get();
  const auto sender = parts_.find_sender(*snapshot, issuer);
  if (!sender) {   // nothing is fetched for a stranger
    auto refused = co_await refuse(std::move(issuer), "set_issuer_not_trusted", "invalid_issuer", std::move(peer));
    co_return refused;
  }
  Sender asked = *sender;
  auto kid = unverified->kid();
  const auto published = co_await parts_.published(std::move(asked), std::move(kid));
  if (!published) co_return unexpected(Failure(published.error()));
  const Instant now = parts_.clock.now();
  const Expectations expectations{sender->issuer, sender->audiences, sender->algorithms, to_unix_seconds(now), parts_.skew_seconds};
  const auto set = verify(std::move(*unverified), *published->keys, expectations);
  if (!set) {
    std::string reason(to_string(set.error()));
    auto refused = co_await refuse(std::move(issuer), std::move(reason), to_error_code(set.error()), std::move(peer));
    co_return refused;
  }
  Obeyed obeyed;
  audit::Effect effect = audit::Effect::none;
  bool remember = true;
  if (parts_.seen.contains(set->issuer, set->jti)) {
    obeyed.reason = "set_seen_before", remember = false;
  } else if (critical_and_unprocessable(set->subject, published->critical_subject_members)) {
    obeyed.reason = "critical_subject_member_not_understood";   // EN-24
  } else {
    switch (meaning_of(set->event)) {
      case Meaning::access_ends: {
        // The future is the issuer's mistake: what is given later is none of this event's business.
        const auto said = timestamp_of(set->event);
        const std::int64_t until = std::min(said && *said ? **said : set->issued_at, to_unix_seconds(now));
        SecurityEventToken copy = *set;
        std::string from = peer;
        auto ended = co_await parts_.end_access(std::move(copy), until, std::move(from));
        if (!ended) co_return unexpected(Failure(ended.error()));
        obeyed = std::move(*ended);
        if (obeyed.reason == "access_ended") effect = audit::Effect::allow;
        break;
      }
      case Meaning::verification: {
        const auto* state = set->event.members.find_string("state");
        if (state && !(parts_.expects_state && parts_.expects_state(set->issuer, *state))) {
          auto refused = co_await refuse(std::move(issuer), "verification_state_unknown", "invalid_state", std::move(peer));
          co_return refused;
        }
        obeyed.reason = "stream_verified";
        break;
      }
      case Meaning::stream_updated: {
        const auto* status = set->event.members.find_string("status");
        obeyed.reason = "stream_is_" + (status ? status->substr(0, 20) : std::string("changed"));
        break;
      }
      case Meaning::nothing: obeyed.reason = "event_means_nothing_here"; break;
    }
  }
  auto accepted = co_await accept(*set, std::move(obeyed), effect, std::move(peer), remember);
  co_return accepted;
}

Task<http::Response> EventReceiver::push(const http::Request& request) {
  if (!is_media_type(request) || request.body.size() > kTokenMax) {
    std::string reason = is_media_type(request) ? "set_too_large" : "set_wrong_media_type", nobody, peer = request.peer.address;
    const auto refused = co_await refuse(std::move(nobody), std::move(reason), "invalid_request", std::move(peer));
    const auto* error = std::get_if<DeliveryError>(&refused.error());
    co_return error ? refusal(*error) : http::no_store(http::text(503, ""));
  }
  std::string token = request.body, peer = request.peer.address;
  const auto taken = co_await take(std::move(token), std::move(peer));
  if (!taken) {
    const auto* error = std::get_if<DeliveryError>(&taken.error());
    co_return error ? refusal(*error) : http::no_store(http::text(503, ""));
  }
  http::Response response = http::no_store(http::Response{});
  response.status = 202;
  co_return response;
}

}  // namespace writ::signals
