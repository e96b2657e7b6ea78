#pragma once

// Global Token Revocation (draft-parecki-oauth-global-token-revocation): an identity provider orders that everything of a person ends here,
// and hears what came of it. It authenticates with a JWT of its own keys: an issuer speaks for its own people and nobody else's.

#include "signals/receiver/receiver.h"
#include "signals/receiver/subject_access.h"

namespace writ::signals {

inline constexpr std::string_view kTypGlobalTokenRevocation = "global-token-revocation+jwt";

enum class CallerProblem {
  no_token, malformed, wrong_type, issuer_not_trusted, bad_signature, wrong_audience, bad_times, bad_jti, replayed
};
std::string_view to_string(CallerProblem problem);

struct CallerToken {
  std::string issuer, jti;
};
// What the JWT must fit, besides its times: `endpoint` is our URL, which the JWT is made for.
Result<CallerToken, CallerProblem> verify_caller(jose::UnverifiedJwt token, const jose::KeySet& keys, const Sender& sender, std::string_view endpoint, std::int64_t now_seconds,
                                                 std::int64_t skew_seconds);

// The body's one member. Absent: malformed, or of a format that means nothing here (EN-52: 400 for both).
std::optional<Subject> parse_revocation(std::string_view body);

// All of it outlives the endpoint.
struct GlobalTokenRevocationParts {
  const Clock& clock;
  const registry::Current& registry;
  audit::DecisionsLog& log;
  SeenTokens& seen;
  SubjectAccess& access;
  std::string endpoint;              // our URL
  std::int64_t skew_seconds = 30;
  std::function<std::optional<Sender>(const registry::Snapshot&, std::string_view issuer)> find_sender;
  // The keys that the issuer signs such calls with: those of its ID-JAGs, or of its events.
  std::function<Task<Result<std::shared_ptr<const jose::KeySet>, Unavailable>>(Sender, std::optional<std::string> kid)> keys;
};

class GlobalTokenRevocation {
 public:
  explicit GlobalTokenRevocation(GlobalTokenRevocationParts parts) : parts_(std::move(parts)) {}
  // 204 done; 400, 401, 404 as EN-52; 503 when it cannot be kept.
  Task<http::Response> handle(const http::Request& request);

 private:
  Task<Result<CallerToken, std::variant<CallerProblem, Unavailable>>> authenticate(std::string header, std::shared_ptr<const registry::Snapshot> snapshot);
  Task<http::Response> answer(int status, std::string issuer, std::string user, std::string reason, std::string peer);
  GlobalTokenRevocationParts parts_;
};

}  // namespace writ::signals
