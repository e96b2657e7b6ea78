#pragma once

// What a client asks to be registered as (RFC 7591 §2), and how what it became is written (§3.2.1). As with documents, it says nothing of what the client may have.
// Pure.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoding/json.h"
#include "registry/objects.h"

namespace writ::client_metadata {

inline constexpr std::size_t kRegistrationBytesMax = 16 * 1024;

struct RegistrationRequest {
  std::string client_name;              // may be empty
  registry::Registration registration;  // without client_id and secrets
  std::string client_id, client_secret; // of an update alone, where it must and may say them (RFC 7592 §2.2)
};

struct RegistrationProblem {
  enum class Code { client_metadata, redirect_uri, software_statement } code = Code::client_metadata;
  std::string member;                   // which was wrong; empty: the document
  std::string sentence;
};
std::string_view to_string(RegistrationProblem::Code code);   // as RFC 7591 §3.2.2 names it

enum class Registering { anew, update };
// `grant_types`: what the issuer offers. Members that are not known are ignored, as the RFC asks; known ones that are not kept are checked all the same.
Result<RegistrationRequest, RegistrationProblem> parse_registration(std::string_view body, const std::vector<std::string>& grant_types, Registering what);

// The metadata of a registration as it stands.
json::Object registered_metadata(const std::string& client_name, const registry::Registration& registration, const std::vector<std::string>& grant_types);

}  // namespace writ::client_metadata
