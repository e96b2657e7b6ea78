#include "signals/subject_session.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::signals {
namespace {

std::string name_of(std::string_view prefix, std::string_view issuer, std::string_view tenant, std::string_view subject) {
  std::string parts;   // lengths first, so that no two triples can be cut into one another
  for (const auto part : {issuer, tenant, subject}) parts.append(std::to_string(part.size())).append(":").append(part);
  return std::string(prefix).append(base64url::encode(crypto::sha256_bytes(parts).substr(0, 16)));
}

}  // namespace

std::string subject_session(std::string_view issuer, std::string_view tenant, std::string_view subject) { return name_of("sub_", issuer, tenant, subject); }
std::string sign_in_session(std::string_view issuer, std::string_view tenant, std::string_view subject) { return name_of("sgn_", issuer, tenant, subject); }
std::string since(const std::string& session, std::int64_t seconds) { return session + "@" + std::to_string(seconds); }

}  // namespace writ::signals
