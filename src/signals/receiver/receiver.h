#pragma once

// Security events of others, judged and obeyed: the same by push (RFC 8935) and by poll (RFC 8936).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "audit/decisions_log.h"
#include "base/clock.h"
#include "http/message.h"
#include "jose/jwk.h"
#include "registry/snapshot.h"
#include "signals/delivery.h"
#include "signals/receiver/seen_tokens.h"
#include "signals/security_event_token.h"

namespace writ::signals {

// Whose events are obeyed here, and what they must fit.
struct Sender {
  std::string issuer, jwks_uri;                    // `jwks_uri` may be empty: where its transmitter publishes nothing about itself
  std::vector<std::string> audiences;              // that mean us
  std::vector<crypto::Algorithm> algorithms;
};

// What came of an event: `access_ended`, or why nothing was to be done.
struct Obeyed {
  std::string reason, user_id;
};

// All of it outlives the receiver.
struct ReceiverParts {
  const Clock& clock;
  const registry::Current& registry;
  audit::DecisionsLog& log;
  SeenTokens& seen;
  std::int64_t skew_seconds = 30;
  std::function<std::optional<Sender>(const registry::Snapshot&, std::string_view issuer)> find_sender;
  struct Published {
    std::shared_ptr<const jose::KeySet> keys;
    std::vector<std::string> critical_subject_members;
  };
  std::function<Task<Result<Published, Unavailable>>(Sender, std::optional<std::string> kid)> published;
  // Everything of that subject from before that moment ends. Durable when it completes; doing it twice does no more than once.
  std::function<Task<Result<Obeyed, Unavailable>>(SecurityEventToken, std::int64_t until_seconds, std::string peer)> end_access;
  // Whether we asked that issuer for a verification with this state. Empty: we never did.
  std::function<bool(std::string_view issuer, const std::string& state)> expects_state{};
};

class EventReceiver {
 public:
  explicit EventReceiver(ReceiverParts parts) : parts_(std::move(parts)) {}

  using Failure = std::variant<DeliveryError, Unavailable>;
  // Accepted: it is genuine, and what it asks for is done and durable, or on record that there was nothing to do.
  Task<Result<void, Failure>> take(std::string token, std::string peer);
  // The push endpoint.
  Task<http::Response> push(const http::Request& request);

 private:
  Task<Result<void, Failure>> refuse(std::string issuer, std::string reason, std::string_view code, std::string peer);
  Task<Result<void, Failure>> accept(const SecurityEventToken& set, Obeyed obeyed, audit::Effect effect, std::string peer, bool remember);

  ReceiverParts parts_;
};

}  // namespace writ::signals
