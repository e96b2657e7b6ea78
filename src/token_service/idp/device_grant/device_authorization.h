#pragma once

// The two endpoints that a device talks to (RFC 8628 §3.1, §3.4). What an approved device gets is what a code gives, by the same grant: the person's approval
// puts an authorization code into the store whose text and whose verifier both are the device code, which only the device knows.

#include "token_service/grant.h"
#include "token_service/idp/authorization_code_grant.h"
#include "token_service/idp/device_grant/device_requests.h"
#include "token_service/idp/idp.h"
#include "token_service/idp/session.h"

namespace writ::token_service::idp {

inline constexpr std::string_view kGrantDeviceCode = "urn:ietf:params:oauth:grant-type:device_code";

// POST {idp}/device_authorization: a code for the device and one for the person.
class DeviceAuthorization final : public Grant {
 public:
  DeviceAuthorization(const Idp& idp, DeviceRequests& requests) : idp_(idp), requests_(requests) {}
  std::string_view grant_type() const override { return ""; }
  audit::Event event() const override { return audit::Event::client_authentication; }
  bool allows_public_clients() const override { return true; }
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  const Idp& idp_;
  DeviceRequests& requests_;
};

// At the token endpoint: waiting, too fast, denied, over; or what the code grant gives.
class DeviceCodeGrant final : public Grant {
 public:
  DeviceCodeGrant(DeviceRequests& requests, AuthorizationCodeGrant& code) : requests_(requests), code_(code) {}
  std::string_view grant_type() const override { return kGrantDeviceCode; }
  audit::Event event() const override { return audit::Event::token_refreshed; }
  bool allows_public_clients() const override { return true; }
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  DeviceRequests& requests_;
  AuthorizationCodeGrant& code_;
};

// The code that an approval stores.
AuthorizationCode approved_code(const DeviceRequest& request, const LiveSession& live);
// Where people type the code: `/device` at the issuer's origin (rules §8.6).
std::string verification_uri(const Idp& idp);

}  // namespace writ::token_service::idp
