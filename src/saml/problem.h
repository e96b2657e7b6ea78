#pragma once

// Why an assertion is not believed. One word for each check, so that a record says which one stopped it.

#include <string_view>

namespace writ::saml {

enum class Problem {
  // the document
  too_large,
  not_utf8,
  document_type,            // a DTD: where entity bombs and external entities live. It is not read, it is refused
  processing_instruction,
  comment,                  // canonicalisation drops them, so with them a signed name reads in two ways
  cdata,
  too_deep,
  not_well_formed,
  not_an_assertion,         // the root is something else: a whole response, or a signed assertion wrapped into another element
  encrypted,
  several_assertions,       // one of them may be signed and another one read
  duplicate_id,             // then a reference says two things
  malformed,
  // the signature
  not_signed,
  several_signatures,
  signature_misplaced,      // not the assertion's own child, where the schema has it
  signature_shape,          // not exactly one reference, or anything that the shape does not need
  reference_elsewhere,      // what is signed is not the assertion
  canonicalization,
  transform,
  algorithm,                // of signature or digest: SHA-1, HMAC, or unknown
  digest,                   // what was signed has been changed
  signature,                // by none of the keys that are configured
  // what it says
  issuer,
  no_conditions,
  condition_unknown,        // SAML core §2.5.1: what is not understood makes it not valid
  not_yet_valid,
  expired,
  too_old,                  // issued longer ago than the connector allows
  audience,
  no_bearer_confirmation,
  recipient,
  confirmation_expired,
  in_response_to,           // the answer to another question than the one that was asked
  confirmation_times,       // no NotOnOrAfter, or a NotBefore that the profile forbids
  no_authentication,        // no AuthnStatement: it does not say that anybody signed in
  session_over,
  name_id_transient,        // another one next time: it names nobody who could be known again
};
std::string_view to_string(Problem problem);   // "saml_document_type"

}  // namespace writ::saml
