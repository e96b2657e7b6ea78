#pragma once

// The token endpoint: one request in, one record and one answer out. The order of its steps is data (kSteps in the source); a grant is
// plugged in by its grant_type. The endpoints for revocation and introspection are the same socket with a single plug.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/decisions_log.h"
#include "base/clock.h"
#include "http/message.h"
#include "registry/snapshot.h"
#include "token_service/client_authentication.h"
#include "token_service/failure_throttle.h"
#include "token_service/grant.h"
#include "token_service/proof_of_possession.h"

namespace writ::token_service {

// What the endpoints of one issuer share. All of it outlives them.
struct EndpointParts {
  const ClientAuthenticator& clients;
  audit::DecisionsLog& log;
  const registry::Current& registry;
  FailureThrottle& throttle;
  const Clock& clock;
  std::uint32_t node = 0;        // for denial codes
  const ProofOfPossession* dpop = nullptr;   // null: not offered
};

// Safe to share between threads. Every answer has exactly one audit record, durable before the answer (S1); what cannot be recorded is
// answered 503.
class TokenEndpoint {
 public:
  // By `grant_type`. The grants outlive the endpoint.
  TokenEndpoint(EndpointParts parts, std::vector<Grant*> grants);
  // One operation, whatever `grant_type` says.
  static TokenEndpoint for_operation(EndpointParts parts, Grant& operation);

  Task<http::Response> handle(const http::Request& request) const;

 private:
  struct Exchange;
  struct Step;
  static const Step kSteps[];

  Task<std::optional<Outcome>> post_only(Exchange& exchange) const;
  Task<std::optional<Outcome>> media_type(Exchange& exchange) const;
  Task<std::optional<Outcome>> read_form(Exchange& exchange) const;
  Task<std::optional<Outcome>> no_repeated_parameters(Exchange& exchange) const;
  Task<std::optional<Outcome>> authenticate_client(Exchange& exchange) const;
  Task<std::optional<Outcome>> choose_grant(Exchange& exchange) const;
  Task<std::optional<Outcome>> prove_possession(Exchange& exchange) const;
  Task<std::optional<Outcome>> run_grant(Exchange& exchange) const;

  // The outcome outlives the task, and is used up.
  Task<http::Response> render(Exchange& exchange, Outcome& outcome) const;
  Task<http::Response> commit_and_render(Exchange& exchange, Granted& granted) const;
  Task<http::Response> commit_and_render(Exchange& exchange, Refused& refused) const;
  Task<http::Response> commit_and_render(Exchange& exchange, Unavailable& unavailable) const;
  void complete(audit::Record& record, const Exchange& exchange) const;
  Refused refused_client(const ClientRefused& refused, Exchange& exchange) const;

  EndpointParts parts_;
  std::vector<Grant*> grants_;
  bool single_operation_ = false;
};

// A refusal by an endpoint or a grant, in one expression: what the caller hears and what the record says.
Refused refuse(audit::Event event, oauth::ErrorCode code, std::string description, std::string reason, std::string detail = {});

}  // namespace writ::token_service
