#pragma once

// Whom a security event is about: subject identifiers (RFC 9493) and the complex subjects of the Shared Signals Framework.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoding/json.h"

namespace writ::signals {

// One identifier. Formats that are well formed and mean nothing here are kept as `other`: whether that matters is for who acts on it.
struct Identifier {
  enum class Format { iss_sub, email, opaque, other } format = Format::other;
  std::string issuer, subject;     // iss_sub
  std::string email;
  std::string id;                  // opaque
  std::string format_name;         // as written

  friend bool operator==(const Identifier&, const Identifier&) = default;
};

Identifier iss_sub(std::string issuer, std::string subject);
Identifier email(std::string address);
Identifier opaque(std::string id);
json::Value to_json(const Identifier& identifier);   // precondition: not `other`

// A simple subject is one with `user` alone.
struct Subject {
  Identifier user;
  bool has_user = false;           // a complex subject may be about a device or a tenant, and nobody in particular
  std::string tenant;              // of a complex subject's `tenant` (opaque); empty: it says none, which matches any
  // Members of a complex subject that narrow it down by what is not known here (session, device, …), or that are not understood.
  std::vector<std::string> unprocessable;
  bool is_complex = false;

  friend bool operator==(const Subject&, const Subject&) = default;
};

enum class SubjectProblem { not_an_object, no_format, missing_member, wrong_type, too_long, empty_complex, nested };
std::string_view to_string(SubjectProblem problem);

Result<Subject, SubjectProblem> parse_subject(const json::Value& value);

// EN-24: an event is dropped when a member that its transmitter calls critical cannot be processed here. The name of the first one.
std::optional<std::string> critical_and_unprocessable(const Subject& subject, const std::vector<std::string>& critical_subject_members);

}  // namespace writ::signals
