#include "signals/subject.h"

#include <algorithm>

namespace writ::signals {
namespace {

constexpr std::size_t kTextMax = 1'024;   // of one member: longer than any subject, address or issuer that means something

using Problem = SubjectProblem;

// The members that a format asks for (RFC 9493 §3.2); of formats that mean nothing here only that they are well formed.
struct Known {
  std::string_view name;
  Identifier::Format format;
  std::vector<std::string_view> members;
};
const std::vector<Known>& formats() {
  static const std::vector<Known> kFormats = {
      {"iss_sub", Identifier::Format::iss_sub, {"iss", "sub"}}, {"email", Identifier::Format::email, {"email"}},
      {"opaque", Identifier::Format::opaque, {"id"}},           {"account", Identifier::Format::other, {"uri"}},
      {"phone_number", Identifier::Format::other, {"phone_number"}}, {"did", Identifier::Format::other, {"url"}},
      {"uri", Identifier::Format::other, {"uri"}},              {"jwt_id", Identifier::Format::other, {"iss", "jti"}},
      {"saml_assertion_id", Identifier::Format::other, {"issuer", "assertion_id"}},
  };
  return kFormats;
}

Result<std::string, Problem> required_text(const json::Value& value, std::string_view name) {
  const json::Value* member = value.find(name);
  if (!member) return unexpected(Problem::missing_member);
  const std::string* text = member->as_string();
  if (!text) return unexpected(Problem::wrong_type);
  if (text->empty()) return unexpected(Problem::missing_member);
  if (text->size() > kTextMax) return unexpected(Problem::too_long);
  return *text;
}

Result<std::string, Problem> format_of(const json::Value& value) {
  if (!value.is_object()) return unexpected(Problem::not_an_object);
  const json::Value* format = value.find("format");
  if (!format) return unexpected(Problem::no_format);
  return required_text(value, "format");
}

Result<Identifier, Problem> parse_identifier(const json::Value& value) {
  Identifier identifier;
  identifier.format_name = TRY(format_of(value));
  // Only the outermost subject may be complex (SSF): what is inside one identifies one thing.
  if (identifier.format_name == "complex") return unexpected(Problem::nested);
  for (const Known& known : formats()) {
    if (known.name != identifier.format_name) continue;
    identifier.format = known.format;
    for (const std::string_view name : known.members) {
      std::string text = TRY(required_text(value, name));
      if (known.format == Identifier::Format::iss_sub) (name == "iss" ? identifier.issuer : identifier.subject) = std::move(text);
      else if (known.format == Identifier::Format::email) identifier.email = std::move(text);
      else if (known.format == Identifier::Format::opaque) identifier.id = std::move(text);
    }
  }
  return identifier;
}

Result<Subject, Problem> parse_complex(const json::Value& value) {
  Subject subject;
  subject.is_complex = true;
  for (const json::Member& member : *value.as_object()) {
    if (member.name == "format") continue;
    auto identifier = parse_identifier(member.value);
    if (member.name == "user") {
      // A user that cannot be read is no "any user": the whole subject is refused.
      if (!identifier) return unexpected(identifier.error());
      subject.user = std::move(*identifier);
      subject.has_user = true;
    } else if (member.name == "tenant" && identifier && identifier->format == Identifier::Format::opaque) {
      subject.tenant = identifier->id;
    } else {
      subject.unprocessable.push_back(member.name);
    }
  }
  if (!subject.has_user && subject.tenant.empty() && subject.unprocessable.empty()) return unexpected(Problem::empty_complex);
  return subject;
}

}  // namespace

std::string_view to_string(SubjectProblem problem) {
  switch (problem) {
    case Problem::not_an_object: return "subject_not_an_object";
    case Problem::no_format: return "subject_no_format";
    case Problem::missing_member: return "subject_missing_member";
    case Problem::wrong_type: return "subject_wrong_type";
    case Problem::too_long: return "subject_too_long";
    case Problem::empty_complex: return "subject_empty_complex";
    case Problem::nested: return "subject_nested";
  }
  return "subject_not_an_object";
}

Identifier iss_sub(std::string issuer, std::string subject) {
  Identifier identifier;
  identifier.format = Identifier::Format::iss_sub, identifier.format_name = "iss_sub";
  identifier.issuer = std::move(issuer), identifier.subject = std::move(subject);
  return identifier;
}

Identifier email(std::string address) {
  Identifier identifier;
  identifier.format = Identifier::Format::email, identifier.format_name = "email";
  identifier.email = std::move(address);
  return identifier;
}

Identifier opaque(std::string id) {
  Identifier identifier;
  identifier.format = Identifier::Format::opaque, identifier.format_name = "opaque";
  identifier.id = std::move(id);
  return identifier;
}

json::Value to_json(const Identifier& identifier) {
  json::Value value{{"format", identifier.format_name}};
  switch (identifier.format) {
    case Identifier::Format::iss_sub:
      value.set("iss", identifier.issuer);
      value.set("sub", identifier.subject);
      break;
    case Identifier::Format::email: value.set("email", identifier.email); break;
    case Identifier::Format::opaque: value.set("id", identifier.id); break;
    case Identifier::Format::other: assert(false); break;
  }
  return value;
}

Result<Subject, SubjectProblem> parse_subject(const json::Value& value) {
  const std::string format = TRY(format_of(value));
  if (format == "complex") return parse_complex(value);
  Subject subject;
  subject.user = TRY(parse_identifier(value));
  subject.has_user = true;
  return subject;
}

std::optional<std::string> critical_and_unprocessable(const Subject& subject, const std::vector<std::string>& critical_subject_members) {
  for (const std::string& name : subject.unprocessable) {
    if (std::find(critical_subject_members.begin(), critical_subject_members.end(), name) != critical_subject_members.end()) return name;
  }
  return std::nullopt;
}

}  // namespace writ::signals
