// What is signed is what is read: signature wrapping, entity bombs, and everything that a signature might say besides.
#include "saml/verified_assertion.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "saml/assertion_fixture.h"

namespace writ::saml {
namespace {

std::vector<crypto::Certificate> certificates_of(const crypto::PrivateKey& key) { return {*crypto::parse_certificate(certificate_text(key))}; }

std::string reason_of(const std::string& text, const crypto::PrivateKey& trusted = idp_key()) {
  auto unverified = UnverifiedAssertion::parse(text);
  if (!unverified) return std::string(to_string(unverified.error()));
  const auto verified = VerifiedAssertion::verify(std::move(*unverified), certificates_of(trusted));
  return verified ? "verified" : std::string(to_string(verified.error()));
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(Assertion, IsReadAsItWasSigned) {
  auto unverified = UnverifiedAssertion::parse(AssertionText().signed_text());
  ASSERT_TRUE(unverified) << to_string(unverified.error());
  EXPECT_EQ(unverified->claimed_issuer(), kEntity);
  const auto verified = VerifiedAssertion::verify(std::move(*unverified), certificates_of(idp_key()));
  ASSERT_TRUE(verified) << to_string(verified.error());
  const Assertion& is = verified->assertion();
  EXPECT_EQ(is.id, "_a1");
  EXPECT_EQ(is.issuer, kEntity);
  EXPECT_EQ(is.issued, from_unix_seconds(1'795'014'400));
  EXPECT_EQ(is.name_id->value, "up-carol");
  EXPECT_EQ(is.name_id->format, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
  ASSERT_EQ(is.bearers.size(), 1U);
  EXPECT_EQ(is.bearers[0].recipient, kRecipient);
  EXPECT_EQ(is.bearers[0].in_response_to, "_r1");
  EXPECT_EQ(is.bearers[0].not_on_or_after, from_unix_seconds(1'795'014'700));
  EXPECT_EQ(is.audience_restrictions, std::vector<std::vector<std::string>>{{kAudience}});
  EXPECT_EQ(is.authenticated, from_unix_seconds(1'795'014'340));
  EXPECT_EQ(is.session_index, "_s1");
  EXPECT_EQ(is.authentication_context, "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport");
  ASSERT_TRUE(is.attribute("groups"));
  EXPECT_EQ(is.attribute("groups")->values, std::vector<std::string>{"engineering"});
}

TEST(Assertion, IsVerifiedByEllipticCurvesToo) {
  AssertionText text;
  text.signature_method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
  EXPECT_EQ(reason_of(text.signed_text(idp_ec_key()), idp_ec_key()), "verified");
  EXPECT_EQ(reason_of(text.signed_text(idp_ec_key()), idp_key()), "saml_signature") << "a key of another kind";
}

TEST(Assertion, AnyOfSeveralKeysWillDo) {
  auto unverified = UnverifiedAssertion::parse(AssertionText().signed_text());
  const auto verified = VerifiedAssertion::verify(std::move(*unverified), {certificates_of(stranger_key())[0], certificates_of(idp_key())[0]});
  EXPECT_TRUE(verified);
}

TEST(Assertion, NoKeysMeanNoBelief) {
  auto unverified = UnverifiedAssertion::parse(AssertionText().signed_text());
  EXPECT_EQ(VerifiedAssertion::verify(std::move(*unverified), {}).error(), Problem::signature);
}

TEST(Assertion, PrefixesThatCanonicalisationKeepsAreUnderstood) {
  AssertionText text;
  text.in_last_transform = R"(<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs"></ec:InclusiveNamespaces>)";
  EXPECT_EQ(reason_of(text.signed_text()), "verified");
  text.in_last_transform = "<x></x>";
  EXPECT_EQ(reason_of(text.signed_text()), "saml_transform") << "and nothing else may stand there";
}

TEST(Assertion, LinesAndIndentationOfTheSignatureAreUnderstood) {
  const std::string good = AssertionText().signed_text();
  const auto begin = good.find("<ds:SignatureValue>") + 19;
  EXPECT_EQ(reason_of(good.substr(0, begin) + "\n" + good.substr(begin, 64) + "\n" + good.substr(begin + 64)), "verified");
}

// ---- what changes after signing

TEST(Assertion, EveryBitOfTheSignatureCounts) {
  const std::string good = AssertionText().signed_text();
  const auto begin = good.find("<ds:SignatureValue>") + 19, end = good.find("</ds:SignatureValue>");
  auto bytes = *base64::decode(good.substr(begin, end - begin));
  for (std::size_t i = 0; i < bytes.size() * 8; i += 37) {
    bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ (1 << (i % 8)));
    EXPECT_EQ(reason_of(good.substr(0, begin) + base64::encode(bytes) + good.substr(end)), "saml_signature") << i;
    bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ (1 << (i % 8)));
  }
}

TEST(Assertion, EveryByteOfWhatIsSaidCounts) {
  const std::string good = AssertionText().signed_text();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    EXPECT_NE(reason_of(changed), "verified") << i << ": " << good.substr(i, 20);
    EXPECT_NE(reason_of(good.substr(0, i)), "verified") << i;
  }
}

// ---- one change each

struct Row {
  const char* name;
  std::function<std::string()> text;
  const char* reason;
};
class Refused : public testing::TestWithParam<Row> {};

TEST_P(Refused, ForItsReason) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(reason_of(GetParam().text()), GetParam().reason);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
}

std::string with(const std::function<void(AssertionText&)>& change) {
  AssertionText text;
  change(text);
  return text.signed_text();
}
std::string document_type(const std::string& inside) { return "<!DOCTYPE saml:Assertion " + inside + ">" + AssertionText().signed_text(); }
std::string bomb() {
  std::string entities = "[<!ENTITY a0 \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\">";
  for (int i = 1; i < 12; ++i) {
    entities += "<!ENTITY a" + std::to_string(i) + " \"";
    for (int j = 0; j < 10; ++j) entities += "&a" + std::to_string(i - 1) + ";";
    entities += "\">";
  }
  return "<!DOCTYPE saml:Assertion " + entities + "]>" + replaced(AssertionText().signed_text(), "up-carol", "&a11;");
}

const Row kDocument[] = {
    {"ABillionLaughs", bomb, "saml_document_type"},
    {"AnExternalEntity", [] { return "<!DOCTYPE saml:Assertion [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" + replaced(AssertionText().signed_text(), "up-carol", "&x;"); }, "saml_document_type"},
    {"AnExternalSubset", [] { return document_type("SYSTEM \"http://127.0.0.1:1/x.dtd\""); }, "saml_document_type"},
    {"AParameterEntity", [] { return document_type("[<!ENTITY % x SYSTEM \"http://127.0.0.1:1/x.dtd\"> %x;]"); }, "saml_document_type"},
    {"AnEmptyDocumentType", [] { return document_type("[]"); }, "saml_document_type"},
    {"AnEntityThatNobodyDeclared", [] { return replaced(AssertionText().signed_text(), "up-carol", "&x;"); }, "saml_not_well_formed"},
    {"AProcessingInstruction", [] { return replaced(AssertionText().signed_text(), "up-carol", "up<?x y?>-carol"); }, "saml_processing_instruction"},
    {"AStylesheet", [] { return "<?xml-stylesheet href=\"http://127.0.0.1:1/\"?>" + AssertionText().signed_text(); }, "saml_processing_instruction"},
    {"ACommentInTheName", [] { return replaced(with([](auto& text) { text.name_id = "admin.evil"; }), "admin.evil", "admin<!---->.evil"); }, "saml_comment"},
    {"ACommentAnywhere", [] { return AssertionText().signed_text() + "<!-- -->"; }, "saml_comment"},
    {"CdataInTheName", [] { return replaced(AssertionText().signed_text(), "up-carol", "<![CDATA[up-carol]]>"); }, "saml_cdata"},
    {"TooDeep", [] { std::string deep; for (int i = 0; i < 100000 / 3; ++i) deep += "<a>"; return "<r>" + deep; }, "saml_too_deep"},
    {"TooLarge", [] { return AssertionText().signed_text() + std::string(kBytesMax, ' '); }, "saml_too_large"},
    {"Nothing", [] { return std::string(); }, "saml_not_utf8"},
    {"Utf16", [] { std::string wide("\xFF\xFE", 2); for (const char letter : AssertionText().signed_text()) wide += letter, wide += '\0'; return wide; }, "saml_not_utf8"},
    {"AnotherEncodingDeclaredIsNotUsed", [] { return "<?xml version=\"1.0\" encoding=\"UTF-16\"?>" + replaced(AssertionText().signed_text(), "up-carol", "up-mallory"); }, "saml_digest"},
    {"TwoRoots", [] { return AssertionText().signed_text() + AssertionText().signed_text(); }, "saml_not_well_formed"},
    {"AnUndeclaredPrefix", [] { return replaced(AssertionText().signed_text(), " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"", ""); }, "saml_not_well_formed"},
    {"AWholeResponse", [] { return "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\">" + AssertionText().signed_text() + "</samlp:Response>"; }, "saml_not_an_assertion"},
    {"AnAssertionOfSaml1", [] { return replaced(AssertionText().signed_text(), "SAML:2.0:assertion", "SAML:1.0:assertion"); }, "saml_not_an_assertion"},
    {"Encrypted", [] { return std::string("<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>"); }, "saml_encrypted"},
    {"AnEncryptedName", [] { return with([](auto& text) { text.more_statements = "<saml:EncryptedID></saml:EncryptedID>"; }); }, "saml_encrypted"},
    {"AnElementThatSamlDoesNotHave", [] { return with([](auto& text) { text.more_statements = "<saml:More></saml:More>"; }); }, "saml_malformed"},
    {"TwoNames", [] { return with([](auto& text) { text.name_id += "</saml:NameID><saml:NameID>admin"; }); }, "saml_malformed"},
    {"ANameWithAnElementInIt", [] { return with([](auto& text) { text.name_id += "<x></x>"; }); }, "saml_malformed"},
    {"NoName", [] { return with([](auto& text) { text.name_id = ""; }); }, "saml_malformed"},
    {"AnotherVersion", [] { return with([](auto& text) { text.version = "1.1"; }); }, "saml_malformed"},
    {"ATimeThatIsNone", [] { return with([](auto& text) { text.issued = "2026-02-30T00:00:00Z"; }); }, "saml_malformed"},
    {"ATimeOfAnotherZone", [] { return with([](auto& text) { text.authenticated = "2026-11-18T15:05:40+01:00"; }); }, "saml_malformed"},
    {"TwoSignIns", [] { return with([](auto& text) { text.more_statements = "<saml:AuthnStatement AuthnInstant=\"2026-11-18T15:05:40Z\"></saml:AuthnStatement>"; }); }, "saml_malformed"},
};
INSTANTIATE_TEST_SUITE_P(Document, Refused, testing::ValuesIn(kDocument), [](const auto& row) { return row.param.name; });

const Row kSignature[] = {
    {"Unsigned", [] { return AssertionText().unsigned_text(); }, "saml_not_signed"},
    {"ByAnotherKey", [] { return AssertionText().signed_text(stranger_key()); }, "saml_signature"},
    {"ByAnotherKeyThatItBringsAlong", [] {
       AssertionText text;
       text.key_info = "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>" + certificate_text(stranger_key()) + "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>";
       return text.signed_text(stranger_key());
     }, "saml_signature"},
    {"WhatIsSaidWasChanged", [] { return replaced(AssertionText().signed_text(), "up-carol", "up-admin"); }, "saml_digest"},
    {"WithSha1", [] { return with([](auto& text) { text.signature_method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"; }); }, "saml_algorithm"},
    {"WithADigestOfSha1", [] { return with([](auto& text) { text.digest_method = "http://www.w3.org/2000/09/xmldsig#sha1"; }); }, "saml_algorithm"},
    {"WithHmac", [] { return with([](auto& text) { text.signature_method = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"; }); }, "saml_algorithm"},
    {"InclusiveCanonicalisation", [] { return with([](auto& text) { text.canonicalization = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"; }); }, "saml_canonicalization"},
    {"CanonicalisationWithComments", [] { return with([](auto& text) { text.canonicalization = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"; }); }, "saml_canonicalization"},
    {"ReferenceCanonicalisedOtherwise", [] { return with([](auto& text) { text.transforms[1] = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"; }); }, "saml_transform"},
    {"AnXPath", [] { return with([](auto& text) { text.transforms[0] = "http://www.w3.org/TR/1999/REC-xpath-19991116"; }); }, "saml_transform"},
    {"AStylesheetAsTransform", [] { return with([](auto& text) { text.transforms[1] = "http://www.w3.org/TR/1999/REC-xslt-19991116"; }); }, "saml_transform"},
    {"OneTransformTooMany", [] { return with([](auto& text) { text.transforms.push_back(text.transforms[1]); }); }, "saml_transform"},
    {"OneTransformOnly", [] { return with([](auto& text) { text.transforms.pop_back(); }); }, "saml_transform"},
    {"TransformsInTheOtherOrder", [] { return with([](auto& text) { std::swap(text.transforms[0], text.transforms[1]); }); }, "saml_transform"},
    {"TheWholeDocument", [] { return with([](auto& text) { text.reference = ""; }); }, "saml_reference_elsewhere"},
    {"APointer", [] { return with([](auto& text) { text.reference = "#xpointer(id('_a1'))"; }); }, "saml_reference_elsewhere"},
    {"AnotherElement", [] { return with([](auto& text) { text.reference = "#_b2"; }); }, "saml_reference_elsewhere"},
    {"SomethingElsewhere", [] { return with([](auto& text) { text.reference = "http://127.0.0.1:1/#_a1"; }); }, "saml_reference_elsewhere"},
    {"AnObject", [] { return with([](auto& text) { text.more_in_signature = "<ds:Object></ds:Object>"; }); }, "saml_signature_shape"},
    {"TwoReferences", [] {
       const std::string good = AssertionText().signed_text();
       const auto begin = good.find("<ds:Reference"), end = good.find("</ds:SignedInfo>");
       return good.substr(0, end) + good.substr(begin, end - begin) + good.substr(end);
     }, "saml_signature_shape"},
    {"NoReference", [] {
       const std::string good = AssertionText().signed_text();
       const auto begin = good.find("<ds:Reference"), end = good.find("</ds:SignedInfo>");
       return good.substr(0, begin) + good.substr(end);
     }, "saml_signature_shape"},
    {"TwoSignatures", [] { AssertionText text; return text.open() + text.signature() + text.signature() + text.rest(); }, "saml_several_signatures"},
    {"AtTheEnd", [] { AssertionText text; auto all = text.unsigned_text(); return replaced(all, "</saml:Assertion>", text.signature() + "</saml:Assertion>"); }, "saml_signature_misplaced"},
    {"InsideAnotherElement", [] { AssertionText text; return text.open() + replaced(text.rest(), "</saml:AttributeStatement>", "</saml:AttributeStatement><saml:Advice>" + text.signature() + "</saml:Advice>"); }, "saml_signature_misplaced"},
    {"DuplicateIds", [] { return with([](auto& text) { text.more_statements = R"(<saml:Advice><x ID="_a1"></x></saml:Advice>)"; }); }, "saml_duplicate_id"},
    {"DuplicateIdsInAnotherSpelling", [] { return with([](auto& text) { text.more_statements = R"(<saml:Advice><x xml:id="_a1"></x></saml:Advice>)"; }); }, "saml_duplicate_id"},
    {"ASecondAssertionInAdvice", [] { return with([](auto& text) { AssertionText other; other.id = "_b2", text.more_statements = "<saml:Advice>" + other.unsigned_text() + "</saml:Advice>"; }); }, "saml_several_assertions"},
};
INSTANTIATE_TEST_SUITE_P(Signature, Refused, testing::ValuesIn(kSignature), [](const auto& row) { return row.param.name; });

// ---- signature wrapping: the eight shapes of "On Breaking SAML" (Somorovsky et al., 2012). `good` is what the provider signed for mallory; `evil` is
// what she wants to be read.

struct Wrapped {
  AssertionText good, evil;
  Wrapped() { good.name_id = "up-mallory", evil.id = "_evil", evil.name_id = "up-admin"; }
  std::string response(const std::string& inside) const {
    return R"(<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r">)" + inside + "</samlp:Response>";
  }
  std::string evil_with(const std::string& inside) const { return replaced(evil.unsigned_text(), "</saml:Assertion>", inside + "</saml:Assertion>"); }
  // The signature as it was, with the element that it was about moved into it.
  std::string signature_around(const std::string& moved) const { return replaced(good.signature(), "</ds:Signature>", "<ds:Object>" + moved + "</ds:Object></ds:Signature>"); }
};

const Row kWrapping[] = {
    {"Xsw1_AroundTheResponseInTheSignature", [] { Wrapped w; return w.response(w.signature_around(w.response(w.good.unsigned_text())) + w.evil.unsigned_text()); }, "saml_not_an_assertion"},
    {"Xsw2_TheResponseBesideItsSignature", [] { Wrapped w; return w.response(w.good.signature() + w.response(w.good.unsigned_text()) + w.evil.unsigned_text()); }, "saml_not_an_assertion"},
    {"Xsw3_TheEvilOneFirst", [] { Wrapped w; return w.response(w.evil.unsigned_text() + w.good.signed_text()); }, "saml_not_an_assertion"},
    {"Xsw3_WithoutAResponse", [] { Wrapped w; return replaced(w.evil.unsigned_text(), "<saml:Subject>", w.good.signed_text() + "<saml:Subject>"); }, "saml_several_assertions"},
    {"Xsw4_TheGoodOneInTheEvilOne", [] { Wrapped w; return w.evil_with(w.good.signed_text()); }, "saml_several_assertions"},
    {"Xsw5_TheSignatureInTheEvilOne", [] { Wrapped w; return w.evil.open() + w.good.signature() + replaced(w.evil.rest(), "</saml:Assertion>", w.good.unsigned_text() + "</saml:Assertion>"); }, "saml_several_assertions"},
    {"Xsw6_TheGoodOneInTheSignature", [] { Wrapped w; return w.evil.open() + w.signature_around(w.good.unsigned_text()) + w.evil.rest(); }, "saml_several_assertions"},
    {"Xsw7_InAnExtension", [] { Wrapped w; return w.response("<samlp:Extensions>" + w.evil.unsigned_text() + "</samlp:Extensions>" + w.good.signed_text()); }, "saml_not_an_assertion"},
    {"Xsw7_InAdvice", [] { Wrapped w; return w.good.open() + w.good.signature() + replaced(w.good.rest(), "</saml:AttributeStatement>", "</saml:AttributeStatement><saml:Advice>" + w.evil.unsigned_text() + "</saml:Advice>"); }, "saml_several_assertions"},
    {"Xsw8_TheGoodOneWithoutSignatureInAnObject", [] { Wrapped w; return w.evil.open() + w.signature_around(w.good.unsigned_text()) + w.evil.rest(); }, "saml_several_assertions"},
    // The same with names that a reader might not count as assertions.
    {"TheSignatureOfAnotherAssertion", [] { Wrapped w; return w.evil.open() + w.good.signature() + w.evil.rest(); }, "saml_reference_elsewhere"},
    {"TheSignatureOfAnotherAssertionOfThatId", [] { Wrapped w; w.evil.id = "_a1"; return w.evil.open() + w.good.signature() + w.evil.rest(); }, "saml_digest"},
    {"TheGoodOneInAnotherNamespace", [] { Wrapped w; return w.evil_with(replaced(w.good.signed_text(), "urn:oasis:names:tc:SAML:2.0:assertion", "urn:x")); }, "saml_several_assertions"},
};
INSTANTIATE_TEST_SUITE_P(Wrapping, Refused, testing::ValuesIn(kWrapping), [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace writ::saml
