#pragma once

// The token endpoint is a socket, a grant is a plug (token_endpoint.h). A grant decides; the endpoint then commits and renders:
// decide → `co_await commit` → render (rules §6.2).

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "audit/decisions_log.h"
#include "base/clock.h"
#include "encoding/form.h"
#include "encoding/json.h"
#include "oauth/error.h"
#include "registry/snapshot.h"

namespace writ::token_service {

// Who authenticated at this endpoint. Valid for the request only: the pointers are into `snapshot`.
struct Client {
  std::shared_ptr<const registry::Snapshot> snapshot;
  const registry::Agent* agent = nullptr;
  const registry::Registration* registration = nullptr;
  registry::ClientAuthentication method = registry::ClientAuthentication::none;
  // Set when a device key authenticated (rules §1.5): then every subject must be this user.
  std::string device_id, device_user_id;
};

struct TokenRequest {
  form::Parameters parameters;     // no parameter repeated, `resource` and `audience` apart
  std::string peer;                // address, for audit
  Instant now{};
  bool has_dpop_proof = false;     // a DPoP header came along: a grant that cannot bind refuses, never issues unbound (IDJAG-104)
  std::string dpop_jkt;            // thumbprint of the key that its proof was checked with (RFC 9449 §6.1); empty: no proof came
  std::string certificate_x5t;     // of the client's certificate, where what it gets is to be bound to it (RFC 8705 §3.1); empty: it is not

  // The parameter, or invalid_request naming it (the name is ours, so it may be echoed).
  Result<std::string, oauth::Error> required(std::string_view name) const;
};

// A yes. `record` says so; `claim` is what it uses up, and is claimed in the same step as the record is written.
struct Granted {
  json::Object body;                                   // the token response without secrets' copies elsewhere
  audit::Record record;
  std::optional<audit::Claim> claim;
  Boxed<audit::Record> if_replayed;                    // required with a claim; answered as invalid_grant
  // State that changes with the yes (a rotated refresh token), after the record is durable (rules §6.4). Null: nothing.
  std::function<Task<Result<void, Unavailable>>()> after_commit;
  // What a replay sets off (RFC 6749 §4.1.2: revoke what the code gave). Null: nothing.
  std::function<Task<Result<void, Unavailable>>()> after_replay;
  audit::Durability durability = audit::Durability::power;   // of `record`; process only for what gives nothing (introspection)
};

// A no. `record.reason` is the true reason; the caller sees only `error`. When `with_code` is set, the endpoint adds the member
// `denial_code` made from the record's position.
struct Refused {
  oauth::Error error;
  audit::Record record;
  bool with_code = false;
};

using Outcome = std::variant<Granted, Refused, Unavailable>;

class Grant {
 public:
  virtual ~Grant() = default;
  virtual std::string_view grant_type() const = 0;
  // What the endpoint's own records about a request for this grant are called (a public client, a store that cannot answer).
  virtual audit::Event event() const { return audit::Event::access_token; }
  // Public clients may use the code and refresh grants, never the two legs (rules §1.6): 401 invalid_client otherwise.
  virtual bool allows_public_clients() const { return false; }
  virtual Task<Outcome> decide(const TokenRequest& request, const Client& client) = 0;
};

}  // namespace writ::token_service
