#include "client_metadata/registration_request.h"

#include <algorithm>
#include <array>
#include <set>

#include "encoding/uri.h"
#include "jose/jwk.h"
#include "registry/redirect_uri.h"

namespace writ::client_metadata {
namespace {

using registry::ClientAuthentication;
using Code = RegistrationProblem::Code;

constexpr json::Limits kLimits{.bytes_max = kRegistrationBytesMax, .depth_max = 8, .members_max = 300};
constexpr std::size_t kListMax = 20, kNameBytesMax = 200, kTextBytesMax = 1'000;
constexpr std::string_view kCode = "authorization_code";

Unexpected<RegistrationProblem> wrong(std::string_view member, std::string sentence, Code code = Code::client_metadata) {
  return unexpected(RegistrationProblem{code, std::string(member), std::move(sentence)});
}

bool is_printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// Absent, or text within bounds.
Result<std::string, RegistrationProblem> text_of(const json::Value& document, std::string_view member, std::size_t bytes_max = kTextBytesMax) {
  const json::Value* value = document.find(member);
  if (value == nullptr) return std::string();
  const std::string* text = value->as_string();
  if (text == nullptr || text->empty() || text->size() > bytes_max || !is_printable(*text)) return wrong(member, "this is text of at most " + std::to_string(bytes_max) + " bytes");
  return *text;
}

Result<bool, RegistrationProblem> flag_of(const json::Value& document, std::string_view member) {
  const json::Value* value = document.find(member);
  if (value == nullptr) return false;
  const bool* flag = value->as_bool();
  if (flag == nullptr) return wrong(member, "this is true or false");
  return *flag;
}

Result<std::vector<std::string>, RegistrationProblem> texts_of(const json::Value& document, std::string_view member, std::vector<std::string> fallback = {}) {
  const json::Value* value = document.find(member);
  if (value == nullptr) return fallback;
  auto texts = json::to_strings(*value);
  if (!texts || texts->size() > kListMax || std::any_of(texts->begin(), texts->end(), [](const auto& text) { return text.empty() || text.size() > kTextBytesMax || !is_printable(text); })) {
    return wrong(member, "this is a list of at most 20 texts");
  }
  if (std::set<std::string>(texts->begin(), texts->end()).size() != texts->size()) return wrong(member, "each stands there once");
  return std::move(*texts);
}

bool is_web_page(const std::string& text) {
  const auto uri = uri::parse(text);
  return uri && uri->scheme == "https" && !uri->has_userinfo;
}

// Checked, since the RFC says what they are, and not kept: nobody is shown them.
Result<void, RegistrationProblem> check_unkept(const json::Value& document) {
  for (const char* member : {"client_uri", "logo_uri", "tos_uri", "policy_uri"}) {
    const std::string text = TRY(text_of(document, member));
    if (!text.empty() && !is_web_page(text)) return wrong(member, "this is an https URL");
  }
  for (const char* member : {"scope", "software_id", "software_version"}) TRY(text_of(document, member));
  TRY(texts_of(document, "contacts"));
  const std::string type = TRY(text_of(document, "application_type"));
  if (!type.empty() && type != "web" && type != "native") return wrong("application_type", "this is web or native");
  if (document.find("software_statement")) return wrong("software_statement", "software statements are not taken here", Code::software_statement);
  return {};
}

Result<ClientAuthentication, RegistrationProblem> read_method(const json::Value& document) {
  const std::string method = TRY(text_of(document, "token_endpoint_auth_method"));
  if (method.empty() || method == "client_secret_basic" || method == "client_secret_post") return ClientAuthentication::client_secret;   // RFC 7591 §2: the default
  if (method == "private_key_jwt") return ClientAuthentication::private_key_jwt;
  if (method == "none") return ClientAuthentication::none;
  return wrong("token_endpoint_auth_method", "this is client_secret_basic, client_secret_post, private_key_jwt or none");
}

Result<void, RegistrationProblem> read_keys(const json::Value& document, registry::Registration& registration) {
  const json::Value* jwks = document.find("jwks");
  registration.jwks_uri = TRY(text_of(document, "jwks_uri"));
  const bool wanted = registration.authentication == ClientAuthentication::private_key_jwt;
  if (!wanted && jwks != nullptr) return wrong("jwks", "keys are of no use without private_key_jwt");
  if (!wanted && !registration.jwks_uri.empty()) return wrong("jwks_uri", "keys are of no use without private_key_jwt");
  if (!wanted) return {};
  if ((jwks != nullptr) != registration.jwks_uri.empty()) return wrong("jwks", "private_key_jwt needs either jwks or jwks_uri");
  if (jwks == nullptr) {
    const auto uri = uri::parse(registration.jwks_uri);
    if (!is_web_page(registration.jwks_uri) || uri->fragment) return wrong("jwks_uri", "this is an https URL");
    return {};
  }
  const json::Array* keys = jwks->find_array("keys");
  if (keys == nullptr) return wrong("jwks", "this is a JWK set");
  for (const auto& key : *keys)
    if (key.find("d") || key.find("k")) return wrong("jwks", "register public keys only");
  registration.jwks = json::write(*jwks);
  const auto parsed = jose::KeySet::parse(registration.jwks);
  if (!parsed || parsed->empty()) return wrong("jwks", "there is no key in it that is taken here");
  return {};
}

Result<void, RegistrationProblem> read_grants(const json::Value& document, const std::vector<std::string>& offered, const registry::Registration& registration) {
  const auto grants = TRY(texts_of(document, "grant_types", {std::string(kCode)}));
  for (const std::string& grant : grants)
    if (std::find(offered.begin(), offered.end(), grant) == offered.end()) return wrong("grant_types", "a grant type that is not offered here");
  const bool by_code = std::find(grants.begin(), grants.end(), kCode) != grants.end();
  const auto responses = TRY(texts_of(document, "response_types", by_code ? std::vector<std::string>{"code"} : std::vector<std::string>()));
  // RFC 7591 §2.1: the two lists say the same.
  if (responses != (by_code ? std::vector<std::string>{"code"} : std::vector<std::string>())) return wrong("response_types", "this is [\"code\"] with the grant type authorization_code, else []");
  if (by_code && registration.redirect_uris.empty()) return wrong("redirect_uris", "a client of authorization_code needs redirect URIs", Code::redirect_uri);
  return {};
}

}  // namespace

std::string_view to_string(RegistrationProblem::Code code) {
  switch (code) {
    case Code::client_metadata: return "invalid_client_metadata";
    case Code::redirect_uri: return "invalid_redirect_uri";
    case Code::software_statement: return "invalid_software_statement";
  }
  return "invalid_client_metadata";
}

Result<RegistrationRequest, RegistrationProblem> parse_registration(std::string_view body, const std::vector<std::string>& grant_types, Registering what) {
  const auto document = json::parse(body, kLimits);
  if (!document || !document->is_object()) return wrong("", "send a JSON object, each member once");
  RegistrationRequest request;
  if (what == Registering::anew) {
    // A client that chose its own name could choose a person's, or another client's (OB-144).
    for (const char* member : {"client_id", "client_secret"})
      if (document->find(member)) return wrong(member, "a client does not choose this");
  } else {
    request.client_id = TRY(text_of(*document, "client_id"));
    request.client_secret = TRY(text_of(*document, "client_secret"));
    if (request.client_id.empty()) return wrong("client_id", "an update names its client");
  }
  for (const char* member : {"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"})
    if (document->find(member)) return wrong(member, "a client does not say this");

  request.client_name = TRY(text_of(*document, "client_name", kNameBytesMax));
  registry::Registration& registration = request.registration;
  registration.redirect_uris = TRY(texts_of(*document, "redirect_uris"));
  for (const std::string& uri : registration.redirect_uris) {
    if (!registry::is_redirect_uri(uri)) return wrong("redirect_uris", "a redirect URI is https, http on loopback, or of a private scheme with a dot; exact, without fragment", Code::redirect_uri);
  }
  registration.authentication = TRY(read_method(*document));
  TRY(read_keys(*document, registration));
  TRY(read_grants(*document, grant_types, registration));
  registration.dpop_bound = TRY(flag_of(*document, "dpop_bound_access_tokens"));
  registration.pushed_only = TRY(flag_of(*document, "require_pushed_authorization_requests"));
  TRY(check_unkept(*document));
  return request;
}

json::Object registered_metadata(const std::string& client_name, const registry::Registration& registration, const std::vector<std::string>& grant_types) {
  json::Object metadata;
  if (!client_name.empty()) metadata.push_back({"client_name", client_name});
  const char* method = registration.authentication == ClientAuthentication::none              ? "none"
                       : registration.authentication == ClientAuthentication::private_key_jwt ? "private_key_jwt"
                                                                                              : "client_secret_basic";
  metadata.push_back({"token_endpoint_auth_method", method});
  const bool by_code = !registration.redirect_uris.empty();
  // Rules §1.6: a public client signs people in, and gets nothing from the two legs.
  json::Array grants;
  for (const std::string& grant : grant_types)
    if (grant == kCode ? by_code : registration.authentication != ClientAuthentication::none || grant == "refresh_token") grants.emplace_back(grant);
  metadata.push_back({"grant_types", std::move(grants)});
  metadata.push_back({"response_types", by_code ? json::Array{"code"} : json::Array{}});
  metadata.push_back({"redirect_uris", json::from_strings(registration.redirect_uris)});
  if (!registration.jwks_uri.empty()) metadata.push_back({"jwks_uri", registration.jwks_uri});
  if (auto jwks = json::parse(registration.jwks); !registration.jwks.empty() && jwks) metadata.push_back({"jwks", std::move(*jwks)});
  metadata.push_back({"dpop_bound_access_tokens", registration.dpop_bound});
  metadata.push_back({"require_pushed_authorization_requests", registration.pushed_only});
  return metadata;
}

}  // namespace writ::client_metadata
