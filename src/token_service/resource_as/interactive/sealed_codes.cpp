#include "token_service/resource_as/interactive/sealed_codes.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "encoding/json.h"

namespace writ::token_service::resource_as {
namespace {

constexpr const char* kPurpose = "interactive authorization code";
constexpr std::size_t kCodeBytesMax = 8'192;

}  // namespace

std::string SealedCodes::seal(const CodeContent& content, const VerifiedSignIn& sign_in) const {
  const id_jag::IdJag& claims = sign_in.claims();
  json::Value value{{"client", content.client_id},     {"agent", content.agent_id},        {"redirect_uri", content.redirect_uri},
                    {"challenge", content.code_challenge}, {"expires", to_unix_seconds(content.expires)},
                    {"iss", claims.issuer},            {"sub", claims.subject},            {"resource", claims.resources.front()},
                    {"scope", claims.scope->to_string()}, {"sid", claims.sid},             {"acr", claims.acr},
                    {"amr", json::from_strings(claims.amr)}, {"iat", claims.issued_at},    {"exp", claims.expires}};
  if (claims.auth_time) value.set("auth_time", *claims.auth_time);
  return base64url::encode(interactive_.seals().seal(json::write(value), kPurpose));
}

std::optional<SealedCodes::Opened> SealedCodes::open(std::string_view code) const {
  const auto sealed = code.size() <= kCodeBytesMax ? base64url::decode(code) : std::nullopt;
  const auto opened = sealed ? interactive_.seals().open(*sealed, kPurpose) : std::nullopt;
  const auto value = opened ? json::parse(opened->reveal()) : Result<json::Value, json::Problem>(unexpected(json::Problem::syntax));
  if (!value) return std::nullopt;
  bool whole = true;
  const auto text = [&](const char* name) {
    const auto* found = value->find_string(name);
    whole = whole && found;
    return found ? *found : std::string();
  };
  const auto number = [&](const char* name) {
    const auto* found = value->find_int(name);
    whole = whole && found;
    return found ? *found : 0;
  };
  CodeContent content{text("client"), text("agent"), text("redirect_uri"), text("challenge"), from_unix_seconds(number("expires"))};
  id_jag::IdJag claims;
  claims.issuer = text("iss"), claims.subject = text("sub"), claims.audience = interactive_.settings.issuer, claims.client_id = content.client_id;
  claims.issued_at = number("iat"), claims.expires = number("exp"), claims.session_expiry = claims.expires;
  claims.resources = {text("resource")};
  claims.scope = oauth::ScopeSet::parse(text("scope"));
  claims.sid = text("sid"), claims.acr = text("acr");
  const auto* amr = value->find_array("amr");
  if (amr) {
    for (const auto& one : *amr) {
      if (const auto* name = one.as_string()) claims.amr.push_back(*name);
    }
  }
  if (const auto* auth_time = value->find_int("auth_time")) claims.auth_time = *auth_time;
  if (!whole || !amr || !claims.scope) return std::nullopt;
  return Opened{std::move(content), VerifiedSignIn(std::move(claims))};
}

std::string SealedCodes::token_id(std::string_view code) const {
  return base64url::encode(crypto::hmac_sha256(interactive_.key.reveal(), "token of code:" + std::string(code)).substr(0, 16));
}

}  // namespace writ::token_service::resource_as
