#include "saml/verified_assertion.h"

#include <libxml/xmlIO.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#include <algorithm>
#include <set>

#include "encoding/base64url.h"
#include "saml/xml.h"

namespace writ::saml {

struct UnverifiedAssertion::State {
  Document document;
  Assertion assertion;
};

namespace {

struct ContextFree {
  void operator()(xmlSecDSigCtx* context) const { xmlSecDSigCtxDestroy(context); }
};

xmlParserInput* load_nothing(const char*, const char*, xmlParserCtxt*) { return nullptr; }
void say_nothing(const char*, int, const char*, const char*, const char*, int, const char*) {}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& letter : out) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  return out;
}

// INVARIANT: after this there is one assertion, one signature, and no name that two elements have: whatever a reference leads to is what is read.
// Names are compared whatever their namespace: an `Assertion` of somebody else's namespace has no business here either.
Result<void, Problem> check_nothing_twice(xmlNode* root) {
  std::set<std::string> ids;
  int signatures = 0;
  for (xmlNode* node = root; node; node = following_element(node, root)) {
    const std::string_view name = view(node->name);
    if (name.starts_with("Encrypted")) return unexpected(Problem::encrypted);
    if (name == "Assertion" && node != root) return unexpected(Problem::several_assertions);
    if (name == "Signature" && ++signatures > 1) return unexpected(Problem::several_signatures);
    for (const xmlAttr* one = node->properties; one; one = one->next) {
      if (lower(view(one->name)) != "id") continue;
      const auto value = view(one->children ? one->children->content : nullptr);
      if (!ids.insert(std::string(value)).second) return unexpected(Problem::duplicate_id);
    }
  }
  return signatures == 1 ? Result<void, Problem>{} : unexpected(Problem::not_signed);
}

// Schema order: Issuer, then Signature (core §2.3.3).
Result<xmlNode*, Problem> find_signature(xmlNode* root) {
  xmlNode* issuer = first_element(root);
  xmlNode* signature = issuer ? next_element(issuer->next) : nullptr;
  if (!is(issuer, kSamlNamespace, "Issuer") || !is(signature, kSignatureNamespace, "Signature")) return unexpected(Problem::signature_misplaced);
  return signature;
}

bool is_algorithm(const xmlNode* node, const char* name, std::initializer_list<std::string_view> allowed) {
  const auto said = is(node, kSignatureNamespace, name) ? attribute(node, "Algorithm") : std::nullopt;
  for (const std::string_view one : allowed) {
    if (said == one) return true;
  }
  return false;
}

constexpr std::string_view kExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
constexpr std::string_view kEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

// Only the list of namespace prefixes may stand in it (exclusive canonicalisation §3).
bool has_only_prefixes(const xmlNode* node) {
  const xmlNode* child = first_element(node);
  return !child || (is(child, kExclusive, "InclusiveNamespaces") && !first_element(child) && !next_element(child->next));
}

// Base64 in one spelling, however it is broken into lines: an assertion has one text.
bool is_base64(const xmlNode* node) {
  const auto text = text_of(node);
  if (!text) return false;
  std::string letters;
  std::copy_if(text->begin(), text->end(), std::back_inserter(letters), [](char letter) { return letter != ' ' && letter != '\n' && letter != '\r' && letter != '\t'; });
  return !letters.empty() && base64::decode(letters);
}

Result<void, Problem> check_transforms(const xmlNode* transforms) {
  if (!is(transforms, kSignatureNamespace, "Transforms")) return unexpected(Problem::transform);
  xmlNode* first = first_element(transforms);
  xmlNode* second = first ? next_element(first->next) : nullptr;
  if (!first || !second || next_element(second->next)) return unexpected(Problem::transform);
  // The order is part of the rule: what canonicalisation gives is bytes, and there is no signature to leave out of bytes.
  if (!is_algorithm(first, "Transform", {kEnveloped}) || first_element(first)) return unexpected(Problem::transform);
  if (!is_algorithm(second, "Transform", {kExclusive}) || !has_only_prefixes(second)) return unexpected(Problem::transform);
  return {};
}

Result<void, Problem> check_reference(const xmlNode* reference, const std::string& id) {
  if (attribute(reference, "URI") != "#" + id) return unexpected(Problem::reference_elsewhere);
  xmlNode* transforms = first_element(reference);
  if (!transforms) return unexpected(Problem::signature_shape);
  TRY(check_transforms(transforms));
  xmlNode* method = next_element(transforms->next);
  xmlNode* value = method ? next_element(method->next) : nullptr;
  if (!is_algorithm(method, "DigestMethod", {"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512"})) {
    return unexpected(is(method, kSignatureNamespace, "DigestMethod") ? Problem::algorithm : Problem::signature_shape);
  }
  if (!is(value, kSignatureNamespace, "DigestValue") || next_element(value->next) || !is_base64(value)) return unexpected(Problem::signature_shape);
  return {};
}

// What a signature of an assertion looks like, and nothing that it might look like besides: the library below it would follow much more.
Result<void, Problem> check_shape(const xmlNode* signature, const std::string& id) {
  xmlNode* info = first_element(signature);
  xmlNode* value = info ? next_element(info->next) : nullptr;
  xmlNode* key = value ? next_element(value->next) : nullptr;
  if (!is(info, kSignatureNamespace, "SignedInfo") || !is(value, kSignatureNamespace, "SignatureValue") || !is_base64(value)) return unexpected(Problem::signature_shape);
  if (key && (!is(key, kSignatureNamespace, "KeyInfo") || next_element(key->next))) return unexpected(Problem::signature_shape);   // no Object
  xmlNode* canonicalization = first_element(info);
  xmlNode* method = canonicalization ? next_element(canonicalization->next) : nullptr;
  xmlNode* reference = method ? next_element(method->next) : nullptr;
  if (!is_algorithm(canonicalization, "CanonicalizationMethod", {kExclusive}) || !has_only_prefixes(canonicalization)) return unexpected(Problem::canonicalization);
  constexpr const char* kMore = "http://www.w3.org/2001/04/xmldsig-more#";
  const std::string more = kMore;
  if (!is_algorithm(method, "SignatureMethod", {more + "rsa-sha256", more + "rsa-sha384", more + "rsa-sha512", more + "ecdsa-sha256", more + "ecdsa-sha384", more + "ecdsa-sha512"})) {
    return unexpected(Problem::algorithm);
  }
  if (!is(reference, kSignatureNamespace, "Reference") || next_element(reference->next)) return unexpected(Problem::signature_shape);
  return check_reference(reference, id);
}

// The same allow-lists once more, for the library: it must not be able to do what was not looked for above.
bool restrict(xmlSecDSigCtx& context) {
  context.enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
  for (const auto allowed : {xmlSecTransformEnvelopedId, xmlSecTransformExclC14NId, xmlSecTransformSha256Id, xmlSecTransformSha384Id, xmlSecTransformSha512Id}) {
    if (xmlSecDSigCtxEnableReferenceTransform(&context, allowed) < 0) return false;
  }
  for (const auto allowed : {xmlSecTransformExclC14NId, xmlSecTransformRsaSha256Id, xmlSecTransformRsaSha384Id, xmlSecTransformRsaSha512Id, xmlSecTransformEcdsaSha256Id,
                             xmlSecTransformEcdsaSha384Id, xmlSecTransformEcdsaSha512Id}) {
    if (xmlSecDSigCtxEnableSignatureTransform(&context, allowed) < 0) return false;
  }
  return true;
}

Result<void, Problem> verify_by(xmlNode* signature, const crypto::Certificate& certificate) {
  const std::unique_ptr<xmlSecDSigCtx, ContextFree> context(xmlSecDSigCtxCreate(nullptr));   // no key manager: nothing to look keys up in
  if (!context || !restrict(*context)) return unexpected(Problem::signature);
  const auto* der = reinterpret_cast<const xmlSecByte*>(certificate.der.data());
  context->signKey = xmlSecCryptoAppKeyLoadMemory(der, static_cast<xmlSecSize>(certificate.der.size()), xmlSecKeyDataFormatCertDer, nullptr, nullptr, nullptr);
  if (!context->signKey) return unexpected(Problem::signature);
  if (xmlSecDSigCtxVerify(context.get(), signature) < 0) return unexpected(Problem::signature);
  if (xmlSecPtrListGetSize(&context->signedInfoReferences) != 1) return unexpected(Problem::signature_shape);
  const auto* reference = static_cast<xmlSecDSigReferenceCtx*>(xmlSecPtrListGetItem(&context->signedInfoReferences, 0));
  if (reference->status != xmlSecDSigStatusSucceeded) return unexpected(Problem::digest);
  if (context->status != xmlSecDSigStatusSucceeded) return unexpected(Problem::signature);
  return {};
}

}  // namespace

void prepare_libraries() {
  static const bool ready = [] {
    xmlInitParser();
    xmlSetExternalEntityLoader(load_nothing);
    const bool initialised = xmlSecInit() >= 0 && xmlSecCryptoAppInit(nullptr) >= 0 && xmlSecCryptoInit() >= 0;
    xmlSecErrorsSetCallback(say_nothing);   // it would write what strangers send to our error output
    return initialised;
  }();
  if (!ready) std::abort();
}

Result<UnverifiedAssertion, Problem> UnverifiedAssertion::parse(std::string_view text) {
  Document document = TRY(parse_document(text));
  xmlNode* root = xmlDocGetRootElement(document.get());
  if (is(root, kSamlNamespace, "EncryptedAssertion")) return unexpected(Problem::encrypted);
  if (!is(root, kSamlNamespace, "Assertion")) return unexpected(Problem::not_an_assertion);
  TRY(check_nothing_twice(root));
  Assertion assertion = TRY(read_assertion(root));
  const xmlNode* signature = TRY(find_signature(root));
  TRY(check_shape(signature, assertion.id));
  auto state = std::make_shared<State>();
  state->document = std::move(document);
  state->assertion = std::move(assertion);
  return UnverifiedAssertion(std::move(state));
}

const std::string& UnverifiedAssertion::claimed_issuer() const { return state_->assertion.issuer; }

Result<VerifiedAssertion, Problem> VerifiedAssertion::verify(UnverifiedAssertion unverified, const std::vector<crypto::Certificate>& certificates) {
  xmlDoc* document = unverified.state_->document.get();
  xmlNode* root = xmlDocGetRootElement(document);
  xmlNode* signature = TRY(find_signature(root));
  // The one ID that can be referred to is the root's.
  xmlAttr* id = xmlHasProp(root, xml("ID"));
  if (!id || !xmlAddID(nullptr, document, xml(unverified.state_->assertion.id.c_str()), id)) return unexpected(Problem::duplicate_id);
  Problem why = Problem::signature;
  for (const crypto::Certificate& certificate : certificates) {
    const auto verified = verify_by(signature, certificate);
    if (verified) return VerifiedAssertion(std::move(unverified.state_->assertion));
    // A certificate of another kind of key cannot even try; what the fitting one found says more.
    if (why == Problem::signature) why = verified.error();
  }
  return unexpected(why);
}

}  // namespace writ::saml
