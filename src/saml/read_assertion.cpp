#include <algorithm>
#include <charconv>

#include "saml/xml.h"

namespace writ::saml {
namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char letter) { return letter >= '0' && letter <= '9'; });
}
int number(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// xs:dateTime in UTC, with an optional fraction (core §1.3.3): 2026-11-24T16:45:00.250Z
std::optional<Instant> parse_time(std::string_view text) {
  if (text.size() < 20 || text.size() > 40 || text.back() != 'Z') return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') return std::nullopt;
  for (const auto& [at, length] : {std::pair(0, 4), std::pair(5, 2), std::pair(8, 2), std::pair(11, 2), std::pair(14, 2), std::pair(17, 2)}) {
    if (!is_digits(text.substr(static_cast<std::size_t>(at), static_cast<std::size_t>(length)))) return std::nullopt;
  }
  Milliseconds fraction{0};
  if (text.size() > 20) {
    const std::string_view digits = text.substr(20, text.size() - 21);
    if (text[19] != '.' || !is_digits(digits)) return std::nullopt;
    std::string three(digits.substr(0, 3));
    three.resize(3, '0');
    fraction = Milliseconds{number(three)};
  }
  const std::chrono::year_month_day day{std::chrono::year{number(text.substr(0, 4))}, std::chrono::month{static_cast<unsigned>(number(text.substr(5, 2)))},
                                        std::chrono::day{static_cast<unsigned>(number(text.substr(8, 2)))}};
  const int hour = number(text.substr(11, 2)), minute = number(text.substr(14, 2)), second = number(text.substr(17, 2));
  if (!day.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return Instant{std::chrono::sys_days{day}} + std::chrono::hours{hour} + std::chrono::minutes{minute} + Seconds{second} + fraction;
}

// An optional attribute with a time. False: it is there and is none.
bool read_time(const xmlNode* element, const char* name, std::optional<Instant>& time) {
  const auto text = attribute(element, name);
  if (!text) return true;
  time = parse_time(*text);
  return time.has_value();
}

std::string attribute_text(const xmlNode* element, const char* name) { return attribute(element, name).value_or(""); }

bool read_name_id(const xmlNode* element, Assertion& out) {
  const auto value = text_of(element);
  if (out.name_id || !value || value->empty() || value->size() > 256) return false;
  out.name_id = NameId{*value, attribute_text(element, "Format"), attribute_text(element, "NameQualifier"), attribute_text(element, "SPNameQualifier"), attribute_text(element, "SPProvidedID")};
  return true;
}

bool read_confirmation(const xmlNode* element, Assertion& out) {
  constexpr std::string_view kBearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
  if (attribute(element, "Method") != kBearer) return true;   // of another kind: it confirms nothing here
  BearerConfirmation bearer;
  for (xmlNode* child = first_element(element); child; child = next_element(child->next)) {
    if (!is(child, kSamlNamespace, "SubjectConfirmationData")) continue;
    bearer.recipient = attribute_text(child, "Recipient");
    bearer.in_response_to = attribute_text(child, "InResponseTo");
    if (!read_time(child, "NotBefore", bearer.not_before) || !read_time(child, "NotOnOrAfter", bearer.not_on_or_after)) return false;
  }
  out.bearers.push_back(std::move(bearer));
  return true;
}

bool read_subject(const xmlNode* element, Assertion& out) {
  for (xmlNode* child = first_element(element); child; child = next_element(child->next)) {
    const bool read = is(child, kSamlNamespace, "NameID")                ? read_name_id(child, out)
                      : is(child, kSamlNamespace, "SubjectConfirmation") ? read_confirmation(child, out)
                                                                         : false;
    if (!read) return false;
  }
  return true;
}

bool read_conditions(const xmlNode* element, Assertion& out) {
  if (out.has_conditions) return false;
  out.has_conditions = true;
  if (!read_time(element, "NotBefore", out.not_before) || !read_time(element, "NotOnOrAfter", out.not_on_or_after)) return false;
  for (xmlNode* child = first_element(element); child; child = next_element(child->next)) {
    if (is(child, kSamlNamespace, "OneTimeUse")) {
      out.one_time_use = true;
    } else if (is(child, kSamlNamespace, "AudienceRestriction")) {
      std::vector<std::string> audiences;
      for (xmlNode* one = first_element(child); one; one = next_element(one->next)) {
        auto text = is(one, kSamlNamespace, "Audience") ? text_of(one) : std::nullopt;
        if (!text) return false;
        audiences.push_back(std::move(*text));
      }
      out.audience_restrictions.push_back(std::move(audiences));
    } else if (!is(child, kSamlNamespace, "ProxyRestriction")) {   // nothing is issued on from here as an assertion
      out.has_unknown_condition = true;
    }
  }
  return true;
}

bool read_authentication(const xmlNode* element, Assertion& out) {
  if (out.authenticated) return false;   // of two sign-ins none is *the* one
  if (!read_time(element, "AuthnInstant", out.authenticated) || !out.authenticated) return false;
  if (!read_time(element, "SessionNotOnOrAfter", out.session_ends)) return false;
  out.session_index = attribute_text(element, "SessionIndex");
  for (xmlNode* child = first_element(element); child; child = next_element(child->next)) {
    if (!is(child, kSamlNamespace, "AuthnContext")) continue;
    for (xmlNode* one = first_element(child); one; one = next_element(one->next)) {
      if (is(one, kSamlNamespace, "AuthnContextClassRef")) out.authentication_context = text_of(one).value_or("");
    }
  }
  return true;
}

bool read_attributes(const xmlNode* statement, Assertion& out) {
  for (xmlNode* child = first_element(statement); child; child = next_element(child->next)) {
    const auto name = is(child, kSamlNamespace, "Attribute") ? attribute(child, "Name") : std::nullopt;
    if (!name || name->empty()) return false;
    auto found = std::find_if(out.attributes.begin(), out.attributes.end(), [&](const auto& one) { return one.name == *name; });
    if (found == out.attributes.end()) found = out.attributes.insert(found, Attribute{*name, {}});
    for (xmlNode* value = first_element(child); value; value = next_element(value->next)) {
      const auto text = is(value, kSamlNamespace, "AttributeValue") ? text_of(value) : std::nullopt;
      if (text) found->values.push_back(*text);
      else found->is_text = false;
    }
  }
  return true;
}

bool read_part(xmlNode* part, Assertion& out) {
  if (is(part, kSamlNamespace, "Issuer")) {
    auto text = out.issuer.empty() ? text_of(part) : std::nullopt;
    if (!text || text->empty() || text->size() > 1024) return false;
    out.issuer = std::move(*text);
    return true;
  }
  if (is(part, kSamlNamespace, "Subject")) return read_subject(part, out);
  if (is(part, kSamlNamespace, "Conditions")) return read_conditions(part, out);
  if (is(part, kSamlNamespace, "AuthnStatement")) return read_authentication(part, out);
  if (is(part, kSamlNamespace, "AttributeStatement")) return read_attributes(part, out);
  // The signature is check_signature's; the others say nothing that is used.
  return is(part, kSignatureNamespace, "Signature") || is(part, kSamlNamespace, "Advice") || is(part, kSamlNamespace, "AuthzDecisionStatement");
}

}  // namespace

Result<Assertion, Problem> read_assertion(const xmlNode* root) {
  Assertion out;
  out.id = attribute_text(root, "ID");
  if (attribute(root, "Version") != "2.0" || out.id.empty() || out.id.size() > 256) return unexpected(Problem::malformed);
  std::optional<Instant> issued;
  if (!read_time(root, "IssueInstant", issued) || !issued) return unexpected(Problem::malformed);
  out.issued = *issued;
  for (xmlNode* part = first_element(root); part; part = next_element(part->next)) {
    if (!read_part(part, out)) return unexpected(Problem::malformed);
  }
  if (out.issuer.empty() || !out.name_id) return unexpected(Problem::malformed);
  return out;
}

}  // namespace writ::saml
