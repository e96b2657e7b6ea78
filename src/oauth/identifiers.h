#pragma once

// The registered names of the wire (spec catalogue §3), spelled once.

#include <string_view>

namespace writ::oauth {

inline constexpr std::string_view kGrantTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
inline constexpr std::string_view kGrantJwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
inline constexpr std::string_view kGrantAuthorizationCode = "authorization_code";
inline constexpr std::string_view kGrantRefreshToken = "refresh_token";

inline constexpr std::string_view kTokenTypeIdJag = "urn:ietf:params:oauth:token-type:id-jag";
inline constexpr std::string_view kTokenTypeIdToken = "urn:ietf:params:oauth:token-type:id_token";
inline constexpr std::string_view kTokenTypeRefreshToken = "urn:ietf:params:oauth:token-type:refresh_token";
inline constexpr std::string_view kTokenTypeSaml2 = "urn:ietf:params:oauth:token-type:saml2";

inline constexpr std::string_view kGrantProfileIdJag = "urn:ietf:params:oauth:grant-profile:id-jag";
inline constexpr std::string_view kClientAssertionJwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

// JOSE `typ` values: one kind of token, one type (RFC 8725 §3.11).
inline constexpr std::string_view kTypIdJag = "oauth-id-jag+jwt";
inline constexpr std::string_view kTypAccessToken = "at+jwt";
inline constexpr std::string_view kTypIdToken = "JWT";
inline constexpr std::string_view kTypClientAuthentication = "client-authentication+jwt";

inline constexpr std::string_view kEmaExtension = "io.modelcontextprotocol/enterprise-managed-authorization";

}  // namespace writ::oauth
