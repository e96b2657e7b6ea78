#include "id_jag/identity_claims.h"

#include <algorithm>
#include <array>
#include <span>

namespace writ::id_jag {
namespace {

constexpr std::size_t kTextBytesMax = 256;
constexpr std::size_t kDetailsMax = 20;
constexpr std::size_t kAliasesMax = 10;

using Checked = Result<void, Rejection>;

// What verify.h and this file read by name: everything else is one of `others`.
constexpr std::array<std::string_view, 22> kNamed = {"iss",    "sub",        "aud",     "exp",   "nbf",            "iat",    "jti",                   "client_id", "scope", "resource", "cnf",
                                                     "tenant", "aud_tenant", "aud_sub", "email", "email_verified", "sub_id", "authorization_details", "auth_time", "acr",   "amr",      "sid"};

struct Format {
  std::string_view name;
  std::span<const std::string_view> members;   // beside `format`: all of them, and no others (RFC 9493 §3)
};
constexpr std::array<std::string_view, 2> kIssuerAndSubject = {"iss", "sub"};
constexpr std::array<std::string_view, 1> kId = {"id"}, kEmail = {"email"}, kUri = {"uri"}, kUrl = {"url"}, kPhoneNumber = {"phone_number"};
const std::array<Format, 7> kFormats = {Format{"iss_sub", kIssuerAndSubject}, Format{"opaque", kId},          Format{"email", kEmail}, Format{"account", kUri},
                                        Format{"uri", kUri},                  Format{"phone_number", kPhoneNumber}, Format{"did", kUrl}};

Checked check_identifier(const json::Value& identifier, bool may_have_aliases) {
  const std::string* format = identifier.find_string("format");
  if (format == nullptr || format->empty()) return unexpected(Rejection::malformed_sub_id);
  const auto& members = *identifier.as_object();
  if (*format == "aliases") {
    // Aliases of aliases there are none (§3.2.8).
    const json::Array* identifiers = identifier.find_array("identifiers");
    if (!may_have_aliases || members.size() != 2 || identifiers == nullptr || identifiers->empty() || identifiers->size() > kAliasesMax) return unexpected(Rejection::malformed_sub_id);
    for (const json::Value& alias : *identifiers) TRY(check_identifier(alias, false));
    return {};
  }
  const auto known = std::find_if(kFormats.begin(), kFormats.end(), [&](const Format& one) { return one.name == *format; });
  if (known == kFormats.end()) return {};   // of a format that says nothing here, or that is read elsewhere
  if (members.size() != known->members.size() + 1) return unexpected(Rejection::malformed_sub_id);
  for (const std::string_view name : known->members) {
    const std::string* text = identifier.find_string(name);
    if (text == nullptr || text->empty()) return unexpected(Rejection::malformed_sub_id);
  }
  return {};
}

Checked read_text(const json::Value& claims, std::string_view name, std::string& out) {
  const json::Value* claim = claims.find(name);
  if (claim == nullptr) return {};
  // Empty is not the same as absent: a rule that asks for absence must not be met by an empty text.
  if (!claim->is_string() || claim->as_string()->empty() || claim->as_string()->size() > kTextBytesMax) return unexpected(Rejection::malformed_claim);
  out = *claim->as_string();
  return {};
}

// RAS-42: an address that the issuer did not check is nobody's. As with every claim, only the JSON value `true` is true.
Checked read_email(const json::Value& claims, std::string& out) {
  const bool* verified = claims.find_bool("email_verified");
  if (verified == nullptr || !*verified) return {};
  return read_text(claims, "email", out);
}

// RAS-22: an array of objects with a `type` each. What the types mean is judged where the server is known.
Checked read_details(const json::Value& claims, IdJag& id_jag) {
  const json::Value* claim = claims.find("authorization_details");
  if (claim == nullptr) return {};
  const json::Array* details = claim->as_array();
  if (details == nullptr || details->size() > kDetailsMax) return unexpected(Rejection::malformed_authorization_details);
  for (const json::Value& detail : *details)
    if (detail.find_string("type") == nullptr) return unexpected(Rejection::malformed_authorization_details);
  id_jag.has_authorization_details = !details->empty();
  if (!details->empty()) id_jag.authorization_details = *details;
  return {};
}

void add_names(const json::Value& identifier, std::vector<SubjectName>& names) {
  const std::string& format = *identifier.find_string("format");
  if (format == "aliases") {
    for (const json::Value& alias : *identifier.find_array("identifiers")) add_names(alias, names);
  } else if (format == "iss_sub") {
    names.push_back({SubjectName::Form::issuer_and_subject, *identifier.find_string("iss"), *identifier.find_string("sub")});
  } else if (format == "opaque") {
    names.push_back({SubjectName::Form::opaque, {}, *identifier.find_string("id")});
  } else if (format == "email") {
    names.push_back({SubjectName::Form::email, {}, *identifier.find_string("email")});
  }
}

}  // namespace

Result<void, Rejection> read_identity_claims(const json::Value& claims, bool keeps_others, IdJag& id_jag) {
  TRY(read_text(claims, "tenant", id_jag.tenant));
  TRY(read_text(claims, "aud_tenant", id_jag.aud_tenant));
  TRY(read_text(claims, "aud_sub", id_jag.aud_sub));
  TRY(read_email(claims, id_jag.email));
  if (const json::Value* sub_id = claims.find("sub_id")) {
    TRY(check_identifier(*sub_id, true));
    id_jag.sub_id = *sub_id;
  }
  TRY(read_details(claims, id_jag));
  if (!keeps_others) return {};
  for (const json::Member& member : *claims.as_object()) {
    if (std::find(kNamed.begin(), kNamed.end(), member.name) == kNamed.end()) id_jag.others.push_back(member);
  }
  return {};
}

std::vector<SubjectName> names_of(const json::Value& sub_id) {
  std::vector<SubjectName> names;
  add_names(sub_id, names);
  return names;
}

std::string claim_text(const IdJag& id_jag, std::string_view name) {
  if (name == "acr") return id_jag.acr;
  if (name == "email") return id_jag.email;
  if (name == "sid") return id_jag.sid;
  const auto found = std::find_if(id_jag.others.begin(), id_jag.others.end(), [&](const json::Member& member) { return member.name == name; });
  if (found == id_jag.others.end()) return {};
  if (const auto* text = found->value.as_string()) return *text;
  if (const auto* number = found->value.as_int()) return std::to_string(*number);
  if (const auto* flag = found->value.as_bool()) return *flag ? "true" : "false";
  return {};
}

}  // namespace writ::id_jag
