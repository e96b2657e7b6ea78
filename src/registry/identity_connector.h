#pragma once

// An upstream OpenID Connect provider that people sign in at: "bring your Entra, Google or Keycloak" (rules §1.3, §1.4, §1.7).
// docs/reference/federation.md says what to write for which product.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace writ::registry {

struct IdentityConnector {
  std::string id;                       // also in its redirect URI: a URI of its own for each provider is part of the mix-up defence
  std::string display_name;             // on the sign-in page
  bool active = true;
  std::string issuer;                   // compared byte for byte; one connector per issuer
  std::string client_id;                // ours, at the provider

  // A secret that Writ presents: read from a file at use, or sealed in the store. Never in clear, never hashed.
  std::string client_secret_file, client_secret_sealed;
  enum class ClientAuthentication { client_secret_basic, client_secret_post, none } client_authentication = ClientAuthentication::client_secret_basic;

  std::vector<std::string> scopes{"openid", "profile", "email"};
  std::vector<std::string> domains;     // lower case; whose addresses belong here (home realm), and which e-mails it may speak for

  // How a person who signs in for the first time is recognised among those who are here already.
  enum class MatchBy { nothing, external_id, user_name, email } match_by = MatchBy::nothing;
  std::string match_claim;
  bool just_in_time = false;            // unknown people are created at their first sign-in
  bool scim = false;                    // people come by SCIM: nobody is created at sign-in (rules §1.4)
  bool email_is_verified = false;       // this provider's addresses are verified although it does not say so (`email_verified` absent)
  std::map<std::string, std::string> required_claims;   // all must be there with exactly this value: {hd: example.com}

  struct Claims {
    std::string subject = "sub", user_name = "preferred_username", email = "email", display_name = "name", department, title, groups = "groups", tenant;
    friend bool operator==(const Claims&, const Claims&) = default;
  } claims;
  std::map<std::string, std::string> groups;            // claim value → id of a group of ours; whatever is not here is nothing
  std::map<std::string, std::string> acr, amr;          // theirs → ours. Empty: taken as they are; else what is not here is nothing
  bool userinfo = true;                                 // ask its userinfo endpoint too, when it has one

  std::map<std::string, std::string> subject_clients;   // upstream client id → agent whose ID tokens are accepted as subject tokens
  std::int64_t max_subject_age_seconds = 3600;          // rules §2

  std::optional<std::int64_t> session_max_seconds;      // a session that began here ends after this, if that is earlier than usual
  bool sign_out_upstream = true;        // signing out here leads to the provider's end_session_endpoint

  // Where the same provider also signs SAML 2.0 assertions: an agent that signs people in so exchanges one for a refresh token (draft §SAML).
  struct Saml {
    std::string entity_id;              // `Issuer` of its assertions
    std::vector<std::string> certificates;                // PEM, base64 or DER of X.509 certificates: the keys; their dates do not matter
    std::map<std::string, std::string> audiences;         // `Audience` → agent
    std::string recipient;              // `Recipient` of the bearer confirmation
    std::map<std::string, std::string> attributes;        // user_name, email, display_name, groups → name of the attribute
  };
  std::optional<Saml> saml;
  bool group_overage = false;           // groups that did not fit into the token are fetched where it says (Entra)
};
std::string_view to_string(IdentityConnector::ClientAuthentication method);

// What binds a sealed secret to the place that it is presented to: a connector that is given another issuer cannot take it along.
std::string sealing_purpose(const std::string& issuer);

// The e-mail address's domain in lower case; empty when there is not exactly one @ with something on both sides.
std::string domain_of(std::string_view email);

}  // namespace writ::registry
