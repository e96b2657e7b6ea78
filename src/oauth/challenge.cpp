#include "oauth/challenge.h"

#include <string_view>

namespace writ::oauth {
namespace {

void append_attribute(std::string& header, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  header += header.ends_with("Bearer") ? " " : ", ";
  header += name;
  header += "=\"";
  for (const char letter : value) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool fits = byte >= 0x20 && byte < 0x7F && letter != '"' && letter != '\\';
    header += fits ? letter : ' ';   // a line break would start a header of the caller's choice (T11)
  }
  header += '"';
}

}  // namespace

std::string write(const BearerChallenge& challenge) {
  std::string header = "Bearer";
  append_attribute(header, "resource_metadata", challenge.resource_metadata);
  append_attribute(header, "error", challenge.error);
  append_attribute(header, "error_description", challenge.error_description);
  append_attribute(header, "scope", challenge.scope);
  append_attribute(header, "acr_values", challenge.acr_values);
  append_attribute(header, "max_age", challenge.max_age);
  return header;
}

}  // namespace writ::oauth
