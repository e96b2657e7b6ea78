#include <string>
#include <string_view>

#include "expect.h"
#include "id_jag/identity_claims.h"
#include "oauth/authorization_details.h"

namespace id_jag = writ::id_jag;
namespace json = writ::json;
namespace oauth = writ::oauth;

namespace {

void read_claims(const json::Value& claims, bool keeps_others) {
  id_jag::IdJag read;
  if (!id_jag::read_identity_claims(claims, keeps_others, read)) return;
  // An address is there only when the issuer said that it was checked.
  const bool* verified = claims.find_bool("email_verified");
  EXPECT(read.email.empty() || (verified && *verified));
  EXPECT(keeps_others || read.others.empty());
  for (const json::Member& other : read.others) EXPECT(other.name != "sub" && other.name != "iss" && other.name != "email" && other.name != "tenant");
  if (read.sub_id) {
    for (const auto& name : id_jag::names_of(*read.sub_id)) {
      EXPECT(!name.value.empty());
      EXPECT((name.form == id_jag::SubjectName::Form::issuer_and_subject) == !name.issuer.empty());
    }
  }
  EXPECT(read.has_authorization_details == read.authorization_details.has_value());
  for (const json::Member& claim : *claims.as_object()) static_cast<void>(id_jag::claim_text(read, claim.name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto claims = json::parse(text);
  if (claims && claims->is_object()) {
    read_claims(*claims, true);
    read_claims(*claims, false);
  }
  const auto details = oauth::parse_authorization_details(text);
  if (!details) return 0;
  EXPECT(!details->empty());
  const std::string types[] = {"payment", "note_access"};
  if (!oauth::check_authorization_details(*details, types)) return 0;
  for (const json::Value& one : *details) {
    EXPECT(oauth::covers(one, one));
    // What is written is read again as the same.
    const auto again = oauth::parse_authorization_details(json::write(json::Array{one}));
    EXPECT(again && again->front() == one);
  }
  return 0;
}
