#include "id_jag/issue.h"

#include <cassert>

#include "oauth/identifiers.h"

namespace writ::id_jag {

json::Value claims_of(const Statement& statement) {
  assert(!statement.issuer.empty() && !statement.subject.empty() && !statement.audience.empty() && !statement.client_id.empty());
  assert(!statement.jti.empty() && statement.expires > statement.issued_at);
  // `aud` is a string and never an array: one audience, one shape (IDJAG-04).
  json::Value claims{{"iss", statement.issuer},       {"sub", statement.subject},     {"aud", statement.audience},
                     {"client_id", statement.client_id}, {"jti", statement.jti},      {"iat", statement.issued_at},
                     {"exp", statement.expires}};
  const auto set_text = [&](const char* name, const std::string& text) {
    if (!text.empty()) claims.set(name, text);
  };
  if (statement.resources.size() == 1) claims.set("resource", statement.resources.front());
  if (statement.resources.size() > 1) claims.set("resource", json::from_strings(statement.resources));
  set_text("scope", statement.scope);
  set_text("email", statement.email);
  // Without this nobody may take the address for the person's (RAS-42).
  if (statement.email_verified && !statement.email.empty()) claims.set("email_verified", true);
  set_text("aud_tenant", statement.aud_tenant);
  set_text("aud_sub", statement.aud_sub);
  if (!statement.authorization_details.empty()) claims.set("authorization_details", statement.authorization_details);
  if (statement.auth_time) claims.set("auth_time", *statement.auth_time);
  set_text("acr", statement.acr);
  if (!statement.amr.empty()) {
    json::Array methods;
    for (const auto& method : statement.amr) methods.emplace_back(method);
    claims.set("amr", std::move(methods));
  }
  set_text("sid", statement.sid);
  if (statement.sub_id) claims.set("sub_id", *statement.sub_id);
  if (!statement.confirmation_jkt.empty()) claims.set("cnf", json::Value{{"jkt", statement.confirmation_jkt}});
  return claims;
}

Result<std::string, Unavailable> issue(const Statement& statement, const jose::IssuerKey& key) {
  std::string signed_id_jag = TRY(jose::sign(key, oauth::kTypIdJag, claims_of(statement)));
  // Signed first: what is encrypted is a whole ID-JAG, with its signer.
  if (!statement.encrypt_to) return signed_id_jag;
  return jose::encrypt(*statement.encrypt_to, oauth::kTypIdJag, signed_id_jag);
}

}  // namespace writ::id_jag
