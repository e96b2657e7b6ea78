#include "id_jag/parse.h"

#include "oauth/identifiers.h"

namespace writ::id_jag {
namespace {

std::string text_of(const json::Value& claims, std::string_view name) {
  const std::string* text = claims.find_string(name);
  return text == nullptr ? std::string() : *text;
}

}  // namespace

Result<UnverifiedIdJag, Rejection> parse(std::string_view assertion) {
  auto jwt = jose::UnverifiedJwt::parse(assertion);
  if (!jwt) return unexpected(to_rejection(jwt.error()));
  // RAS-11, J10: an ID token, an access token or a client assertion may be signed by the same key and still is no grant.
  if (!jwt->has_type(oauth::kTypIdJag)) return unexpected(Rejection::wrong_type);
  std::string issuer = text_of(jwt->claimed(), "iss");
  if (issuer.empty()) return unexpected(Rejection::issuer_missing);
  return UnverifiedIdJag(std::move(*jwt), std::move(issuer));
}

std::string UnverifiedIdJag::claimed_jti() const { return text_of(jwt_.claimed(), "jti"); }
std::string UnverifiedIdJag::claimed_subject() const { return text_of(jwt_.claimed(), "sub"); }

}  // namespace writ::id_jag
