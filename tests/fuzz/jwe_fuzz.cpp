#include <string>
#include <string_view>

#include "encoding/base64url.h"
#include "expect.h"
#include "jose/jwe.h"

namespace jose = writ::jose;

namespace {

// Nobody encrypted anything to these.
const std::vector<jose::DecryptionKey>& keys() {
  static const std::vector<jose::DecryptionKey> made = {{"e1", writ::crypto::PrivateKey::generate(writ::crypto::Algorithm::es256)},
                                                        {"r1", writ::crypto::PrivateKey::generate(writ::crypto::Algorithm::rs256)}};
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  EXPECT(!jose::decrypt(text, keys()));
  // Once more as the header, so that the fuzzer need not learn base64url.
  const std::string rest = "." + writ::base64url::encode(std::string(40, 'k')) + "." + writ::base64url::encode(std::string(12, 'n')) + ".AAAA." + writ::base64url::encode(std::string(16, 't'));
  EXPECT(!jose::decrypt(writ::base64url::encode(text) + rest, keys()));
  if (const auto key = jose::choose_encryption_key(text)) EXPECT(jose::is_encrypted(jose::encrypt(*key, "t", "x")));
  return 0;
}
