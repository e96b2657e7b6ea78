#include "client/credentials.h"

#include "base/overloaded.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/form.h"
#include "oauth/identifiers.h"

namespace writ::client {

void authenticate(const ClientCredentials& credentials, const std::string& issuer, Instant now, FormFields& form, http::Headers& headers) {
  std::visit(Overloaded{
                 [&](const NoAuthentication&) { form.emplace_back("client_id", credentials.client_id); },
                 [&](const ClientSecretBasic& basic) {
                   // RFC 6749 §2.3.1: each part is form-encoded before they are joined.
                   const std::string pair = form::encode(credentials.client_id) + ":" + form::encode(basic.secret.reveal());
                   headers.set("Authorization", "Basic " + base64::encode(pair));
                 },
                 [&](const ClientSecretPost& post) {
                   form.emplace_back("client_id", credentials.client_id);
                   form.emplace_back("client_secret", std::string(post.secret.reveal()));
                 },
                 [&](const PrivateKeyJwt& method) {
                   const std::int64_t seconds = to_unix_seconds(now);
                   const json::Value claims{{"iss", credentials.client_id}, {"sub", credentials.client_id}, {"aud", issuer},
                                            {"jti", crypto::random_token()}, {"iat", seconds}, {"exp", seconds + 60}};
                   form.emplace_back("client_id", credentials.client_id);
                   form.emplace_back("client_assertion_type", std::string(oauth::kClientAssertionJwtBearer));
                   form.emplace_back("client_assertion", jose::sign(method.key, oauth::kTypClientAuthentication, claims));
                 },
             },
             credentials.method);
}

}  // namespace writ::client
