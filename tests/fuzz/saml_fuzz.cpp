#include <string>
#include <string_view>

#include "expect.h"
#include "saml/assertion_fixture.h"
#include "saml/conditions.h"
#include "saml/verified_assertion.h"

namespace {

// A certificate whose private half nobody kept: no input can verify.
const std::vector<writ::crypto::Certificate>& certificates() {
  static const std::vector<writ::crypto::Certificate> made = {
      *writ::crypto::parse_certificate(writ::saml::certificate_text(writ::crypto::PrivateKey::generate(writ::crypto::Algorithm::rs256)))};
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto unverified = writ::saml::UnverifiedAssertion::parse(text);
  if (unverified) {
    // What was refused for every document never got this far.
    EXPECT(text.find("<!DOCTYPE") == std::string_view::npos && text.find("<!--") == std::string_view::npos);
    EXPECT(!unverified->claimed_issuer().empty());
    EXPECT(!writ::saml::VerifiedAssertion::verify(std::move(*unverified), certificates()));
  }
  if (const auto certificate = writ::crypto::parse_certificate(text)) EXPECT(!certificate->der.empty());
  return 0;
}
