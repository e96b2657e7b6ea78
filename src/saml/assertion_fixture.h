#pragma once

// An identity provider that signs assertions. It writes them in canonical form by hand and signs with our own keys: nothing in it is of the libraries
// that the code under test verifies with. For tests only.

#include <map>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "encoding/base64url.h"

namespace writ::saml {

// ---- a certificate, by hand: what matters of it is the key

inline std::string der(char tag, const std::string& content) {
  std::string length;
  if (content.size() < 128) {
    length = static_cast<char>(content.size());
  } else {
    for (auto left = content.size(); left; left >>= 8) length.insert(length.begin(), static_cast<char>(left & 0xff));
    length.insert(length.begin(), static_cast<char>(0x80 | length.size()));
  }
  return tag + length + content;
}
inline std::string der_integer(std::string bytes) {
  if (static_cast<unsigned char>(bytes.front()) & 0x80) bytes.insert(bytes.begin(), '\0');
  return der('\x02', bytes);
}
inline std::string der_bits(const std::string& bytes) { return der('\x03', std::string(1, '\0') + bytes); }
inline std::string public_key_info(const crypto::PublicKey& key) {
  const auto& is = key.parameters();
  const std::string null("\x05\x00", 2);
  if (is.kty == "RSA") {
    const std::string rsa("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 11);
    return der('\x30', der('\x30', rsa + null) + der_bits(der('\x30', der_integer(is.n) + der_integer(is.e))));
  }
  const std::string ec("\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", 9), p256("\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10);
  return der('\x30', der('\x30', ec + p256) + der_bits("\x04" + is.x + is.y));
}
inline std::string certificate_der(const crypto::PrivateKey& key) {
  const std::string sha256_with_rsa = der('\x30', std::string("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00", 13));
  const std::string name = der('\x30', der('\x31', der('\x30', std::string("\x06\x03\x55\x04\x03", 5) + der('\x0c', "idp"))));
  const std::string validity = der('\x30', der('\x17', "200101000000Z") + der('\x17', "210101000000Z"));   // long over, and it does not matter
  const std::string body = der('\x30', der('\xa0', der_integer("\x02")) + der_integer("\x01") + sha256_with_rsa + name + validity + name + public_key_info(key.public_key()));
  return der('\x30', body + sha256_with_rsa + der_bits(std::string(256, '\x01')));
}
inline std::string certificate_text(const crypto::PrivateKey& key) { return base64::encode(certificate_der(key)); }

inline const crypto::PrivateKey& idp_key() {
  static const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::Algorithm::rs256);
  return key;
}
inline const crypto::PrivateKey& idp_ec_key() {
  static const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::Algorithm::es256);
  return key;
}
inline const crypto::PrivateKey& stranger_key() {
  static const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::Algorithm::rs256);
  return key;
}

inline constexpr const char* kEntity = "https://login.corp.example/saml";
inline constexpr const char* kAudience = "https://cursor.example/sp";
inline constexpr const char* kRecipient = "https://cursor.example/saml/acs";

// Every part can be replaced; what is signed is what stands here then.
struct AssertionText {
  std::string id = "_a1", issuer = kEntity, version = "2.0";
  std::string issued = "2026-11-18T15:06:40Z";        // 1'795'014'400
  std::string name_id = "up-carol", name_id_attributes = R"( Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")";
  std::string recipient = kRecipient, method = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
  std::string confirmation_ends = R"( NotOnOrAfter="2026-11-18T15:11:40Z")", in_response_to = R"( InResponseTo="_r1")";
  std::string not_before = R"( NotBefore="2026-11-18T15:06:10Z")", not_on_or_after = R"( NotOnOrAfter="2026-11-18T15:11:40Z")";
  std::string audience = kAudience, more_conditions;
  std::string authenticated = "2026-11-18T15:05:40Z", session = R"( SessionIndex="_s1")";
  std::string context = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
  std::vector<std::pair<std::string, std::string>> attributes = {{"uid", "carol"}, {"mail", "carol@corp.example"}, {"groups", "engineering"}};
  std::string more_statements;
  // of the signature
  std::string canonicalization = "http://www.w3.org/2001/10/xml-exc-c14n#";
  std::string signature_method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
  std::string digest_method = "http://www.w3.org/2001/04/xmlenc#sha256";
  std::vector<std::string> transforms = {"http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#"};
  std::string reference = "#_a1", in_last_transform, key_info, more_in_signature;

  std::string open() const {
    return R"(<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID=")" + id + R"(" IssueInstant=")" + issued + R"(" Version=")" + version + R"("><saml:Issuer>)" + issuer +
           "</saml:Issuer>";
  }
  std::string subject() const {
    return "<saml:Subject><saml:NameID" + name_id_attributes + ">" + name_id + R"(</saml:NameID><saml:SubjectConfirmation Method=")" + method + R"("><saml:SubjectConfirmationData)" +
           in_response_to + confirmation_ends + R"( Recipient=")" + recipient + R"("></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>)";
  }
  std::string conditions() const {
    return "<saml:Conditions" + not_before + not_on_or_after + "><saml:AudienceRestriction><saml:Audience>" + audience + "</saml:Audience></saml:AudienceRestriction>" + more_conditions +
           "</saml:Conditions>";
  }
  std::string statements() const {
    std::string text = R"(<saml:AuthnStatement AuthnInstant=")" + authenticated + R"(")" + session + "><saml:AuthnContext><saml:AuthnContextClassRef>" + context +
                       "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>";
    if (attributes.empty()) return text + more_statements;
    text += "<saml:AttributeStatement>";
    for (const auto& [name, value] : attributes) text += R"(<saml:Attribute Name=")" + name + R"("><saml:AttributeValue>)" + value + "</saml:AttributeValue></saml:Attribute>";
    return text + "</saml:AttributeStatement>" + more_statements;
  }
  std::string rest() const { return subject() + conditions() + statements() + "</saml:Assertion>"; }
  std::string unsigned_text() const { return open() + rest(); }

  // `covered`: what the digest is of.
  std::string signature(const crypto::PrivateKey& key, const std::string& covered) const {
    std::string inside = R"(<ds:CanonicalizationMethod Algorithm=")" + canonicalization + R"("></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=")" + signature_method +
                         R"("></ds:SignatureMethod><ds:Reference URI=")" + reference + R"("><ds:Transforms>)";
    for (std::size_t i = 0; i < transforms.size(); ++i) {
      inside += R"(<ds:Transform Algorithm=")" + transforms[i] + R"(">)" + (i + 1 == transforms.size() ? in_last_transform : "") + "</ds:Transform>";
    }
    inside += R"(</ds:Transforms><ds:DigestMethod Algorithm=")" + digest_method + R"("></ds:DigestMethod><ds:DigestValue>)" + base64::encode(crypto::sha256_bytes(covered)) +
              "</ds:DigestValue></ds:Reference></ds:SignedInfo>";
    const std::string space = R"( xmlns:ds="http://www.w3.org/2000/09/xmldsig#")";
    const auto algorithm = key.fits(crypto::Algorithm::es256) ? crypto::Algorithm::es256 : crypto::Algorithm::rs256;
    const std::string value = key.sign(algorithm, "<ds:SignedInfo" + space + ">" + inside);
    return "<ds:Signature" + space + "><ds:SignedInfo>" + inside + "<ds:SignatureValue>" + base64::encode(value) + "</ds:SignatureValue>" + key_info + more_in_signature + "</ds:Signature>";
  }
  std::string signature(const crypto::PrivateKey& key = idp_key()) const { return signature(key, unsigned_text()); }
  std::string signed_text(const crypto::PrivateKey& key = idp_key()) const { return open() + signature(key) + rest(); }
};

}  // namespace writ::saml
