#pragma once

// An ID-JAG for the gateway of the same deployment, which works at an upstream server for the person whose access token it verified (rules §3.8). It
// authenticates by being in the same process; all the rest is as strict as at the token endpoint: the person's session must be alive, policy is asked
// with the agent that *calls*, and the ID-JAG names the gateway's own client at the upstream's authorization server, so that nobody else can redeem it.

#include <string>

#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

struct GatewayRequest {
  std::string gateway_agent;                 // id: who the gateway is
  std::string server;                        // id: audience, resource and scopes stand in its document
  std::string user, agent;                   // ids: for whom, and who calls
  // Of the access token that the gateway verified.
  std::string token_issuer, session, access_token_jti, id_jag_jti;
};
struct GatewayIdJag {
  std::string assertion, scope, client_id;
};
struct GatewayRefusal {
  std::string reason;                        // as in the record
  std::string denial_code;                   // of the record; empty: it could not be recorded
};

// Recorded, granted or refused, before it is answered; what cannot be recorded is refused.
Task<Result<GatewayIdJag, GatewayRefusal>> issue_for_gateway(const Idp& idp, GatewayRequest request);

}  // namespace writ::token_service::idp
