#pragma once

// The bodies of push (RFC 8935) and poll delivery (RFC 8936).

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoding/json.h"

namespace writ::signals {

inline constexpr std::string_view kPush = "urn:ietf:rfc:8935";
inline constexpr std::string_view kPoll = "urn:ietf:rfc:8936";

// Why a receiver did not take a token.
struct DeliveryError {
  std::string code, description;
  friend bool operator==(const DeliveryError&, const DeliveryError&) = default;
};
json::Value to_json(const DeliveryError& error);
// Of the 400 of a push, or of one entry of `setErrs`. What cannot be read is `invalid_request` with an empty description.
DeliveryError parse_delivery_error(const json::Value& value);

struct PollRequest {
  std::int64_t events_max = kEventsMax;
  bool return_immediately = false;
  std::vector<std::string> acknowledged;
  std::map<std::string, DeliveryError> refused;   // by jti
  static constexpr std::int64_t kEventsMax = 100;

  friend bool operator==(const PollRequest&, const PollRequest&) = default;
};
// The error is a sentence. Numbers above the bound are lowered to it: RFC 8936 §2.4 lets the transmitter return fewer.
Result<PollRequest, std::string> parse_poll_request(std::string_view body);
json::Value to_json(const PollRequest& request);

struct PollResponse {
  std::vector<std::pair<std::string, std::string>> sets;   // jti → token
  bool more_available = false;
};
json::Value to_json(const PollResponse& response);
Result<PollResponse, std::string> parse_poll_response(std::string_view body);

}  // namespace writ::signals
