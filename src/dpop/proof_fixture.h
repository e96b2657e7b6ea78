#pragma once

// For tests only: a good proof whose members are JSON text, so that one of them can be anything, or stand twice.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "dpop/proof.h"
#include "encoding/base64url.h"
#include "encoding/json.h"
#include "jose/forge_fixture.h"
#include "jose/jwk.h"

namespace writ::dpop::test {

inline constexpr std::int64_t kNow = 1'800'000'000;
inline const std::string kUrl = "https://writ.example/idp/token";
inline const std::string kToken = "an.access.token";

inline const crypto::PrivateKey& key() {
  static const crypto::PrivateKey one = crypto::PrivateKey::generate(crypto::Algorithm::es256);
  return one;
}

using Members = std::vector<std::pair<std::string, std::string>>;

inline void set(Members& members, const std::string& name, const std::string& value) {
  for (auto& member : members)
    if (member.first == name) {
      member.second = value;
      return;
    }
  members.emplace_back(name, value);
}
inline void remove(Members& members, const std::string& name) {
  std::erase_if(members, [&](const auto& member) { return member.first == name; });
}
inline void repeat(Members& members, const std::string& name) {
  for (const auto& member : Members(members))
    if (member.first == name) members.push_back(member);
}
inline std::string object(const Members& members) {
  std::string text = "{";
  for (const auto& [name, value] : members) text += (text.size() > 1 ? "," : "") + ("\"" + name + "\":" + value);
  return text + "}";
}
inline std::string quoted(const std::string& text) { return json::write(json::Value(text)); }

struct Made {
  Members header{{"typ", R"("dpop+jwt")"}, {"alg", R"("ES256")"}, {"jwk", json::write(jose::to_json(key().public_key()))}};
  Members claims{{"jti", R"("p1")"}, {"htm", R"("POST")"}, {"htu", quoted(kUrl)}, {"iat", std::to_string(kNow)},
                 {"ath", quoted(base64url::encode(crypto::sha256_bytes(kToken)))}};
  crypto::PrivateKey signer = key();
  crypto::Algorithm algorithm = crypto::Algorithm::es256;
  std::string text() const { return jose::test::signed_over(signer, algorithm, object(header), object(claims)); }
};

}  // namespace writ::dpop::test
