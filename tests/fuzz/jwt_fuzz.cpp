#include <string>
#include <string_view>

#include "encoding/base64url.h"
#include "expect.h"
#include "jose/jwt.h"

namespace jose = writ::jose;
using writ::crypto::Algorithm;

namespace {

constexpr Algorithm kAll[] = {Algorithm::es256, Algorithm::es384, Algorithm::rs256, Algorithm::ps256, Algorithm::eddsa};

// Keys whose private halves nobody kept: no input can verify.
const jose::KeySet& keys() {
  static const jose::KeySet set = [] {
    std::vector<jose::Jwk> made;
    for (const Algorithm algorithm : kAll) made.push_back({"k", algorithm, writ::crypto::PrivateKey::generate(algorithm).public_key()});
    return jose::KeySet(std::move(made));
  }();
  return set;
}

void expect_no_signature(std::string_view text) {
  auto jwt = jose::UnverifiedJwt::parse(text);
  if (!jwt) return;
  EXPECT(jwt->compact() == text);
  EXPECT(jwt->header().is_object() && jwt->claimed().is_object());
  EXPECT(!jwt->kid() || (!jwt->kid()->empty() && jwt->kid()->size() <= 256));
  // One spelling: what was decoded encodes to the very same text.
  const std::size_t second = text.rfind('.');
  const auto signature = writ::base64url::decode(text.substr(second + 1));
  EXPECT(signature && writ::base64url::encode(*signature) == text.substr(second + 1));
  EXPECT(!jose::VerifiedJwt::verify(std::move(*jwt), keys(), kAll));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  expect_no_signature(text);
  // Once more as the header of a token, so that the fuzzer need not learn base64url; and as a key set.
  expect_no_signature(writ::base64url::encode(text) + ".e30." + writ::base64url::encode(std::string(64, '\1')));
  if (const auto set = jose::KeySet::parse(text))
    for (const jose::Jwk& jwk : set->keys()) EXPECT(jose::parse_jwk(jose::to_json(jwk)));
  return 0;
}
