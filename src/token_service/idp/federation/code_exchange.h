#pragma once

// The conversation with a provider behind the browser's back: the code for tokens, the access token for userinfo.

#include <optional>
#include <string>
#include <string_view>

#include "token_service/idp/federation/federation.h"

namespace writ::token_service::idp {

struct UpstreamTokens {
  std::string id_token;
  std::optional<std::string> access_token;   // of type Bearer
};

enum class ExchangeProblem {
  secret_unavailable,      // ours, for the provider
  unreachable,
  refused,                 // the provider does not take the code (or us)
  malformed,               // its answer is none
  no_id_token,
  userinfo_status,
  groups_status,           // of groups that did not fit into the token (group_overage.h)
  userinfo_of_another,     // its `sub` is not the ID token's (OIDC Core §5.3.2)
};
std::string_view to_string(ExchangeProblem problem);

struct CodeToExchange {
  std::string code, redirect_uri, verifier;
};
Task<Result<UpstreamTokens, ExchangeProblem>> exchange_code(Federation& federation, registry::IdentityConnector connector, std::string token_endpoint, CodeToExchange code);

Task<Result<json::Value, ExchangeProblem>> fetch_userinfo(Federation& federation, std::string endpoint, std::string access_token, std::string subject);

// How the token request is made, for tests of its form.
http::OutgoingRequest token_request(const registry::IdentityConnector& connector, const std::string& token_endpoint, const CodeToExchange& code, const Secret& secret);

}  // namespace writ::token_service::idp
