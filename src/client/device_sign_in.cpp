#include "client/device_sign_in.h"

#include <algorithm>

#include "encoding/uri.h"

namespace writ::client {
namespace {

constexpr std::string_view kGrantDeviceCode = "urn:ietf:params:oauth:grant-type:device_code";

Unexpected<Failure> protocol(std::string message) { return unexpected(Failure{FailureKind::protocol, std::move(message), {}, {}, {}, {}}); }

std::string text_of(const json::Value& body, std::string_view name) {
  const auto* text = body.find_string(name);
  return text ? *text : std::string();
}

bool is_shown(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// What a terminal shows as a link must be one that a person may follow (B1).
bool is_address(const std::string& text) {
  const auto parsed = uri::parse(text);
  return parsed && uri::is_secure_or_loopback(*parsed) && !parsed->has_userinfo;
}

}  // namespace

FormFields device_authorization_form(const std::string& scope) { return {{"scope", scope}}; }

Result<DeviceSignIn, Failure> read_device_authorization(const http::OutgoingResponse& answer) {
  if (answer.status != 200) return unexpected(read_refusal(answer, "the identity provider"));
  const auto body = json::parse(answer.body);
  if (!body || !body->is_object()) return protocol("the identity provider's answer is no JSON object");
  DeviceSignIn begun;
  begun.device_code = text_of(*body, "device_code");
  begun.user_code = text_of(*body, "user_code");
  begun.verification_uri = text_of(*body, "verification_uri");
  begun.verification_uri_complete = text_of(*body, "verification_uri_complete");
  if (begun.device_code.empty() || !is_shown(begun.user_code)) return protocol("the identity provider's answer has no code to show");
  if (!is_address(begun.verification_uri)) return protocol("the identity provider's answer has no address to type the code at");
  if (!is_address(begun.verification_uri_complete)) begun.verification_uri_complete.clear();
  const auto* expires_in = body->find_int("expires_in");
  if (!expires_in || *expires_in <= 0) return protocol("the identity provider's answer does not say how long its code is good");
  begun.expires_in = Seconds{std::min<std::int64_t>(*expires_in, 3600)};
  if (const auto* interval = body->find_int("interval")) begun.interval = Seconds{std::clamp<std::int64_t>(*interval, 1, 60)};
  return begun;
}

FormFields device_code_form(const DeviceSignIn& begun) { return {{"grant_type", std::string(kGrantDeviceCode)}, {"device_code", begun.device_code}}; }

Result<std::optional<SignInTokens>, Failure> read_device_poll(const http::OutgoingResponse& answer, Seconds& interval) {
  if (answer.status == 200) return std::optional<SignInTokens>(TRY(read_sign_in_tokens(answer)));
  Failure failure = read_refusal(answer, "the identity provider");
  if (failure.error == "authorization_pending") return std::optional<SignInTokens>();
  if (failure.error == "slow_down") {
    interval += Seconds{5};
    return std::optional<SignInTokens>();
  }
  // An outage is no answer of the person's: the next poll may get through.
  if (failure.kind == FailureKind::unreachable) return std::optional<SignInTokens>();
  if (failure.error == "access_denied") failure.message = "the sign-in was denied on the page";
  if (failure.error == "expired_token") failure.kind = FailureKind::sign_in_needed, failure.message = "nobody typed the code in time: run `writ login --device` again";
  return unexpected(std::move(failure));
}

}  // namespace writ::client
